import type { RoomView } from "../../rooms/api/index.ts";
import type { SyncingUser, SyncingUserRoom } from "../users/syncing-user.ts";
import type { Activity } from "../recent/activity.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { ListedRooms } from "./listed-rooms.ts";
import { combineConfigs, type RoomConfig, type RoomFilters, type SlidingBody } from "./request.ts";
import type { RoomLabels, RoomLabelsCache } from "../recent/room-labels.ts";
import type { RoomTraits, RoomTraitsCache } from "../recent/room-traits.ts";

/** What is wanted of rooms that are in the same windows. */
interface Wish {
  readonly config: RoomConfig;
  /** Names of the lists in whose ranges they are. */
  readonly lists: readonly string[];
  /** They are wanted by name. */
  readonly isSubscribed: boolean;
}

/** A room that is wanted. */
export interface WantedRoom extends Wish {
  readonly userRoom: SyncingUserRoom;
  /** Log position of the last event of which it may be told. */
  readonly lastAt: number;
}

export interface Windows {
  /** List → rooms in it, whatever its ranges. */
  readonly counts: ReadonlyMap<string, number>;
  /** By room nid. */
  readonly wanted: Map<number, WantedRoom>;
  /** Every room that the user may be told of is wanted. */
  readonly isAll: boolean;
  /** Rooms of any list, in whatever place, and those asked for by id. */
  readonly listed: () => ReadonlySet<number>;
}

/** What has to be read before it can be told which rooms are wanted. */
export interface Grounds {
  readonly labels: RoomLabels;
  readonly traits: RoomTraits | undefined;
  /** Space → ids of the rooms in it. */
  readonly spaces: ReadonlyMap<string, ReadonlySet<string>>;
  /** Nids of member events: see `ListedRooms`. */
  readonly listed: ReadonlySet<number>;
}

interface PlacedRoom {
  readonly userRoom: SyncingUserRoom;
  readonly lastAt: number;
}

/** Rooms of one space, at most. */
const MAX_CHILDREN = 10_000;

/** Finds out which rooms are in the ranges of lists, or are wanted by name. */
export function createWindows(deps: {
  readonly view: RoomView;
  readonly activity: Activity;
  readonly labels: RoomLabelsCache;
  readonly traits: RoomTraitsCache;
  readonly listedRooms: ListedRooms;
}) {
  /** Users' rooms in the order of the last answer: from one to the next, few of them move. */
  const orders = new WeakMap<SyncingUser, readonly number[]>();

  /** The rooms in spaces that the user is in. */
  async function childrenOf(
    user: SyncingUser,
    names: ReadonlySet<string>,
  ): Promise<Map<string, ReadonlySet<string>>> {
    const spaces = [...user.rooms.values()].filter(
      ({ roomId, membership }) => membership === "join" && names.has(roomId),
    );
    const nids = spaces.map(({ roomNid }) => roomNid);
    const found = await deps.view.currentStateOfType(nids, "m.space.child", MAX_CHILDREN);
    return new Map(
      spaces.map(({ roomId, roomNid }) => {
        const events = found.get(roomNid) ?? [];
        const children = events.filter(({ event }) => Array.isArray(event.content.via));
        return [roomId, new Set(children.map(({ event }) => event.stateKey!))];
      }),
    );
  }

  /** All rooms of a user, the latest first. */
  function inOrder(user: SyncingUser): PlacedRoom[] {
    const known = orders.get(user)?.flatMap((nid) => user.rooms.get(nid) ?? []);
    const rooms = known?.length === user.rooms.size ? known : [...user.rooms.values()];
    const placed = rooms
      .map((userRoom) => ({ userRoom, lastAt: deps.activity.lastOf(userRoom) }))
      .sort((a, b) => b.lastAt - a.lastAt || b.userRoom.roomNid - a.userRoom.roomNid);
    orders.set(
      user,
      placed.map(({ userRoom }) => userRoom.roomNid),
    );
    return placed;
  }

  return {
    async grounds(
      user: SyncingUser,
      body: SlidingBody,
      ignored: ReadonlySet<string>,
    ): Promise<Grounds> {
      const all = [...body.lists.values()].map((list) => list.filters);
      const names = new Set(all.flatMap((filters) => filters.spaces ?? []));
      const asked = { type: all.some(asksForType), isEncrypted: all.some(asksForEncryption) };
      const [spaces, labels, traits, listed] = await Promise.all([
        names.size === 0 ? new Map() : childrenOf(user, names),
        deps.labels.of(user.userId),
        asked.type || asked.isEncrypted ? deps.traits.of(user, asked) : undefined,
        deps.listedRooms.of(user, ignored),
        deps.activity.ensure(user),
      ]);
      return { labels, traits, spaces, listed };
    },

    /** Without a promise, so that the rooms are those of the moment. */
    of(
      user: SyncingUser,
      body: SlidingBody,
      grounds: Grounds,
      { rooms: sent }: ConnectionState,
    ): Windows {
      const ordered = inOrder(user).filter(({ userRoom }) =>
        isVisible(userRoom, grounds, sent.has(userRoom.roomNid)),
      );
      const counts = new Map<string, number>();
      const wishes = createWishes();
      const passing = new Map<string, readonly PlacedRoom[]>();
      for (const [name, list] of body.lists) {
        const key = JSON.stringify(list.filters);
        const inList =
          passing.get(key) ??
          ordered.filter(({ userRoom }) => passes(list.filters, userRoom, grounds));
        passing.set(key, inList);
        counts.set(name, inList.length);
        for (const placed of placesOf(list.ranges, inList)) wishes.add(placed, list.config, name);
      }
      if (body.subscriptions.size > 0) {
        for (const placed of ordered) {
          const config = body.subscriptions.get(placed.userRoom.roomId);
          if (config) wishes.add(placed, config, undefined);
        }
      }
      const wanted = wishes.wanted();
      const listed = () => {
        const all = new Set(wanted.keys());
        for (const rooms of passing.values()) {
          for (const { userRoom } of rooms) all.add(userRoom.roomNid);
        }
        return all;
      };
      return { counts, wanted, isAll: wanted.size === ordered.length, listed };
    },
  };
}

