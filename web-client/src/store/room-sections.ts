import { msg } from "@lit/localize";
import type { ListPlace } from "./list-place.ts";
import type { RoomSummary } from "./room-store.ts";
import { byTagOrder } from "./room-order.ts";
import type { OrderedTag } from "./room-tags.ts";
import type { SpaceTree } from "./spaces.ts";

export type RoomFilter = "all" | "unread" | "mentions";

/** A part of the list with a heading. */
export interface RoomSection {
  key: string;
  heading: string;
  rooms: RoomSummary[];
  /** Rooms in it stand as the person ordered them, under this tag. */
  tag?: OrderedTag;
  /** Closed until it is opened. */
  closed?: boolean;
  /** A space within the one that is shown: how deep it lies, from 1 on. */
  depth?: number;
  /** The space that the section is. */
  spaceId?: string;
}

export interface ListWish {
  place: ListPlace;
  filter: RoomFilter;
  /** What is typed in the search field; with it the whole list is looked through. */
  search: string;
  /** The room that is open, and stays in sight whatever the filter says. */
  stays: string | undefined;
}

/** Without marks and capitals, to find names by. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Whether something in a room waits to be read. */
export function isUnread(room: RoomSummary): boolean {
  return (
    room.unread > 0 || room.highlights > 0 || room.markedUnread || room.membership === "invite"
  );
}

function passes(room: RoomSummary, { filter, search, stays }: ListWish, wanted: string): boolean {
  if (search !== "") return fold(room.name).includes(wanted);
  if (filter === "all" || room.roomId === stays) return true;
  if (filter === "unread") return isUnread(room);
  return room.highlights > 0;
}

/** The parts of the list that stand in one place, in the order in which they are shown. */
export function sectionsOf(
  list: readonly RoomSummary[],
  spaces: SpaceTree,
  wish: ListWish,
): RoomSection[] {
  const wanted = fold(wish.search);
  const found = list.filter(
    (room) => (!room.isSpace || room.membership !== "join") && passes(room, wish, wanted),
  );
  const { place } = wish;
  if (wish.search !== "" || place === "home") return homeSections(found);
  if (place === "people") return homeSections(found.filter((room) => room.partner !== undefined));
  return spaceSections(found, spaces, place);
}

/** Those with a heading of their own first; what the person put away last. */
function homeSections(found: readonly RoomSummary[]): RoomSection[] {
  const invites = found.filter(({ membership }) => membership === "invite");
  const knocks = found.filter(({ membership }) => membership === "knock");
  const gone = found.filter(({ removal }) => removal !== undefined);
  const rest = found.filter(({ membership }) => membership === "join");
  const tagged = (tag: OrderedTag) => byTagOrder(rest.filter((room) => room.tag === tag));
  const sections: RoomSection[] = [
    { key: "invites", heading: msg("Invitations"), rooms: invites },
    {
      key: "favourites",
      heading: msg("Favourites"),
      rooms: tagged("m.favourite"),
      tag: "m.favourite",
    },
    { key: "rooms", heading: msg("Rooms"), rooms: rest.filter(({ tag }) => tag === undefined) },
    { key: "knocks", heading: msg("Waiting to be let in"), rooms: knocks },
    {
      key: "low",
      heading: msg("Low priority"),
      rooms: tagged("m.lowpriority"),
      tag: "m.lowpriority",
      closed: true,
    },
    { key: "gone", heading: msg("No longer in"), rooms: gone },
  ];
  return sections.filter(({ rooms }) => rooms.length > 0);
}

/** The rooms of a space in its order, then those of each space in it. */
function spaceSections(
  found: readonly RoomSummary[],
  spaces: SpaceTree,
  spaceId: string,
): RoomSection[] {
  const byId = new Map(found.map((room) => [room.roomId, room]));
  const names = new Map(spaces.all.map((space) => [space.roomId, space.name]));
  const sections: RoomSection[] = [];
  const seen = new Set<string>();

  function add(id: string, depth: number): void {
    if (seen.has(id)) return;
    seen.add(id);
    const children = spaces.children(id);
    const rooms = children.flatMap(({ roomId }) => byId.get(roomId) ?? []);
    const heading = depth === 0 ? msg("Rooms") : (names.get(id) ?? "");
    if (rooms.length > 0 || depth > 0)
      sections.push({ key: id, heading, rooms, depth, spaceId: id });
    for (const { roomId } of children) if (names.has(roomId)) add(roomId, depth + 1);
  }

  add(spaceId, 0);
  return sections;
}
