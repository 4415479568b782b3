import { DuplicateTransaction, type Log, type NewRecord } from "../../log/types.ts";
import { createAllowance } from "./allowance.ts";
import { atMost, LRUCache } from "../../platform/caches.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { errors } from "../../protocol/errors.ts";
import { isUserId, type ServerName, serverOf, type UserId } from "../../protocol/identifiers.ts";
import { isIndexable } from "../../protocol/text.ts";
import type { LocalDevices } from "./local-devices.ts";
import {
  type ContentByDevice,
  createTally,
  inboxRows,
  namedUsers,
  outboundRows,
  type Tally,
  TooLarge,
} from "./messages.ts";

/** What a device of a local user sends. */
interface OutgoingMessages {
  readonly by: { readonly userId: UserId; readonly deviceId: string };
  readonly type: string;
  readonly txnId: string;
  /** Contents by user and device. */
  readonly messages: Readonly<Record<string, ContentByDevice>>;
}

export interface SendingDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: ServerName;
  readonly devices: LocalDevices;
  /** Whether a user may send only so many bytes in a time. */
  readonly rateLimits: () => boolean;
}

/**
 * Bytes that a user may send, with those of all copies. A member of a room with 20,000 devices
 * sends 24 MB when the room's key changes.
 */
const ALLOWANCE = { burst: 64 * 1024 * 1024, perSecond: 256 * 1024, keys: 20_000 };
/** Transactions that are known from memory to be done. */
const DONE_KEPT = 20_000;
const MESSAGE_ID_LETTERS = 24;

/**
 * Sends what a client sends, once for each transaction id of a device: resolves when it is on disk.
 * What is for unknown devices here is dropped. (Client-server API, "Send-to-Device messaging".)
 * @throws MatrixError M_INVALID_PARAM 400, M_TOO_LARGE 413, M_LIMIT_EXCEEDED 429; then nothing is
 *   sent
 */
export type SendToDevice = (message: OutgoingMessages) => Promise<void>;

export function createSending(deps: SendingDeps): SendToDevice {
  const { log, clock, random, serverName, devices } = deps;
  const allowance = createAllowance<UserId>(ALLOWANCE, clock.monotonic);
  const underWay = createSingleFlight<string, void>();
  const done = new LRUCache<string, true>(atMost(DONE_KEPT));
  const newMessageId = () => random.alphanumeric(MESSAGE_ID_LETTERS);

  async function rowsOf({ by, type, messages }: OutgoingMessages, tally: Tally) {
    const sender = by.userId;
    const byServer = Map.groupBy(recipientsIn(messages), ([userId]) => serverOf(userId));
    const rows: NewRecord[] = [];
    for (const [server, theirs] of byServer) {
      const message = { sender, type, messages: new Map(theirs) };
      if (server === serverName) {
        const existing = await devices.of(theirs.map(([userId]) => userId));
        rows.push(...inboxRows(message, existing, tally));
      } else {
        rows.push(...outboundRows(message, server, newMessageId, tally));
      }
    }
    return rows;
  }

  async function deliver(message: OutgoingMessages): Promise<void> {
    const { by, type, txnId } = message;
    const tally = createTally();
    const records = await rowsOf(message, tally);
    if (records.length === 0) return;
    const wait = deps.rateLimits() ? allowance.take(by.userId, tally.bytes) : 0;
    if (wait > 0) throw errors.limitExceeded(wait);
    const key = { userId: by.userId, deviceId: by.deviceId, scope: `sendToDevice ${type}`, txnId };
    try {
      await log.append({ records, transaction: { ...key, eventId: "" } });
    } catch (error) {
      if (!(error instanceof DuplicateTransaction)) throw error;
    }
  }

  return async (message) => {
    const { by, type, txnId } = message;
    if (!isIndexable(txnId)) throw errors.invalidParam("txnId has at most 255 bytes");
    if (!isIndexable(type)) throw errors.invalidParam("eventType has at most 255 bytes");
    const key = JSON.stringify([by.userId, by.deviceId, type, txnId]);
    if (done.has(key)) return;
    try {
      await underWay.run(key, () => deliver(message));
    } catch (error) {
      throw error instanceof TooLarge ? errors.tooLarge(error.message) : error;
    }
    done.set(key, true);
  };
}

/** @throws TooLarge; MatrixError M_INVALID_PARAM 400 for a key that is no user id */
function recipientsIn(messages: OutgoingMessages["messages"]): [UserId, ContentByDevice][] {
  return namedUsers(messages).map((userId) => {
    if (isUserId(userId)) return [userId, messages[userId]!];
    throw errors.invalidParam(`messages: ${JSON.stringify(userId.slice(0, 255))} is no user id`);
  });
}
