/** Rooms, events and members in the form in which the room engine hands them out. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { Restriction } from "../../users/common/types.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";

/**
 * Root of a state tree: 32 hex digits, or null for "no state" (before a create event, or not
 * known).
 */
export type StateRoot = string | null;

export type Membership = "join" | "invite" | "leave" | "ban" | "knock";

export interface Room {
  readonly nid: number;
  readonly roomId: RoomId;
  readonly version: RoomVersion;
}

/** An event as this server holds it: the event and its place in room and log. */
export interface StoredEvent {
  readonly nid: number;
  readonly roomNid: number;
  readonly event: RoomEvent;
  /** Log position; for history, of the event it was filled in front of; null for an outlier. */
  readonly position: number | null;
  /**
   * 0 for live events, negative for history (backfilled events). (position, ordinal) orders the
   * timeline.
   */
  readonly ordinal: number;
  readonly status: "accepted" | "soft-failed" | "rejected";
  readonly stateBefore: StateRoot;
  readonly stateAfter: StateRoot;
  /** The room's current state right after this event arrived (live events only). */
  readonly roomState: StateRoot;
  /** nid of the redaction that was applied. */
  readonly redactedBy: number | null;
}

/** Who makes the request. Transaction ids are unique per user and `deviceId`. */
export interface Actor {
  readonly userId: UserId;
  readonly deviceId?: string | undefined;
  /** The application service that acts as the user. */
  readonly service?: { readonly id: string } | undefined;
  /** Whether it is an administrator of the server; false when absent. */
  readonly isAdmin?: boolean;
  /** Suspended users redact only what they have sent themselves. */
  readonly restriction?: Restriction | undefined;
  /** Nobody gets what they send. */
  readonly isShadowBanned?: boolean | undefined;
}

/** What is shown of a room to those who may know of it, members or not. */
export interface RoomSummary {
  readonly room_id: RoomId;
  readonly num_joined_members: number;
  readonly world_readable: boolean;
  readonly guest_can_join: boolean;
  readonly canonical_alias?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly avatar_url?: string;
  /** Absent in what other servers tell: public. */
  readonly join_rule?: string;
  readonly room_type?: string;
  /** Of restricted rooms: whoever is in one of these may join. */
  readonly allowed_room_ids?: readonly RoomId[];
  /** The algorithm of encrypted rooms. */
  readonly encryption?: string;
  readonly room_version?: string;
}
