/** Events that the server sends later (MSC4140). */
import type { Requester } from "../users/common/types.ts";
import type { EventId, RoomId, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";

export interface DelayedEventLimits {
  /** How many of one user's may wait; 0: nothing is sent later. */
  readonly perUser: number;
  /** The longest delay, ms. */
  readonly maxDelayMs: number;
}

export interface ScheduleRequest {
  readonly by: Requester;
  readonly roomId: RoomId;
  readonly type: string;
  /** Of a state event. */
  readonly stateKey?: string | undefined;
  readonly content: JsonObject;
  readonly delayMs: number;
  /** ms for which the event is sticky once it is sent (MSC4354). */
  readonly stickyMs?: number | undefined;
  readonly txnId?: string | undefined;
  /** ms since 1970; application services may choose it. */
  readonly originServerTs?: number | undefined;
}

/** An event that was scheduled, and what became of it. Times are ms since 1970. */
export interface DelayedEvent {
  readonly delayId: string;
  readonly roomId: string;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
  readonly delayMs: number;
  readonly sinceTs: number;
  /** Absent: it waits. Neither an event nor an error: it was cancelled. */
  readonly finalised?:
    | { readonly ts: number; readonly eventId?: EventId; readonly error?: JsonObject }
    | undefined;
}

export type DelayedAction = "cancel" | "restart" | "send";

export interface DelayedEvents {
  /**
   * Schedules an event and answers its delay id; that of the first time for a repeated transaction
   * id of the same device.
   * @throws MatrixError M_MAX_DELAY_EXCEEDED as in `delayTooLong`; M_FORBIDDEN 403 when nothing is
   * sent later; M_LIMIT_EXCEEDED 429; M_TOO_LARGE 413; M_USER_SUSPENDED 403
   */
  schedule(request: ScheduleRequest): Promise<string>;
  /**
   * Cancels, restarts or sends it. Without `userId` whoever knows the id may.
   * @throws MatrixError M_NOT_FOUND 404; M_NOT_FOUND 409 when it was finalised in another way;
   * M_UNKNOWN 504 while it is being sent; of `send` also what sending throws
   */
  manage(delayId: string, action: DelayedAction, userId?: UserId): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  one(userId: UserId, delayId: string): Promise<DelayedEvent>;
  /** A user's events that wait, the first due first. */
  waiting(userId: UserId): Promise<DelayedEvent[]>;
  /** Those that do not any more, newest first, by pages. M_INVALID_PARAM for a bad `from`. */
  finalised(
    userId: UserId,
    from: string | undefined,
  ): Promise<{ readonly events: DelayedEvent[]; readonly next?: string }>;
}
