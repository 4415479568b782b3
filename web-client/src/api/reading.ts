import type { RequestBody } from "@weft/spec/types";
import type { Http } from "./http.ts";

const ROOM = "/_matrix/client/v3/rooms/{roomId}";
const ROOM_1 = "/_matrix/client/v1/rooms/{roomId}";
const SUBSCRIPTION =
  "/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription";

const LAZY = { lazy_load_members: true };

export type SearchBody = RequestBody<"search">;

/** What one reads beyond what sync brings: places in the past, threads, searches; and how far one has read. */
export function createReadingApi(http: Http) {
  return {
    /** A page of events from a token on: newer ones oldest first (`f`), older ones newest first (`b`). */
    messages: (roomId: string, from: string | undefined, dir: "b" | "f", limit = 40) =>
      http.call<"getRoomEvents">("GET", `${ROOM}/messages`, {
        path: { roomId },
        query: { dir, from, limit, filter: JSON.stringify(LAZY) },
      }),

    /** Older events with a file in them. (Of encrypted ones no server knows.) */
    files: (roomId: string, from: string | undefined, limit = 30) =>
      http.call<"getRoomEvents">("GET", `${ROOM}/messages`, {
        path: { roomId },
        query: {
          dir: "b",
          from,
          limit,
          filter: JSON.stringify({ ...LAZY, contains_url: true, types: ["m.room.message"] }),
        },
      }),

    /** An event, with what stands before it (newest first) and after it (oldest first). */
    context: (roomId: string, eventId: string, limit = 40) =>
      http.call<"getEventContext">("GET", `${ROOM}/context/{eventId}`, {
        path: { roomId, eventId },
        query: { limit, filter: JSON.stringify(LAZY) },
      }),

    /** The event closest to a moment, after it (`f`) or before it (`b`). */
    at: (roomId: string, ts: number, dir: "b" | "f") =>
      http.call<"getEventByTimestamp">("GET", `${ROOM_1}/timestamp_to_event`, {
        path: { roomId },
        query: { ts, dir },
      }),

    /** A page of a thread's messages, newest first. */
    thread: (roomId: string, eventId: string, from: string | undefined, limit = 40) =>
      http.call<"getRelatingEventsWithRelType">("GET", `${ROOM_1}/relations/{eventId}/{relType}`, {
        path: { roomId, eventId, relType: "m.thread" },
        query: { from, limit, dir: "b" },
      }),

    /** A page of what changed a message, newest first. */
    edits: (roomId: string, eventId: string, from?: string) =>
      http.call<"getRelatingEventsWithRelType">("GET", `${ROOM_1}/relations/{eventId}/{relType}`, {
        path: { roomId, eventId, relType: "m.replace" },
        query: { from, limit: 50, dir: "b" },
      }),

    /** The messages that a room's threads began with: those of the newest reply first. */
    threads: (roomId: string, from: string | undefined, include: "all" | "participated") =>
      http.call<"getThreadRoots">("GET", `${ROOM_1}/threads`, {
        path: { roomId },
        query: { from, include, limit: 30 },
      }),

    search: (
      body: SearchBody,
      { next, signal }: { next?: string | undefined; signal?: AbortSignal },
    ) =>
      http.call<"search">("POST", "/_matrix/client/v3/search", {
        query: { next_batch: next },
        body,
        signal,
      }),

    /** Moves the receipt in a thread, or in the room's own messages ("main"). */
    receipt: (
      roomId: string,
      eventId: string,
      threadId: string,
      receiptType: "m.read" | "m.read.private" = "m.read",
    ) =>
      http.call<"postReceipt">("POST", `${ROOM}/receipt/{receiptType}/{eventId}`, {
        path: { roomId, eventId, receiptType },
        body: { thread_id: threadId },
      }),

    /** Rejects with 404 where one does not follow it. */
    subscription: (roomId: string, eventId: string) =>
      http.call<"getThreadSubscription">("GET", SUBSCRIPTION, { path: { roomId, eventId } }),
    follow: (roomId: string, eventId: string, automatic?: string) =>
      http.call<"putThreadSubscription">("PUT", SUBSCRIPTION, {
        path: { roomId, eventId },
        body: automatic === undefined ? {} : { automatic },
      }),
    unfollow: (roomId: string, eventId: string) =>
      http.call<"deleteThreadSubscription">("DELETE", SUBSCRIPTION, { path: { roomId, eventId } }),
  };
}

export type ReadingApi = ReturnType<typeof createReadingApi>;
