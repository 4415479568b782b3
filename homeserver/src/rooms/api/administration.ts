/** What administrators of the server see of rooms, and do to them. */
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type {
  ListedRoom,
  RoomListQuery,
  RoomOrder,
} from "../../storage/administration/room-list.ts";
import type { Closure, RoomStatus } from "../../storage/administration/room-status.ts";
import type { MemberQuery } from "../../storage/administration/room-members.ts";
import type { RoomHistory } from "./reading.ts";

export type { ListedRoom, RoomOrder };

export interface ListedMember {
  readonly userId: UserId;
  readonly membership: string;
  readonly displayName: string | undefined;
  readonly avatarUrl: string | undefined;
  /** Null for creators, who have every right. */
  readonly level: number | null;
}

export interface RoomLists {
  /** Brings what is told of rooms up to date, where other lists show it. */
  refresh(): Promise<void>;
  /** All rooms that this server is or was in. */
  list(query: RoomListQuery): Promise<{ rooms: ListedRoom[]; total: number }>;
  /** M_NOT_FOUND 404. */
  details(roomId: RoomId): Promise<
    ListedRoom & {
      /** Devices of joined local members. */
      readonly localDevices: number;
      /** All local users who were in it have forgotten it. */
      readonly isForgotten: boolean;
    }
  >;
  /** M_NOT_FOUND 404. */
  joined(roomId: RoomId): Promise<UserId[]>;
  /**
   * Members of a room, the most powerful first: those with a level of their own, then the others.
   * M_NOT_FOUND 404.
   */
  members(roomId: RoomId, query: MemberQuery): Promise<{ members: ListedMember[]; total: number }>;
  /** Client JSON of the current state, of all types or of one. M_NOT_FOUND 404. */
  state(roomId: RoomId, type?: string): Promise<string[]>;
  /** Forward extremities, the newest first. M_NOT_FOUND 404. */
  extremities(roomId: RoomId): Promise<{ eventId: string; depth: number; ts: number }[]>;
  /** An event as servers send it, with its identifier and its room. */
  pdu(eventId: EventId): Promise<JsonObject | undefined>;
}

/**
 * What users of this server do in a room at an administrator's wish. Where none of them has the
 * power: M_UNKNOWN 400. M_NOT_FOUND 404 for rooms and events that are not known.
 */
export interface RoomActions {
  /**
   * Removes somebody who is in the room, is invited or knocks; users of this server leave by
   * themselves. `ban`: they can't come back. M_NOT_FOUND 404 for who is not there.
   */
  remove(request: {
    readonly roomId: RoomId;
    readonly userId: UserId;
    readonly ban?: boolean | undefined;
    readonly reason?: string | undefined;
  }): Promise<void>;
  /** Whether nothing is left for `remove` to do. M_NOT_FOUND 404 for the room alone. */
  isRemoved(request: {
    readonly roomId: RoomId;
    readonly userId: UserId;
    readonly ban?: boolean | undefined;
  }): Promise<boolean>;
  /**
   * Redacts an event, in its sender's name where that is a user of this server. Once: what is
   * redacted already, or is being redacted this way, is not redacted again.
   */
  redact(request: {
    readonly roomId: RoomId;
    readonly eventId: EventId;
    readonly reason?: string | undefined;
  }): Promise<void>;
  /** Sets a user's power level. */
  setLevel(request: {
    readonly roomId: RoomId;
    readonly userId: UserId;
    readonly level: number;
  }): Promise<void>;
  /**
   * Gives a user the greatest power that a user of this server has in the room, and invites them
   * where they could not come in otherwise.
   */
  makeAdmin(room: RoomId | RoomAlias, userId: UserId): Promise<void>;
  /** Has a user of this server join a room, invited where that is needed and can be done. */
  join(request: {
    readonly userId: UserId;
    readonly room: RoomId | RoomAlias;
    readonly via?: readonly ServerName[] | undefined;
  }): Promise<RoomId>;
}

export interface RoomStatusOf extends Partial<Closure> {
  readonly status: RoomStatus;
}

export interface RoomStatuses {
  /** Whether the room is open, known or not; and who closed it, when and why. */
  of(roomId: RoomId): Promise<RoomStatusOf>;
  /**
   * Opens a room, or closes it in one way. Archived: read and left, while nothing is sent there and
   * nothing taken in from other servers. Blocked: nobody comes in. Shut down: local users are put
   * out, and it is blocked; that is a purge, whose id is answered. M_NOT_FOUND 404 for rooms that
   * this server never was in, unless they are blocked or opened; M_UNKNOWN 400 while a purge runs.
   */
  set(
    by: UserId,
    roomId: RoomId,
    wanted: { readonly status: RoomStatus; readonly reason?: string | undefined },
  ): Promise<{ readonly deleteId?: string }>;
}

export interface RoomAdministration {
  /** Keeps the newest forward extremity alone; answers how many went. M_NOT_FOUND 404. */
  dropExtremities(roomId: RoomId): Promise<number>;
  readonly lists: RoomLists;
  readonly statuses: RoomStatuses;
  readonly actions: RoomActions;
  /**
   * What is read of rooms whoever asks, in them or not. Rooms and events that are not known here:
   * M_NOT_FOUND 404.
   */
  readonly history: Pick<RoomHistory, "messages" | "context" | "closestTo">;
}
