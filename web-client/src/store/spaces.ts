import { strings, text, type Unchecked } from "../api/types.ts";
import type { Room, StateEvent } from "./room.ts";
import type { RoomStore, RoomSummary } from "./room-store.ts";

/** Spaces in spaces are followed so far. */
const MAX_DEPTH = 20;
/** Children of one space that are looked at. */
const MAX_CHILDREN = 2_000;

/** A child of a space, as the space's state names it. */
export interface SpaceChild {
  roomId: string;
  via: string[];
  suggested: boolean;
}

interface Sibling {
  roomId: string;
  order: string | undefined;
  ts: number;
}

/** An order that counts: printable ASCII, fifty characters at most. */
const orderOf = (content: Unchecked<"m.space.child"> | undefined): string | undefined => {
  const order = text(content, "order");
  return order !== undefined && /^[\x20-\x7e]{1,50}$/.test(order) ? order : undefined;
};

/** Siblings with an order first, by it; then by when they came, then by id. */
function compareSiblings(a: Sibling, b: Sibling): number {
  if (a.order !== b.order) {
    if (a.order === undefined) return 1;
    if (b.order === undefined) return -1;
    return a.order < b.order ? -1 : 1;
  }
  return a.ts - b.ts || (a.roomId < b.roomId ? -1 : 1);
}

/** The children that these `m.space.child` events name, in the order of siblings. */
export function childrenIn(
  events: Iterable<Pick<StateEvent, "state_key" | "content" | "origin_server_ts">>,
): (SpaceChild & Sibling)[] {
  const children: (SpaceChild & Sibling)[] = [];
  for (const { state_key: roomId, content, origin_server_ts: ts = 0 } of events) {
    const child: Unchecked<"m.space.child"> = content;
    const via = strings(child, "via");
    if (via.length === 0) continue;
    children.push({ roomId, via, suggested: child.suggested === true, order: orderOf(child), ts });
  }
  return children.toSorted(compareSiblings);
}

/** Where a person put a space among those that are in no other. (MSC3230.) */
export function topOrderOf(room: Room | undefined): string | undefined {
  return orderOf(room?.accountData.get("org.matrix.msc3230.space_order"));
}

/** Spaces that were put somewhere first, by that; the others by their names. */
function inOrder(spaces: readonly RoomSummary[], store: RoomStore): RoomSummary[] {
  const orders = new Map(spaces.map(({ roomId }) => [roomId, topOrderOf(store.room(roomId))]));
  return spaces.toSorted((a, b) => {
    const [one, other] = [orders.get(a.roomId), orders.get(b.roomId)];
    if (one === other) return a.name.localeCompare(b.name);
    if (one === undefined || other === undefined) return one === undefined ? 1 : -1;
    return one < other ? -1 : 1;
  });
}

/** The spaces that one is in, and what is in them. */
export interface SpaceTree {
  /** All of them. */
  all: RoomSummary[];
  /** Spaces that are in no other of them. */
  top: RoomSummary[];
  /** The children of a joined space, in order; of others none. */
  children(spaceId: string): SpaceChild[];
  /** Every room and space below a space, itself not counted. */
  below(spaceId: string): ReadonlySet<string>;
}

/** The children of rooms as they were read last, with the count of changes of the room's state then. */
const read = new WeakMap<Room, [state: number, children: (SpaceChild & Sibling)[]]>();

/** Each space is read once for each change of its state: the list is drawn far more often. */
function childrenOf(room: Room | undefined): (SpaceChild & Sibling)[] {
  if (room === undefined) return [];
  const state = room.signals.$state.get();
  const known = read.get(room);
  if (known?.[0] === state) return known[1];
  const children = childrenIn(room.stateOf("m.space.child").values()).slice(0, MAX_CHILDREN);
  read.set(room, [state, children]);
  return children;
}

/** Reads the tree of spaces out of the rooms' state. Spaces that hold one another in a circle are followed once. */
export function readSpaces(store: RoomStore): SpaceTree {
  const joined = store.$list.get().filter((room) => room.isSpace && room.membership === "join");
  const children = new Map(joined.map(({ roomId }) => [roomId, childrenOf(store.room(roomId))]));
  const below = new Map<string, Set<string>>();

  function collect(spaceId: string, into: Set<string>, depth: number): void {
    for (const { roomId } of children.get(spaceId) ?? []) {
      if (into.has(roomId)) continue;
      into.add(roomId);
      if (depth < MAX_DEPTH) collect(roomId, into, depth + 1);
    }
  }

  for (const { roomId } of joined) {
    const all = new Set<string>();
    collect(roomId, all, 0);
    all.delete(roomId);
    below.set(roomId, all);
  }
  /** Of a circle that nothing outside holds, the first by id stands at the top. */
  const isTop = ({ roomId }: RoomSummary): boolean =>
    joined.every((other) => {
      if (other.roomId === roomId || below.get(other.roomId)?.has(roomId) !== true) return true;
      return below.get(roomId)?.has(other.roomId) === true && roomId < other.roomId;
    });
  return {
    all: joined,
    top: inOrder(joined.filter(isTop), store),
    children: (spaceId) => children.get(spaceId) ?? [],
    below: (spaceId) => below.get(spaceId) ?? new Set(),
  };
}
