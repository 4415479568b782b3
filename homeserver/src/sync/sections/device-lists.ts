import { serverOf, type UserId } from "../../protocol/identifiers.ts";
import type { Between, Comings, RoomsOfStays, UserInRoom } from "../../storage/rooms/stays.ts";
import type { SyncingUsers } from "../users/syncing-users.ts";
import type { Scope } from "./scope.ts";

/** What is read from the tables. Positions are those of the log. */
export interface DeviceListSources {
  roomsOfStays(
    userId: string,
    between: Between,
    among: readonly number[] | undefined,
  ): Promise<RoomsOfStays>;
  comingsIn(rooms: RoomsOfStays, between: Between): Promise<Comings>;
  /** Those of the others with whom a room was shared from the first position on to the second. */
  sharing(
    userId: string,
    others: readonly string[],
    between: Between,
  ): Promise<ReadonlySet<string>>;
  /** Up to `limit` rooms, whose members are known, that each of the users is in at a position. */
  roomsAt(
    userIds: readonly string[],
    position: number,
    limit: number,
  ): Promise<readonly UserInRoom[]>;
  /** Of whom something changed. Who shares no room at the second position may be left out. */
  usersWithChanges(userId: string, between: Between): Promise<readonly string[]>;
  /** All who share a room at a position. */
  sharers(userId: string, position: number): Promise<readonly string[]>;
  /** All who left rooms after this position are known. */
  knownSince(): Promise<number>;
  signedBy(userId: string, after: number): Promise<readonly string[]>;
}

/** What memory knows of a user, so that the tables need not be asked. */
export interface Remembered {
  /** Rooms in which somebody may have come or left; undefined: not known. */
  readonly among: readonly number[] | undefined;
  /** Rooms that the user is in at the second position; undefined: not known. */
  readonly joined: ReadonlySet<number> | undefined;
  /** False: the user signed nobody's keys after the first position. */
  readonly maySign: boolean;
}

/** Of so many users, who are in so many rooms, these are read once for all who ask, at most. */
const [FEW, MANY_ROOMS] = [100, 1_000];

/** User ids, each once, in order. */
export interface DeviceListChanges {
  /** Their devices, keys or signatures changed, or they came into view. */
  readonly changed: readonly string[];
  /** They share no room with the reader any more. */
  readonly left: readonly string[];
}

/**
 * What a user has to be told of device lists between two log positions: with whom they share a
 * room at the second, and did not at the first, or whose devices or cross-signing keys changed, or
 * whose keys they signed; and with whom they share none any more. It is computed
 * from the tables as they were at the two positions, so that nothing depends on when it is asked, and
 * from what is remembered of them. (Client-server API, "Extensions to /sync", and GET /keys/changes.)
 */
export async function deviceListChanges(
  sources: DeviceListSources,
  userId: string,
  between: Between,
  remembered: Remembered = { among: undefined, joined: undefined, maySign: true },
): Promise<DeviceListChanges> {
  const { after, upTo } = between;
  if (after >= upTo) return { changed: [], left: [] };
  const [knownSince, moved, changedUsers, signed] = await Promise.all([
    sources.knownSince(),
    comings(sources, userId, between, remembered.among),
    sources.usersWithChanges(userId, between),
    remembered.maySign ? sources.signedBy(userId, after) : [],
  ]);
  if (after < knownSince) return sinceLongAgo(sources, userId, between, knownSince);
  const isOther = (other: string) => other !== userId;
  const came = moved.came.filter(isOther);
  const wentFrom = moved.left.filter(isOther);
  const touched = [...changedUsers, ...signed];
  const others = [...new Set([...wentFrom, ...touched.filter(isOther)])];
  const [known, sharedNow] = await Promise.all([
    stillKnown(sources, userId, came, between),
    sharingNow(sources, userId, others, upTo, remembered.joined),
  ]);
  const left = new Set(wentFrom.filter((other) => !sharedNow.has(other)));
  const changed = new Set([
    ...touched.filter((other) => other === userId || sharedNow.has(other)),
    ...came.filter((other) => !known.has(other)),
  ]);
  return { changed: [...changed].sort(), left: [...left].sort() };
}

