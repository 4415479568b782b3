/** Purges: history or whole rooms that an administrator removes from the database. */
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
  /** Users who could not be made to leave. */
  readonly notPutOut: readonly UserId[];
  readonly aliases: readonly string[];
  /** Rows that were deleted so far. */
  readonly deletedRows?: number | undefined;
  /** The room that was created for the removed users. */
  readonly newRoom?: RoomId | undefined;
}

/** A room for users who are removed from another one. Only its creator can send messages there. */
export interface NewRoom {
  /** A user of this server. */
  readonly by: UserId;
  readonly name: string;
  /** The message that its creator sends there. */
  readonly message: string;
}

/** Durable background jobs: they continue after a restart, on any replica. */
export interface RoomPurges {
  /**
   * Starts deleting what came before an event, or before a moment (ms since 1970), from a room's
   * history. State events stay, and so do messages of this server's users unless `localEvents` is
   * set. The event itself stays. Returns the purge's id. M_NOT_FOUND 404, M_UNKNOWN 400 while
   * another purge of the room is running.
   */
  history(
    roomId: RoomId,
    upTo: { readonly eventId: EventId } | { readonly ts: number },
    options: { readonly localEvents: boolean },
  ): Promise<string>;
  /**
   * Starts removing this server's users from a room, and then deleting the room. M_NOT_FOUND 404
   * when the room is not known (unless it is to be blocked), M_UNKNOWN 400 while another purge of
   * the room is running.
   */
  room(by: UserId, roomId: RoomId, options: RoomPurgeOptions): Promise<string>;
  /**
   * Deletes everywhere the messages that have ended by what rooms and the settings say, as happens
   * every ten minutes anyway.
   */
  ended(signal: AbortSignal): Promise<void>;
  /**
   * Waits until a purge that has begun has ended. M_UNKNOWN 503 when the signal aborts before; the
   * purge goes on.
   */
  whenOver(purgeId: string, signal: AbortSignal): Promise<Purge>;
  /** Undefined when there is no such purge, or it ended long ago. */
  one(purgeId: string): Promise<Purge | undefined>;
  /** Purges of whole rooms with this id, newest first. */
  ofRoom(roomId: RoomId): Promise<Purge[]>;
  /** Who blocked the room. */
  blockedBy(roomId: RoomId): Promise<UserId | undefined>;
  /** No user of this server can enter a blocked room. */
  setBlocked(by: UserId, roomId: RoomId, blocked: boolean): Promise<void>;
}

export interface RoomPurgeOptions {
  /** Nobody of this server may enter the room again. */
  readonly block: boolean;
  /** Also deletes the room's rows; otherwise its local users are only removed. */
  readonly purge: boolean;
  /** Continues even if a user could not be made to leave. */
  readonly force: boolean;
  /** Moves the users and the room's aliases to a new room. */
  readonly newRoom?: NewRoom | undefined;
  /** The reason given in the leave events. */
  readonly message?: string | undefined;
}
