/** Sends delayed events, each once, and notes what became of them. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { EventId, RoomId, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { RoomSend } from "../rooms/api/index.ts";
import { delayedKey } from "../rooms/records/idempotency.ts";
import {
  DEVICE_IS_GONE,
  type DelayedEventRow,
  finaliseDelayedEvent,
  releaseDelayedEvent,
  retryDelayedEvent,
} from "../storage/delayed-events.ts";
import { findTransaction } from "../storage/rooms/events.ts";
import type { Sql } from "../storage/sql.ts";
import type { Users } from "../users/users.ts";

export interface SendingDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: Pick<RoomSend, "message" | "state">;
  readonly accounts: Pick<Users["accounts"], "find">;
  readonly devices: Pick<Users["devices"], "exists">;
  /** Takes one message of the user's rate. @throws MatrixError M_LIMIT_EXCEEDED */
  readonly checkRate: (userId: UserId) => Promise<void>;
}

/** So long an event may be late for the rate of its user's messages; then it is refused. */
const MAX_LATE_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** Tries of an event that fails through no fault of its own, about a quarter of an hour. */
const MAX_FAILURES = 20;

/** Events that were taken, and are this process's to send. */
export interface Sending {
  /** Sends one that is due. What it fails with is noted, and does not throw. */
  due(row: DelayedEventRow): Promise<void>;
  /** Sends one because somebody asks for it. It waits on when it cannot be sent. */
  asked(row: DelayedEventRow): Promise<void>;
}

export function createSending(deps: SendingDeps): Sending {
  const { sql, clock, logger, accounts, devices, send } = deps;

  /**
   * Sends it with the rights that its user has now. The delay id is the event's transaction id: an
   * event that was stored before is not sent again.
   */
  async function attempt(row: DelayedEventRow): Promise<EventId> {
    const userId = row.userId as UserId;
    const account = await accounts.find(userId);
    if (account === undefined || account.deactivated) throw errors.userDeactivated();
    const { restriction, isShadowBanned } = account;
    if (restriction === "locked") throw errors.userLocked();
    const isRedaction = row.type === "m.room.redaction" && row.stateKey === null;
    if (restriction === "suspended" && !isRedaction) throw errors.userSuspended();
    if (row.deviceId !== "" && !(await devices.exists(userId, row.deviceId))) {
      throw errors.unknown(DEVICE_IS_GONE.error, 403);
    }
    if (row.isLimited && row.failures === 0) await deps.checkRate(userId);
    const { stickyMs, originServerTs, stateKey } = row;
    const message = {
      by: { userId, deviceId: row.deviceId, restriction, isShadowBanned },
      roomId: row.roomId as RoomId,
      type: row.type,
      content: JSON.parse(row.content) as JsonObject,
      delayId: row.delayId,
      ...(originServerTs === null ? {} : { originServerTs }),
      ...(stickyMs === null ? {} : { stickyMs }),
    };
    return stateKey === null ? send.message(message) : send.state({ ...message, stateKey });
  }

  async function sent(row: DelayedEventRow): Promise<void> {
    const eventId = await attempt(row);
    await finaliseDelayedEvent(sql, row.delayId, clock.now(), { eventId });
  }

  /** It may have been stored: nobody can cancel it until that is known. */
  async function retry(row: DelayedEventRow, err: unknown): Promise<void> {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** row.failures, MAX_PAUSE_MS);
    logger.warn({ err, failures: row.failures + 1 }, "a delayed event was not sent yet");
    await retryDelayedEvent(sql, row.delayId, clock.now() + pause);
  }

  async function refuse(row: DelayedEventRow, error: MatrixError): Promise<void> {
    const text = JSON.stringify(error.toJSON());
    await finaliseDelayedEvent(sql, row.delayId, clock.now(), { error: text });
  }

  async function failed(row: DelayedEventRow, error: unknown): Promise<void> {
    // Whoever sent it may have ended before noting that; meanwhile its user lost the right.
    const eventId = await findTransaction(
      sql,
      delayedKey({ userId: row.userId as UserId }, row.delayId),
    );
    if (eventId !== undefined)
      return finaliseDelayedEvent(sql, row.delayId, clock.now(), { eventId });
    if (!(error instanceof MatrixError)) {
      if (row.failures < MAX_FAILURES) return retry(row, error);
      logger.error({ err: error, delayId: row.delayId }, "a delayed event is given up");
      return refuse(row, errors.unknown("The server could not send it"));
    }
    if (error.status >= 500 && row.failures < MAX_FAILURES) return retry(row, error);
    if (error.errcode === "M_LIMIT_EXCEEDED") {
      const at = clock.now() + Number(error.extra?.["retry_after_ms"] ?? MAX_LATE_MS);
      if (at <= row.sinceTs + row.delayMs + MAX_LATE_MS) {
        return releaseDelayedEvent(sql, row.delayId, at);
      }
    }
    return refuse(row, error);
  }

  return {
    async due(row) {
      try {
        await sent(row);
      } catch (error) {
        await failed(row, error).catch((err: unknown) => {
          // Whoever takes it up next finds out.
          logger.error({ err }, "what became of a delayed event could not be noted");
        });
      }
    },
    async asked(row) {
      try {
        await sent(row);
      } catch (error) {
        // Otherwise it may have been stored, and the timer takes it up again.
        if (error instanceof MatrixError && error.status < 500) {
          await releaseDelayedEvent(sql, row.delayId, undefined);
        }
        throw error;
      }
    },
  };
}