/** Those of the others who share a room with the user at a position; `joined`: the user's then. */
export async function sharingNow(
  sources: Pick<DeviceListSources, "roomsAt" | "sharing">,
  userId: string,
  others: readonly string[],
  position: number,
  joined: ReadonlySet<number> | undefined,
): Promise<ReadonlySet<string>> {
  if (others.length === 0) return new Set();
  if (joined !== undefined && others.length <= FEW) {
    const rooms = await sources.roomsAt(others, position, MANY_ROOMS);
    if (rooms.length < MANY_ROOMS) {
      return new Set(rooms.filter(({ roomNid }) => joined.has(roomNid)).map((row) => row.userId));
    }
  }
  return sources.sharing(userId, others, { after: position, upTo: position });
}

/**
 * The same since a position of which it is not known any more who shared rooms then: everybody who
 * shares one is asked for anew, and of those who left, whoever is known.
 */
async function sinceLongAgo(
  sources: DeviceListSources,
  userId: string,
  { after, upTo }: Between,
  knownSince: number,
): Promise<DeviceListChanges> {
  const now = Math.max(upTo, knownSince);
  const [moved, sharers] = await Promise.all([
    comings(sources, userId, { after, upTo: now }, undefined),
    sources.sharers(userId, now),
  ]);
  const changed = new Set([userId, ...sharers]);
  return {
    changed: [...changed].sort(),
    left: moved.left.filter((other) => !changed.has(other)).sort(),
  };
}

/**
 * Of users who came into rooms: those with whom a room was shared before, and of whose devices all
 * that changed since is told by itself. What other servers' users change is heard of only while a
 * room is shared.
 */
async function stillKnown(
  sources: DeviceListSources,
  userId: string,
  came: readonly string[],
  { after, upTo }: Between,
): Promise<ReadonlySet<string>> {
  const ours = serverOf(userId as UserId);
  const isLocal = (other: string) => serverOf(other as UserId) === ours;
  const { local = [], remote = [] } = Object.groupBy(came, (other) =>
    isLocal(other) ? "local" : "remote",
  );
  const [before, throughout] = await Promise.all([
    sources.sharing(userId, local, { after, upTo: after }),
    sources.sharing(userId, remote, { after, upTo }),
  ]);
  return new Set([...before, ...throughout]);
}

const NOBODY: Comings = { came: [], left: [] };

async function comings(
  sources: DeviceListSources,
  userId: string,
  between: Between,
  among: readonly number[] | undefined,
): Promise<Comings> {
  if (among?.length === 0) return NOBODY;
  const rooms = await sources.roomsOfStays(userId, between, among);
  const { throughout, entered, left } = rooms;
  if (throughout.length + entered.length + left.length === 0) return NOBODY;
  return sources.comingsIn(rooms, between);
}

/** The `device_lists` section, of a sync with a `since`; undefined: nothing changed. */
export function createDeviceListsSection(
  sources: DeviceListSources,
  syncingUsers: Pick<SyncingUsers, "roomsWithComings" | "joinedRooms">,
) {
  return async function deviceLists(scope: Scope): Promise<DeviceListChanges | undefined> {
    const { user, since, upTo } = scope;
    if (since === undefined || !scope.deviceListsMayDiffer) return undefined;
    const between = { after: since.position, upTo: upTo.position };
    // Nothing was awaited since `upTo` was made: these are the rooms of that position.
    const remembered = {
      among: syncingUsers.roomsWithComings(user, since.position),
      joined: syncingUsers.joinedRooms(user, upTo.position),
      maySign: user.signedAt > since.position,
    };
    const changes = await deviceListChanges(sources, scope.userId, between, remembered);
    return changes.changed.length + changes.left.length === 0 ? undefined : changes;
  };
}
