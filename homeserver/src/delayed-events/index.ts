/** Events that the server sends later (MSC4140): see docs/decisions/0046. */
import type { Random } from "../platform/random.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { EventId, UserId } from "../protocol/identifiers.ts";
import { canonicalJsonLoose, type JsonObject } from "../protocol/json.ts";
import { isIndexable } from "../protocol/text.ts";
import * as storage from "../storage/delayed-events.ts";
import type { Exclusive } from "../storage/exclusive.ts";
import { transaction } from "../storage/transaction.ts";
import { createSending, type SendingDeps } from "./sending.ts";
import { CLAIM_MS, startTimer } from "./timer.ts";
import type {
  DelayedAction,
  DelayedEvent,
  DelayedEventLimits,
  DelayedEvents,
  ScheduleRequest,
} from "./types.ts";

export type { DelayedEvent, DelayedEvents } from "./types.ts";

interface Deps extends SendingDeps {
  readonly random: Random;
  readonly exclusive: Exclusive;
  /** Asked each time: they may change while the server runs. */
  readonly limits: () => DelayedEventLimits;
}

/** An event has no more bytes in all. (Client-server API, "Size limits".) */
const MAX_BYTES = 65_536;
/** What became of so many events of a user can be read. */
const MAX_FINALISED = 200;
const PAGE = 50;
/** How long one who manages an event waits while it is being sent. */
const WAIT_MS = 10_000;
const WAIT_STEP_MS = 100;

export function createDelayedEvents(deps: Deps): DelayedEvents & { stop(): Promise<void> } {
  const { sql, clock, random } = deps;
  const sending = createSending(deps);
  const timer = startTimer({ ...deps, sending });

  async function insert(event: storage.NewDelayedEvent): Promise<string> {
    const { userId, txnId } = event;
    const now = clock.now();
    return transaction(sql, async (tx) => {
      const before =
        txnId === null ? undefined : await storage.findByTransaction(tx, { ...event, txnId });
      if (before !== undefined) return before;
      const { count, firstDueTs } = await storage.countWaiting(tx, userId);
      if (count >= deps.limits().perUser) {
        const wait = Math.max((firstDueTs ?? now) - now, 1_000);
        throw errors.limitExceeded(wait, `You have ${count} delayed events already`);
      }
      await storage.keepNewestFinalised(tx, userId, MAX_FINALISED);
      await storage.insertDelayedEvent(tx, event, now);
      return event.delayId;
    });
  }

  /** Does it, unless it is being sent or finalised: false. */
  async function tryTo(
    delayId: string,
    action: DelayedAction,
    userId: UserId | undefined,
  ): Promise<boolean> {
    const now = clock.now();
    switch (action) {
      case "cancel":
        return storage.cancelDelayedEvent(sql, delayId, userId, now);
      case "restart":
        return storage.restartDelayedEvent(sql, delayId, userId, now);
      case "send": {
        const claim = { now, until: now + CLAIM_MS };
        const row = await storage.takeDelayedEvent(sql, delayId, userId, claim);
        if (row !== undefined) await sending.asked(row);
        return row !== undefined;
      }
    }
  }

  return {
    async schedule(request) {
      const event = rowOf(checked(request, deps.limits()), random.alphanumeric(32));
      const { userId } = request.by;
      const key = `delayed events of ${userId}`;
      const delayId = await deps.exclusive.run(key, () => insert(event));
      timer.expect(clock.now() + request.delayMs);
      return delayId;
    },

    async manage(delayId, action, userId) {
      const giveUpAt = clock.monotonic() + WAIT_MS;
      if (!isIndexable(delayId)) throw unknownId();
      for (;;) {
        if (await tryTo(delayId, action, userId)) return;
        const row = await storage.findDelayedEvent(sql, delayId);
        if (row === undefined || row.userId !== (userId ?? row.userId)) throw unknownId();
        if (row.finalisedTs !== null) {
          if (OUTCOMES[action](row)) return;
          // A status of its own, and the code by which clients learn that it waits no more.
          const what = row.eventId === null ? "cancelled or refused" : "sent";
          throw new MatrixError(409, "M_NOT_FOUND", `That delayed event was ${what} already`);
        }
        if (clock.monotonic() > giveUpAt) {
          throw errors.unknown("That delayed event is being sent at the moment", 504);
        }
        await clock.sleep(WAIT_STEP_MS);
      }
    },

    async one(userId, delayId) {
      const row = isIndexable(delayId) ? await storage.findDelayedEvent(sql, delayId) : undefined;
      if (row?.userId !== userId) throw unknownId();
      return shown(row);
    },

    async waiting(userId) {
      return (await storage.waitingOf(sql, userId)).map(shown);
    },

    async finalised(userId, from) {
      const before = from === undefined ? undefined : parseFrom(from);
      const rows = await storage.finalisedOf(sql, userId, before, PAGE + 1);
      const events = rows.slice(0, PAGE).map(shown);
      const last = rows.length > PAGE ? rows[PAGE - 1] : undefined;
      return last === undefined
        ? { events }
        : { events, next: `${last.finalisedTs}_${last.delayId}` };
    },

    stop: () => timer.stop(),
  };
}

