import type { SyncToken } from "../../log/token.ts";
import type { MembershipChange, RecordOf } from "../../log/types.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { Membership } from "../../rooms/api/index.ts";

/** The kinds of log records that concern syncing users. */
export const SYNC_KINDS = [
  ...(["event", "membership", "receipt", "account_data"] as const),
  ...(["partial_state", "forgotten", "purge"] as const),
  ...(["device_list", "user_signature", "one_time_keys", "to_device"] as const),
  ...(["thread_subscription", "profile_field", "sticky"] as const),
] as const;
export type SyncRecord = RecordOf<(typeof SYNC_KINDS)[number]>;

/** One room of a user, as of the newest log record. */
export interface SyncingUserRoom {
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly membership: Membership;
  /** nid of the member event. */
  readonly eventNid: number;
  /** Position at which the membership was last written. */
  readonly position: number;
  /** Position since which this membership has held without interruption, as far as memory knows. */
  readonly heldSince: number;
  /** The room's members are not known yet. */
  readonly isPartial: boolean;
  /** Position at which the room's state became complete; 0 when it always was. */
  readonly completeSince: number;
  /** The user forgot the room: clients are only told that the membership ended. */
  readonly isForgotten: boolean;
  /** Position of the user's own last receipt in the room, or a later one. */
  readonly receiptAt: number;
}

/** What concerns one device of a syncing user only. Positions are the last ones, or later ones. */
export interface SyncingDevice {
  /** Position of the last message for the device. */
  messagesAt: number;
  /** Position of the last change of its one-time and fallback keys; undefined: not known. */
  keysAt: number | undefined;
}

/** A local user whose rooms are held in memory because they sync. */
export interface SyncingUser {
  readonly userId: UserId;
  readonly rooms: Map<number, SyncingUserRoom>;
  /** By id; without those of which nothing was told or asked since the user was loaded. */
  readonly devices: Map<string, SyncingDevice>;
  /** Log position at which the user was loaded: what was before is not in memory. */
  readonly loadedAt: number;
  /** Last position of anything that concerns this user: an idle long-poll checks only this. */
  changedAt: number;
  /**
   * The same for everything that is not a plain message: syncs from before it need more than
   * messages.
   */
  nonMessageAt: number;
  /** The same for whatever `device_lists` may tell. */
  deviceListsAt: number;
  /** The same for signatures that the user made. */
  signedAt: number;
  /** The same for threads that the user follows. */
  threadsAt: number;
  /** The same for sticky events of the user's rooms. */
  stickyAt: number;
  /** The same for profiles of those who share a room with the user. */
  profilesAt: number;
  /** A client of the user wants to be told of profiles: they wake it. */
  wantsProfiles: boolean;
  /** Rooms that changed for the user up to here may be missing in `rooms`. */
  roomsUnknownUpTo: number;
  /** Serial of the last ephemeral change (typing, presence) that concerns this user. */
  ephemeralAt: number;
  /** Called when something changed; each is called once and removed. */
  readonly waiting: Set<() => void>;
}

/** A device of the user, with what is known of it. */
export function deviceOf(user: SyncingUser, deviceId: string): SyncingDevice {
  let device = user.devices.get(deviceId);
  if (device === undefined) {
    device = { messagesAt: user.loadedAt, keysAt: undefined };
    user.devices.set(deviceId, device);
  }
  return device;
}

/** Last position of what concerns this device only. */
export function deviceChangedAt({ devices, loadedAt }: SyncingUser, deviceId: string): number {
  const device = devices.get(deviceId);
  return device === undefined ? loadedAt : Math.max(device.messagesAt, device.keysAt ?? loadedAt);
}

/**
 * Whether nothing has come for the user, or for this device, since the token; `withProfiles`: of
 * profiles, too.
 */
export function isIdleSince(
  user: SyncingUser,
  deviceId: string,
  since: Pick<SyncToken, "position" | "ephemeral">,
  withProfiles: boolean,
): boolean {
  if (withProfiles && user.profilesAt > since.position) return false;
  return (
    user.changedAt <= since.position &&
    user.ephemeralAt <= since.ephemeral &&
    deviceChangedAt(user, deviceId) <= since.position
  );
}

/** Rooms that the user is joined to at the newest position of what was applied; undefined: not known. */
export function joinedRoomsOf(user: SyncingUser, position: number): Set<number> | undefined {
  if (user.roomsUnknownUpTo !== user.loadedAt) return undefined;
  const joined = new Set<number>();
  for (const room of user.rooms.values()) {
    // Read from the tables, which were ahead of the log.
    if (room.position > position) return undefined;
    if (room.membership === "join") joined.add(room.roomNid);
  }
  return joined;
}

/** Position of the user's last receipt in a room since the user was loaded; 0: there was none. */
export function ownReceiptAt(user: SyncingUser, { receiptAt }: SyncingUserRoom): number {
  return receiptAt > user.loadedAt ? receiptAt : 0;
}

/** The user has to be told what device lists changed up to a position. */
export function markDeviceLists(user: SyncingUser, position: number): void {
  user.changedAt = Math.max(user.changedAt, position);
  user.nonMessageAt = Math.max(user.nonMessageAt, position);
  user.deviceListsAt = Math.max(user.deviceListsAt, position);
}

/** Profiles of users changed who share a room with the user: clients may want to be told. */
export function markProfiles(user: SyncingUser, position: number): void {
  user.profilesAt = Math.max(user.profilesAt, position);
  if (!user.wantsProfiles) return;
  user.changedAt = Math.max(user.changedAt, position);
  user.nonMessageAt = Math.max(user.nonMessageAt, position);
}

/** The record only adds to a room's timeline and changes nothing else. */
export function isPlainMessage(record: SyncRecord): boolean {
  return record.kind === "event" && !record.stateChanged && record.memberships.length === 0;
}

/** The memberships that a record sets. */
export function memberChanges(record: SyncRecord): readonly MembershipChange[] {
  if (record.kind === "event") return record.memberships;
  return record.kind === "membership" ? [record] : [];
}

/** Whether the record may be of changes to a room's members that it does not contain. */
export function lacksMemberships(record: SyncRecord): record is RecordOf<"event"> {
  return record.kind === "event" && record.mayLackMemberships === true;
}

/** Whether somebody came into a room, or left it, as far as is known. */
export function comesOrGoes({ membership, wasJoined }: MembershipChange): boolean {
  return wasJoined === undefined || wasJoined !== (membership === "join");
}

/** Whether `device_lists` of the users whom the record concerns may have something new. */
export function mayTellDeviceLists(record: SyncRecord): boolean {
  switch (record.kind) {
    case "event":
    case "membership":
      return lacksMemberships(record) || memberChanges(record).some(comesOrGoes);
    case "purge":
      return record.whole;
    default:
      return TELLS_DEVICE_LISTS.has(record.kind);
  }
}

const TELLS_DEVICE_LISTS: ReadonlySet<string> = new Set([
  ...["device_list", "user_signature", "partial_state"],
]);
