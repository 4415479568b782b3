import { ApiError, isTransient } from "../api/errors.ts";
import type { RoomApi } from "../api/rooms.ts";
import type { Content, EventContent, EventType, MatrixEvent } from "../api/types.ts";
import type { Room } from "./room.ts";
import { defaultBackOff } from "./sync-engine.ts";

export interface OutboxDeps {
  api: Pick<RoomApi, "send" | "redact">;
  me: string;
  /** What is sent in place of an event, in rooms that are encrypted. Absent: the event as it is. */
  seal?: (
    room: Room,
    type: string,
    content: Content,
  ) => Promise<{ type: string; content: Content }>;
  /** Keeps what is on its way, should the page be closed; undefined when it has arrived or was dropped. */
  keep?: (room: Room, txnId: string, unsent: Unsent | undefined) => void;
  /** Told after each change of what waits in a room. */
  onChange(room: Room): void;
  newTxnId?: () => string;
  now?: () => number;
  backOff?: (failures: number) => number;
}

/** An event that was not sent yet, as it is kept. */
export interface Unsent {
  roomId: string;
  type: string;
  content: Content;
  /** Milliseconds, when it was written; and the how manyth of its page it was. */
  ts: number;
  count: number;
}

/** Milliseconds after which the person is asked before an event goes out that could not be sent. */
const MAX_AGE = 24 * 3_600_000;

/** It was written long ago, and never sent. */
export class StaleError extends Error {}

type Kept = readonly [txnId: string, unsent: Unsent, room: Room];

const inOrder = (kept: readonly Kept[]): Kept[] =>
  kept.toSorted(([, a], [, b]) => a.ts - b.ts || a.count - b.count);

interface Job {
  room: Room;
  txnId: string;
  run(): Promise<unknown>;
}

/**
 * Sends what is written, room by room in the order of writing. It goes on trying for as long as the server is away;
 * what the server refuses is marked as failed and waits to be retried or dropped.
 */
export function createOutbox(deps: OutboxDeps) {
  const newTxnId = deps.newTxnId ?? (() => `weft-${crypto.randomUUID()}`);
  const now = deps.now ?? Date.now;
  const backOff = deps.backOff ?? defaultBackOff;
  const queues = new Map<string, Promise<void>>();
  const sleepers = new Set<() => void>();
  let stopped = false;
  let written = 0;

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      sleepers.add(wake);
    });
  }

  function wanted(job: Job): boolean {
    return !stopped && job.room.timeline.pendingByTxn(job.txnId) !== undefined;
  }

  async function attempt(job: Job): Promise<void> {
    for (let failures = 1; wanted(job); failures++) {
      try {
        await job.run();
        return;
      } catch (error) {
        if (!isTransient(error)) {
          job.room.timeline.setPendingState(job.txnId, "failed", error);
          deps.onChange(job.room);
          return;
        }
        await sleep(
          (error instanceof ApiError ? error.retryAfter : undefined) ?? backOff(failures),
        );
      }
    }
  }

  function enqueue(job: Job): Promise<void> {
    const before = queues.get(job.room.roomId) ?? Promise.resolve();
    const after = before.then(() => attempt(job));
    queues.set(job.room.roomId, after);
    return after;
  }

  function sendJob(room: Room, txnId: string, type: string, content: Content): Job {
    let sealed: { type: string; content: Content } | undefined;
    return {
      room,
      txnId,
      async run() {
        // Once: an attempt that arrived though its answer did not is known by its transaction id.
        sealed ??= (await deps.seal?.(room, type, content)) ?? { type, content };
        // Taken back while its keys went out.
        if (room.timeline.pendingByTxn(txnId) === undefined) return;
        const { event_id: eventId } = await deps.api.send(
          room.roomId,
          sealed.type,
          txnId,
          sealed.content,
        );
        deps.keep?.(room, txnId, undefined);
        room.timeline.sent(txnId, eventId);
        deps.onChange(room);
      },
    };
  }

  function retryNow(): void {
    for (const wake of [...sleepers]) wake();
  }

  return {
    /** Shows the event at once and sends it in turn. Answers its transaction id. */
    send<Type extends EventType>(room: Room, type: Type, content: EventContent<Type>): string {
      const txnId = newTxnId();
      const event: MatrixEvent = {
        event_id: `~${txnId}`,
        type,
        sender: deps.me,
        origin_server_ts: now(),
        content,
      };
      const ts = event.origin_server_ts;
      deps.keep?.(room, txnId, { roomId: room.roomId, type, content, ts, count: ++written });
      room.timeline.addPending(event, txnId);
      void enqueue(sendJob(room, txnId, type, content));
      // It goes out first: to draw it takes longer than that, and the same frame shows it.
      setTimeout(() => deps.onChange(room));
      return txnId;
    },

    /**
     * Goes on with what an earlier page could not send, under the same transaction ids: what did arrive is not said twice.
     * What is older than a day is offered instead.
     */
    restore(kept: readonly Kept[]): void {
      for (const [txnId, unsent, room] of inOrder(kept)) {
        const { type, content, ts } = unsent;
        const isHere = room.timeline.entries.some(
          ({ event }) => event.unsigned?.transaction_id === txnId,
        );
        if (isHere) {
          deps.keep?.(room, txnId, undefined);
          continue;
        }
        if (room.timeline.pendingByTxn(txnId) !== undefined) continue;
        const event: MatrixEvent = {
          event_id: `~${txnId}`,
          type,
          sender: deps.me,
          origin_server_ts: ts,
          content,
        };
        room.timeline.addPending(event, txnId);
        if (now() - ts > MAX_AGE) {
          room.timeline.setPendingState(txnId, "failed", new StaleError());
        } else void enqueue(sendJob(room, txnId, type, content));
        deps.onChange(room);
      }
    },

    /** Takes a message or reaction back, at once on this screen. Rejects when the server refuses. */
    async redact(room: Room, eventId: string, reason?: string): Promise<void> {
      const txnId = newTxnId();
      await deps.api.redact(room.roomId, eventId, txnId, reason);
      room.timeline.redactLocally(eventId, {
        event_id: `~${txnId}`,
        type: "m.room.redaction",
        sender: deps.me,
        origin_server_ts: now(),
        content: { redacts: eventId },
      });
      deps.onChange(room);
    },

    retry(room: Room, txnId: string): void {
      const entry = room.timeline.pendingByTxn(txnId);
      if (entry === undefined || entry.pending?.state !== "failed") return;
      room.timeline.setPendingState(txnId, "sending");
      deps.onChange(room);
      // The same transaction id: should the first attempt have arrived after all, the server says so.
      void enqueue(sendJob(room, txnId, entry.event.type, entry.event.content));
    },

    discard(room: Room, txnId: string): void {
      room.timeline.discard(txnId);
      deps.keep?.(room, txnId, undefined);
      deps.onChange(room);
    },

    /** Ends all waits: the connection is back. */
    retryNow,

    /** Sends nothing more: whoever wrote this has signed out. */
    stop(): void {
      stopped = true;
      retryNow();
    },
  };
}

export type Outbox = ReturnType<typeof createOutbox>;
