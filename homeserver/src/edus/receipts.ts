import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId, parseUserId, serverOf } from "../protocol/identifiers.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type Json, type JsonObject } from "../protocol/json.ts";
import { findReceipt } from "../storage/receipt-rows.ts";
import type { Sql } from "../storage/sql.ts";
import type { RoomFacts } from "./types.ts";

export type ReceiptType = "m.read" | "m.read.private" | "m.fully_read";

/** Read receipts and the fully-read marker. (Client-server API, "Receipts", "Read and unread markers".) */
export interface Receipts {
  /**
   * POST /rooms/{roomId}/receipt/{receiptType}/{eventId}. A receipt never moves back. `threadId` is "" for all
   * threads. @throws MatrixError M_FORBIDDEN 403, M_INVALID_PARAM 400
   */
  set(request: {
    userId: UserId;
    roomId: RoomId;
    type: ReceiptType;
    eventId: string;
    threadId: string;
  }): Promise<void>;
  /** An m.receipt EDU. What is malformed or not the origin's to say is ignored. */
  receive(origin: ServerName, content: JsonObject): Promise<void>;
}

/** One EDU moves at most so many receipts. */
const MOST_RECEIPTS = 500;

export function createReceipts(deps: {
  readonly log: Log;
  readonly sql: Sql;
  readonly rooms: RoomFacts;
  readonly clock: Clock;
}): Receipts {
  const { log, sql, rooms, clock } = deps;

  /** True when the event lies behind the one that the receipt points at already. */
  async function movesForward(
    key: { roomNid: number; userId: string; receiptType: string; threadId: string },
    eventPosition: number,
  ): Promise<boolean> {
    const before = await findReceipt(sql, key);
    return before?.eventPosition == null || before.eventPosition < eventPosition;
  }

  async function fullyRead(userId: UserId, roomNid: number, eventId: string): Promise<void> {
    const content = JSON.stringify({ event_id: eventId });
    await log.append({ accountData: [{ userId, roomNid, type: "m.fully_read", content }] });
  }

  async function move(
    roomId: RoomId,
    receipt: { userId: UserId; type: string; eventId: string; threadId: string; ts: number },
  ): Promise<void> {
    const at = await rooms.eventAt(roomId, receipt.eventId);
    const roomNid = at?.roomNid ?? (await rooms.roomNid(roomId));
    if (roomNid === undefined) return;
    const { userId, type: receiptType, eventId, threadId, ts } = receipt;
    const key = { roomNid, userId, receiptType, threadId };
    if (at && !(await movesForward(key, at.position))) return;
    const eventPosition = at?.position ?? null;
    await log.append({ receipts: [{ ...key, roomId, eventId, eventPosition, ts }] });
  }

  return {
    async set({ userId, roomId, type, eventId, threadId }) {
      if (!(await rooms.isJoined(roomId, userId)))
        throw errors.forbidden("You are not in the room");
      const at = await rooms.eventAt(roomId, eventId);
      if (!at) throw errors.invalidParam("There is no such event in the room");
      if (type === "m.fully_read") return fullyRead(userId, at.roomNid, eventId);
      await move(roomId, { userId, type, eventId, threadId, ts: clock.now() });
    },

    async receive(origin, content) {
      for (const { roomId, userId, eventId, threadId, ts } of receiptsIn(content, origin)) {
        if (!(await rooms.isJoined(roomId, userId))) continue;
        const at = ts ?? clock.now();
        await move(roomId, { userId, type: "m.read", eventId, threadId, ts: at });
      }
    },
  };
}

interface IncomingReceipt {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly eventId: string;
  readonly threadId: string;
  readonly ts: number | undefined;
}

/** room → "m.read" → user → {event_ids, data: {ts, thread_id}}: those that the origin may speak for. */
function receiptsIn(content: JsonObject, origin: ServerName): IncomingReceipt[] {
  const receipts: IncomingReceipt[] = [];
  for (const [room, types] of Object.entries(content)) {
    const byUser = isJsonObject(types) ? types["m.read"] : undefined;
    if (!isJsonObject(byUser)) continue;
    const roomId = parseRoomId(room);
    for (const [user, receipt] of Object.entries(byUser)) {
      const userId = parseUserId(user);
      const parsed = serverOf(userId) === origin ? receiptOf(receipt) : undefined;
      if (parsed) receipts.push({ roomId, userId, ...parsed });
      if (receipts.length === MOST_RECEIPTS) return receipts;
    }
  }
  return receipts;
}

function receiptOf(
  receipt: Json | undefined,
): Omit<IncomingReceipt, "roomId" | "userId"> | undefined {
  if (!isJsonObject(receipt) || !Array.isArray(receipt.event_ids)) return undefined;
  const eventId = receipt.event_ids.at(-1);
  if (typeof eventId !== "string" || eventId.length > 255) return undefined;
  const data = isJsonObject(receipt.data) ? receipt.data : {};
  const threadId = typeof data.thread_id === "string" ? data.thread_id.slice(0, 255) : "";
  const ts = typeof data.ts === "number" && Number.isSafeInteger(data.ts) ? data.ts : undefined;
  return { eventId, threadId, ts };
}
