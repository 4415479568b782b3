import type { Log, ReceiptRow } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import { isEventId, isRoomId, isUserId, serverOf } from "../protocol/identifiers.ts";
import type { EventId, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { isInteger, isJsonObject, type Json, type JsonObject } from "../protocol/json.ts";
import { findAccountData } from "../storage/users/account-data.ts";
import type { Exclusive } from "../storage/exclusive.ts";
import { findReceipt, trimThreadReceipts } from "../storage/users/receipts.ts";
import type { Sql } from "../storage/sql.ts";
import type { RoomFacts } from "./types.ts";

export type ReceiptType = "m.read" | "m.read.private" | "m.fully_read";

/**
 * Read receipts and the fully-read marker. (Client-server API, "Receipts", "Read and unread
 * markers".)
 */
export interface Receipts {
  /**
   * POST /rooms/{roomId}/receipt/{receiptType}/{eventId}. A receipt never moves back. `threadId` is
   * "" for all threads.
   * @throws MatrixError M_FORBIDDEN 403; M_INVALID_PARAM 400, also for an event that is not in the
   * thread
   */
  set(request: {
    userId: UserId;
    roomId: RoomId;
    type: ReceiptType;
    eventId: EventId;
    threadId: string;
  }): Promise<void>;
  /**
   * Handles an m.receipt EDU. Malformed receipts, and users of other servers than the origin, are
   * ignored.
   */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
}

/** Limit on receipts moved by one EDU. */
const MAX_RECEIPTS = 500;
/** Limit on threads of one room in which a user has receipts. */
const MAX_THREADS = 1000;

export function createReceipts(deps: {
  readonly log: Log;
  readonly sql: Sql;
  readonly rooms: RoomFacts;
  readonly clock: Clock;
  readonly exclusive: Exclusive;
  /** Limit on threads of one room in which a user has receipts (1000). */
  readonly maxThreads?: number;
}): Receipts {
  const { log, sql, rooms, clock, exclusive, maxThreads = MAX_THREADS } = deps;

  /** True when the place comes after the event that the receipt points at now. */
  async function isBehind(roomId: RoomId, now: EventId, place: Place): Promise<boolean> {
    const at = await rooms.eventAt(roomId, now);
    if (!at || at.position < place.position) return true;
    return at.position === place.position && at.ordinal < place.ordinal;
  }

  /** The receipt as a row; undefined when it would move back. */
  async function rowOf(roomId: RoomId, receipt: ReceiptMove): Promise<ReceiptRow | undefined> {
    const { userId, type: receiptType, eventId, threadId, ts } = receipt;
    const at = await rooms.eventAt(roomId, eventId);
    const roomNid = at?.roomNid ?? (await rooms.roomNid(roomId));
    if (roomNid === undefined) return undefined;
    const key = { roomNid, userId, receiptType, threadId };
    const before = at && (await findReceipt(sql, key));
    if (before && (before.eventPosition ?? -1) >= at.position) {
      if (!(await isBehind(roomId, before.eventId as EventId, at))) return undefined;
    }
    return { ...key, roomId, eventId, eventPosition: at?.position ?? null, ts };
  }

  async function fullyRead(userId: UserId, roomId: RoomId, eventId: EventId, at: Place) {
    const type = "m.fully_read";
    const text = await findAccountData(sql, userId, at.roomNid, type);
    const before = text === undefined ? undefined : (JSON.parse(text) as JsonObject).event_id;
    if (isEventId(before) && !(await isBehind(roomId, before, at))) return;
    const content = JSON.stringify({ event_id: eventId });
    const record = { kind: "account_data", userId, roomNid: at.roomNid, type, content } as const;
    await log.append({ records: [record] });
  }

  /** A user keeps receipts for a limited number of threads per room: those that moved last. */
  async function move(rows: readonly ReceiptRow[]): Promise<void> {
    if (rows.length === 0) return;
    await log.append({ records: rows.map((row) => ({ kind: "receipt", ...row }) as const) });
    const threaded = rows.filter(({ threadId }) => threadId !== "" && threadId !== "main");
    const owners = new Map(
      threaded.map((row) => [`${row.roomNid} ${row.userId} ${row.receiptType}`, row]),
    );
    for (const row of owners.values()) await trimThreadReceipts(sql, row, maxThreads);
  }

  return {
    async set({ userId, roomId, type, eventId, threadId }) {
      if (!(await rooms.isJoined(roomId, userId))) {
        throw errors.forbidden("You are not in the room");
      }
      const at = await rooms.eventAt(roomId, eventId);
      if (!at) throw errors.invalidParam("There is no such event in the room");
      if (threadId !== "" && !(await rooms.isInThread(threadId, eventId))) {
        throw errors.invalidParam(
          "The event is not in that thread: name the thread's root, or main",
        );
      }
      // One after another, so that the later of two concurrent receipts wins.
      await exclusive.run(`receipts ${userId} ${roomId}`, async () => {
        if (type === "m.fully_read") return fullyRead(userId, roomId, eventId, at);
        const row = await rowOf(roomId, { userId, type, eventId, threadId, ts: clock.now() });
        if (row) await move([row]);
      });
    },

    async receive(origin, content) {
      const rows: ReceiptRow[] = [];
      const allowed = new Map<RoomId, boolean>();
      for (const { roomId, userId, ts, ...receipt } of receiptsIn(content, origin)) {
        if (!(await rooms.isJoined(roomId, userId))) continue;
        const known = allowed.get(roomId) ?? (await rooms.aclAllows(roomId, origin));
        allowed.set(roomId, known);
        if (!known) continue;
        const moving = { ...receipt, userId, type: "m.read", ts: ts ?? clock.now() } as const;
        const row = await rowOf(roomId, moving);
        if (row) rows.push(row);
      }
      await move(rows);
    },
  };
}

/** A receipt to be moved. */
interface ReceiptMove {
  readonly userId: UserId;
  readonly type: ReceiptType;
  readonly eventId: EventId;
  readonly threadId: string;
  readonly ts: number;
}

type Place = NonNullable<Awaited<ReturnType<RoomFacts["eventAt"]>>>;

interface IncomingReceipt {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly eventId: EventId;
  readonly threadId: string;
  readonly ts: number | undefined;
}

/** room → "m.read" → user → {event_ids, data: {ts, thread_id}}: only for users of the origin. */
function receiptsIn(content: JsonObject, origin: ServerName): IncomingReceipt[] {
  const receipts: IncomingReceipt[] = [];
  for (const [room, types] of Object.entries(content)) {
    const byUser = isJsonObject(types) ? types["m.read"] : undefined;
    if (!isJsonObject(byUser)) continue;
    if (!isRoomId(room)) continue;
    for (const [user, receipt] of Object.entries(byUser)) {
      const isTheirs = isUserId(user) && serverOf(user) === origin;
      const parsed = isTheirs ? receiptOf(receipt) : undefined;
      if (parsed) receipts.push({ roomId: room, userId: user as UserId, ...parsed });
      if (receipts.length === MAX_RECEIPTS) return receipts;
    }
  }
  return receipts;
}

function receiptOf(
  receipt: Json | undefined,
): Omit<IncomingReceipt, "roomId" | "userId"> | undefined {
  if (!isJsonObject(receipt) || !Array.isArray(receipt.event_ids)) return undefined;
  const eventId = receipt.event_ids.at(-1);
  if (!isEventId(eventId)) return undefined;
  const data = isJsonObject(receipt.data) ? receipt.data : {};
  const threadId = data.thread_id ?? "";
  if (threadId !== "" && threadId !== "main" && !isEventId(threadId)) return undefined;
  const ts = isInteger(data.ts) && data.ts >= 0 ? data.ts : undefined;
  return { eventId, threadId, ts };
}