export type WindowsOf = ReturnType<typeof createWindows>;

/** What several windows want of a room; rooms that are in the same ones share it. */
interface SharedWish extends Wish {
  readonly configs: readonly RoomConfig[];
  /** What it becomes with one more window, by the window's config. */
  readonly more: Map<RoomConfig, SharedWish>;
}

function createWishes() {
  const byRoom = new Map<PlacedRoom, SharedWish>();
  const none = new Map<RoomConfig, SharedWish>();

  return {
    /** `list`: in whose ranges it is; undefined: it is wanted by name. */
    add(placed: PlacedRoom, config: RoomConfig, list: string | undefined): void {
      const before = byRoom.get(placed);
      const more = before?.more ?? none;
      let wish = more.get(config);
      if (wish === undefined) {
        const configs = [...(before?.configs ?? []), config];
        wish = {
          config: combineConfigs(configs),
          lists: [...(before?.lists ?? []), ...(list === undefined ? [] : [list])],
          isSubscribed: list === undefined,
          ...{ configs, more: new Map() },
        };
        more.set(config, wish);
      }
      byRoom.set(placed, wish);
    },

    /** By room nid. */
    wanted(): Map<number, WantedRoom> {
      const wanted = new Map<number, WantedRoom>();
      for (const [{ userRoom, lastAt }, { config, lists, isSubscribed }] of byRoom) {
        wanted.set(userRoom.roomNid, { userRoom, lastAt, config, lists, isSubscribed });
      }
      return wanted;
    },
  };
}

/** Rooms that the user left are told of where they were sent before; forgotten ones, too. */
function isVisible(
  { membership, eventNid }: SyncingUserRoom,
  { listed }: Grounds,
  wasSent: boolean,
): boolean {
  switch (membership) {
    case "join":
    case "knock":
      return true;
    case "invite":
      return listed.has(eventNid);
    case "leave":
    case "ban":
      return wasSent || listed.has(eventNid);
  }
}

function placesOf(
  ranges: readonly (readonly [number, number])[] | undefined,
  rooms: readonly PlacedRoom[],
): Iterable<PlacedRoom> {
  if (ranges === undefined) return rooms;
  return ranges.flatMap(([first, last]) => rooms.slice(first, last + 1));
}

function asksForType({ room_types: types, not_room_types: notTypes }: RoomFilters): boolean {
  return (types ?? notTypes) != null;
}

function asksForEncryption({ is_encrypted: isEncrypted }: RoomFilters): boolean {
  return isEncrypted != null;
}

function passes(filters: RoomFilters, userRoom: SyncingUserRoom, grounds: Grounds): boolean {
  const { roomNid, roomId, membership } = userRoom;
  const { is_dm: isDm, is_encrypted: isEncrypted, is_invite: isInvite, spaces } = filters;
  if (isDm != null && isDm !== grounds.labels.direct.has(roomId)) return false;
  if (isInvite != null && isInvite !== (membership === "invite")) return false;
  if (spaces != null && !spaces.some((space) => grounds.spaces.get(space)?.has(roomId))) {
    return false;
  }
  const tags = grounds.labels.tags.get(roomNid);
  if (filters.not_tags?.some((tag) => tags?.has(tag))) return false;
  if (filters.tags != null && !filters.tags.some((tag) => tags?.has(tag))) return false;
  const { traits } = grounds;
  if (isEncrypted != null && isEncrypted !== traits?.isEncrypted(userRoom)) return false;
  if (!asksForType(filters)) return true;
  const type = traits?.type(userRoom);
  if (type === undefined || filters.not_room_types?.includes(type)) return false;
  return filters.room_types == null || filters.room_types.includes(type);
}
