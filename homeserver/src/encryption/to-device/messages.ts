/** Messages for devices, as they are stored and sent. */
import type { NewRecord } from "../../log/types.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** Contents by device; "*" stands for all other devices of the user. */
export type ContentByDevice = Readonly<Record<string, JsonObject>>;

/** One message of a user for any number of devices. */
export interface DeviceMessage {
  readonly sender: UserId;
  readonly type: string;
  readonly messages: ReadonlyMap<UserId, ContentByDevice>;
}

/** Bytes of a content, at most: what other servers still take in an EDU. */
const MAX_CONTENT_BYTES = 65_536;
/** Bytes of a message, at most: content, sender and type. */
export const MAX_MESSAGE_BYTES = MAX_CONTENT_BYTES + 2_048;
/** Limits on the messages of one request or EDU, once "*" has become devices. */
const MAX_MESSAGES = 10_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** What a message takes besides its text: its row, and entries of indexes. */
export const OVERHEAD_BYTES = 256;

const ALL_DEVICES = "*";

/** A content is too large, or there are too many messages. The text says which. */
export class TooLarge extends Error {
  override name = "TooLarge";
}

/**
 * Users of whom somebody names devices. Each of them is looked up, also one that does not exist.
 * @throws TooLarge
 */
export function namedUsers(messages: object): string[] {
  const users = Object.keys(messages);
  if (users.length <= MAX_MESSAGES) return users;
  throw new TooLarge(`More than ${MAX_MESSAGES} users are named: send them in parts`);
}

/** Counts the messages of one request or EDU. */
export interface Tally {
  /** @throws TooLarge */
  add(bytes: number): void;
  readonly bytes: number;
}

export function createTally(): Tally {
  let [messages, bytes] = [0, 0];
  return {
    add(more) {
      messages += 1;
      bytes += more + OVERHEAD_BYTES;
      if (messages <= MAX_MESSAGES && bytes <= MAX_BYTES) return;
      throw new TooLarge(
        `There are more than ${MAX_MESSAGES} messages, or more than ${MAX_BYTES} bytes: send them in parts`,
      );
    },
    get bytes() {
      return bytes;
    },
  };
}

/**
 * The rows for those devices that exist. `devices`: what devices the users have.
 * @throws TooLarge
 */
export function inboxRows(
  { sender, type, messages }: DeviceMessage,
  devices: ReadonlyMap<UserId, ReadonlySet<string>>,
  tally: Tally,
): NewRecord[] {
  const rows: NewRecord[] = [];
  const head = `{"sender":${JSON.stringify(sender)},"type":${JSON.stringify(type)},"content":`;
  for (const [userId, contents] of messages) {
    const existing = devices.get(userId);
    for (const [named, content] of Object.entries(contents)) {
      const message = `${head}${contentText(content, userId, named)}}`;
      const bytes = Buffer.byteLength(message);
      for (const deviceId of recipients(named, contents, existing)) {
        tally.add(bytes);
        rows.push({ kind: "to_device", userId, deviceId, message });
      }
    }
  }
  return rows;
}

function recipients(
  named: string,
  contents: ContentByDevice,
  existing: ReadonlySet<string> | undefined,
): readonly string[] {
  if (existing === undefined) return [];
  if (named !== ALL_DEVICES) return existing.has(named) ? [named] : [];
  return [...existing].filter((deviceId) => !Object.hasOwn(contents, deviceId));
}

interface Piece {
  bytes: number;
  /** `"device":{…}` of each user. */
  readonly byUser: Map<UserId, string[]>;
}

/**
 * Contents of m.direct_to_device EDUs for one server, of about `MAX_CONTENT_BYTES` at most.
 * @throws TooLarge
 */
export function outboundRows(
  { sender, type, messages }: DeviceMessage,
  server: string,
  newMessageId: () => string,
  tally: Tally,
): NewRecord[] {
  const pieces: Piece[] = [];
  for (const [userId, contents] of messages) {
    for (const [deviceId, content] of Object.entries(contents)) {
      const text = `${JSON.stringify(deviceId)}:${contentText(content, userId, deviceId)}`;
      const bytes = Buffer.byteLength(text) + userId.length;
      tally.add(bytes);
      let piece = pieces.at(-1);
      if (piece === undefined || piece.bytes + bytes > MAX_CONTENT_BYTES) {
        pieces.push((piece = { bytes: 0, byUser: new Map() }));
      }
      piece.bytes += bytes;
      const ofUser = piece.byUser.get(userId);
      if (ofUser) ofUser.push(text);
      else piece.byUser.set(userId, [text]);
    }
  }
  return pieces.map(({ byUser }) => {
    const head = JSON.stringify({ sender, type, message_id: newMessageId() }).slice(0, -1);
    const users = [...byUser].map(([id, texts]) => `${JSON.stringify(id)}:{${texts.join(",")}}`);
    const content = `${head},"messages":{${users.join(",")}}}`;
    return { kind: "to_device_outbound", server, content };
  });
}

function contentText(content: JsonObject, userId: string, deviceId: string): string {
  const text = JSON.stringify(content);
  if (Buffer.byteLength(text) <= MAX_CONTENT_BYTES) return text;
  throw new TooLarge(
    `The message for ${userId}, device ${deviceId.slice(0, 255)}, is longer than ${MAX_CONTENT_BYTES} bytes`,
  );
}
