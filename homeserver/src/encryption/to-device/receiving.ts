import { DuplicateTransaction, type Log } from "../../log/types.ts";
import { createAllowance } from "./allowance.ts";
import { atMost, LRUCache } from "../../platform/caches.ts";
import type { Clock } from "../../platform/clock.ts";
import { createKeyedQueue } from "../../platform/keyed-queue.ts";
import type { Logger } from "../../platform/logger.ts";
import { errors } from "../../protocol/errors.ts";
import { isUserId, type ServerName, serverOf, type UserId } from "../../protocol/identifiers.ts";
import { forbiddenIn, isJsonObject, type JsonObject } from "../../protocol/json.ts";
import { isDeeperThan, MAX_REQUEST_NESTING } from "../../protocol/json/json-value.ts";
import { isIndexable } from "../../protocol/text.ts";
import type { SharingServers } from "./sharing-servers.ts";
import type { LocalDevices } from "./local-devices.ts";
import {
  type ContentByDevice,
  createTally,
  type DeviceMessage,
  inboxRows,
  namedUsers,
  OVERHEAD_BYTES,
  TooLarge,
} from "./messages.ts";

export interface ReceivingDeps {
  readonly log: Log;
  readonly sharing: Pick<SharingServers, "has">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly devices: LocalDevices;
  readonly rateLimits: () => boolean;
}

/**
 * Takes in one m.direct_to_device EDU, once for each `message_id` of a server: resolves when it is
 * on disk. Messages of a server are stored in the order of the calls. What is malformed, or not the
 * server's to say, is dropped. (Server-server API, "Send-to-device messaging".)
 * @throws LogUnavailable, or the database's error, when it is unavailable or refuses; MatrixError
 *   M_LIMIT_EXCEEDED 429 when the server has sent too much and is to send it again later
 */
export type ReceiveToDevice = (origin: ServerName, content: JsonObject) => Promise<void>;

const MIB = 1024 * 1024;
/** Bytes of a server that shares a room with this one: it has to wait for more. */
const OF_SERVER = { burst: 512 * MIB, perSecond: 2 * MIB, keys: 10_000 };
/** Bytes of one user of another server: what is more is dropped. */
const OF_USER = { burst: 64 * MIB, perSecond: MIB / 4, keys: 20_000 };
/**
 * Bytes of a server that shares no room with this one, from where users may verify one another
 * nevertheless: what is more is dropped.
 */
const OF_STRANGER = { burst: MIB, perSecond: 4 * 1024, keys: 10_000 };
/** Bytes of all those servers: whoever makes up names gets no further by it. */
const OF_ALL_STRANGERS = { burst: 16 * MIB, perSecond: 64 * 1024, keys: 1 };

export function createReceiving(deps: ReceivingDeps): ReceiveToDevice {
  const { log, logger, serverName, devices } = deps;
  const isWithinRates = createRates(deps);
  const warn = createWarning(logger);
  const inOrder = createKeyedQueue<ServerName>();

  /** Hands one EDU to the log; the result settles when it is on disk. */
  async function hand(origin: ServerName, content: JsonObject): Promise<{ stored: Promise<void> }> {
    const edu = parse(origin, content, serverName);
    const none = { stored: Promise.resolve() };
    if (edu === undefined || edu.messages.size === 0) return none;
    const lookUps = edu.messages.size * OVERHEAD_BYTES;
    if (!(await isWithinRates(origin, edu.sender, lookUps))) return none;
    const existing = await devices.of([...edu.messages.keys()]);
    const tally = createTally();
    const records = inboxRows(edu, existing, tally);
    if (records.length === 0 || !(await isWithinRates(origin, edu.sender, tally.bytes))) {
      return none;
    }
    const key = { userId: origin, deviceId: "", scope: "m.direct_to_device", txnId: edu.messageId };
    const stored = log.append({ records, transaction: { ...key, eventId: "" } });
    stored.catch(() => {});
    return { stored: stored.then(() => {}) };
  }

  return async (origin, content) => {
    try {
      const { stored } = await inOrder.run(origin, () => hand(origin, content));
      await stored;
    } catch (err) {
      if (err instanceof DuplicateTransaction) return;
      if (!(err instanceof TooLarge)) throw err;
      warn(origin, err.message);
    }
  };
}

/** Says that something of a server was dropped, and why: once a minute, not once a message. */
function createWarning(logger: Logger): (origin: ServerName, why: string) => void {
  const told = new LRUCache<ServerName, true>({ ...atMost(1_000), ttl: 60_000 });
  return (origin, why) => {
    if (told.has(origin)) return;
    told.set(origin, true);
    logger.info({ origin, why }, "messages of another server for devices were dropped");
  };
}

/** Whether so many bytes more may come. @throws MatrixError M_LIMIT_EXCEEDED 429 */
type IsWithinRates = (origin: ServerName, sender: UserId, bytes: number) => Promise<boolean>;

function createRates({ sharing, clock, logger, rateLimits }: ReceivingDeps): IsWithinRates {
  const { monotonic } = clock;
  const warn = createWarning(logger);
  const ofServer = createAllowance<ServerName>(OF_SERVER, monotonic);
  const ofUser = createAllowance<UserId>(OF_USER, monotonic);
  const ofStranger = createAllowance<ServerName>(OF_STRANGER, monotonic);
  const ofAllStrangers = createAllowance<"all">(OF_ALL_STRANGERS, monotonic);

  return async (origin, sender, bytes) => {
    if (!rateLimits()) return true;
    const isKnown = await sharing.has(origin);
    const dropped = isKnown
      ? ofUser.take(sender, bytes)
      : ofStranger.take(origin, bytes) || ofAllStrangers.take("all", bytes);
    if (dropped > 0) {
      warn(origin, `${sender} sends too many`);
      return false;
    }
    const wait = isKnown ? ofServer.take(origin, bytes) : 0;
    if (wait > 0) throw errors.limitExceeded(wait, "Too many messages for devices");
    return true;
  };
}

/** Undefined for what is malformed, or of a sender of another server. @throws TooLarge */
function parse(
  origin: ServerName,
  content: JsonObject,
  serverName: ServerName,
): (DeviceMessage & { readonly messageId: string }) | undefined {
  const { sender, type, message_id: messageId, messages } = content;
  // Many clients cannot read an answer that holds what canonical JSON forbids, or nests deeply.
  if (forbiddenIn(content) !== undefined) return undefined;
  if (!isUserId(sender) || serverOf(sender) !== origin) return undefined;
  if (!isIndexable(type) || !isIndexable(messageId) || !isJsonObject(messages)) return undefined;
  const ours = new Map<UserId, ContentByDevice>();
  for (const userId of namedUsers(messages)) {
    const contents = messages[userId];
    if (!isUserId(userId) || serverOf(userId) !== serverName) continue;
    if (isContents(contents)) ours.set(userId, contents);
  }
  return { sender, type, messageId, messages: ours };
}

function isContents(value: unknown): value is ContentByDevice {
  if (!isJsonObject(value) || isDeeperThan(value, MAX_REQUEST_NESTING)) return false;
  return Object.values(value).every(isJsonObject);
}
