/** Purges: what administrators take out of the database. */
import type { EventId, RoomId, UserId } from "../../protocol/identifiers.ts";

type PurgeState = "shutting_down" | "purging" | "complete" | "failed";

/** How far a purge is. */
export interface Purge {
  readonly purgeId: string;
  readonly roomId: RoomId;
  readonly kind: "history" | "room";
  readonly state: PurgeState;
  /** Why it failed. */
  readonly reason: string | undefined;
  readonly report: PurgeReport;
}

export interface PurgeReport {
  readonly putOut: readonly UserId[];
  /** They could not be made to leave. */
  readonly notPutOut: readonly UserId[];
  readonly aliases: readonly string[];
  /** The room that was made for those who were put out. */
  readonly newRoom?: RoomId | undefined;
}

/** A room for those who are put out of another: its maker alone speaks there. */
export interface NewRoom {
  /** A user of this server. */
  readonly by: UserId;
  readonly name: string;
  /** What its maker says there. */
  readonly message: string;
}

/** Jobs in the background, durable: they go on after a restart, on whichever replica. */
export interface RoomPurges {
  /**
   * Begins to take what came before an event, or a moment (ms since 1970), out of a room's history: messages are
   * deleted, state is kept, and what this server's users sent unless `localEvents`. The event stays. Answers the purge's
   * id. M_NOT_FOUND 404, M_UNKNOWN 400 while another purge of the room is under way.
   */
  history(
    roomId: RoomId,
    upTo: { readonly eventId: EventId } | { readonly ts: number },
    options: { readonly localEvents: boolean },
  ): Promise<string>;
  /**
   * Begins to put this server's users out of a room, and then to delete the room. M_NOT_FOUND 404 when it is not known
   * (unless it is to be blocked), M_UNKNOWN 400 while another purge of the room is under way.
   */
  room(by: UserId, roomId: RoomId, options: RoomPurgeOptions): Promise<string>;
  /** Undefined when there is none, or it ended long ago. */
  one(purgeId: string): Promise<Purge | undefined>;
  /** Purges of the room as a whole, the newest first. */
  ofRoom(roomId: RoomId): Promise<Purge[]>;
  /** Who blocked the room. */
  blockedBy(roomId: RoomId): Promise<UserId | undefined>;
  /** Nobody of this server enters a room that is blocked. */
  setBlocked(by: UserId, roomId: RoomId, blocked: boolean): Promise<void>;
}

export interface RoomPurgeOptions {
  /** Nobody of this server may enter it again. */
  readonly block: boolean;
  /** Deletes its rows; otherwise the users are put out alone. */
  readonly purge: boolean;
  /** Also when some user could not be made to leave. */
  readonly force: boolean;
  /** They, and the room's aliases, are taken to a new room. */
  readonly newRoom?: NewRoom | undefined;
  /** Reason of the leaves. */
  readonly message?: string | undefined;
}