const unknownId = () => errors.notFound("There is no such delayed event");

/** Whether that has become of a finalised event what the action asks for. */
const OUTCOMES: Record<DelayedAction, (row: storage.DelayedEventRow) => boolean> = {
  send: ({ eventId }) => eventId !== null,
  cancel: ({ eventId }) => eventId === null,
  restart: () => false,
};

function checked(request: ScheduleRequest, limits: DelayedEventLimits): ScheduleRequest {
  const { by, type, stateKey, content, delayMs, txnId } = request;
  if (limits.perUser === 0) throw errors.forbidden("This server sends no events later");
  const isRedaction = type === "m.room.redaction" && stateKey === undefined;
  if (by.restriction === "suspended" && !isRedaction) throw errors.userSuspended();
  if (delayMs > limits.maxDelayMs) throw delayTooLong(limits.maxDelayMs);
  if (txnId !== undefined && !isIndexable(txnId)) {
    throw errors.invalidParam("txnId has at most 255 bytes, and no NUL character");
  }
  if (type.includes("\0") || stateKey?.includes("\0") === true) {
    throw errors.badJson("An event's type and state key hold no NUL");
  }
  const bytes = Buffer.byteLength(canonicalJsonLoose(content));
  if (bytes > MAX_BYTES) throw errors.tooLarge("An event has at most 65,536 bytes");
  return request;
}

/** Former drafts have a code of its own for it, which clients look for. */
function delayTooLong(maxDelayMs: number): MatrixError {
  return new MatrixError(400, "M_UNKNOWN", "That is longer than this server delays events", {
    "org.matrix.msc4140.errcode": "M_MAX_DELAY_EXCEEDED",
    "org.matrix.msc4140.max_delay": maxDelayMs,
  });
}

function rowOf(request: ScheduleRequest, delayId: string): storage.NewDelayedEvent {
  const { by, roomId, type, stateKey } = request;
  return {
    delayId,
    userId: by.userId,
    deviceId: by.deviceId,
    scope: `${roomId} ${type}`,
    txnId: request.txnId ?? null,
    roomId,
    type,
    stateKey: stateKey ?? null,
    content: JSON.stringify(request.content),
    stickyMs: request.stickyMs ?? null,
    originServerTs: request.originServerTs ?? null,
    isLimited: by.service?.isRateLimited !== false,
    delayMs: request.delayMs,
  };
}

function shown(row: storage.DelayedEventRow): DelayedEvent {
  const { delayId, roomId, type, delayMs, sinceTs, finalisedTs, eventId, error } = row;
  return {
    ...{ delayId, roomId, type, delayMs, sinceTs },
    stateKey: row.stateKey ?? undefined,
    content: JSON.parse(row.content) as JsonObject,
    finalised:
      finalisedTs === null
        ? undefined
        : {
            ts: finalisedTs,
            ...(eventId === null ? {} : { eventId: eventId as EventId }),
            ...(error === null ? {} : { error: JSON.parse(error) as JsonObject }),
          },
  };
}

function parseFrom(from: string): { ts: number; delayId: string } {
  const match = /^(\d{1,15})_(\w{1,64})$/.exec(from);
  if (match === null) throw errors.invalidParam("from is no next_batch of this operation");
  return { ts: Number(match[1]), delayId: match[2]! };
}
