/** The list of published rooms: its entries, search and pages. */
import { errors } from "../../protocol/errors.ts";
import { isPattern, MAX_PATTERN_BYTES } from "../../protocol/glob.ts";
import { isRoomAlias } from "../../protocol/identifiers.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { historyVisibility } from "../../protocol/events/visibility.ts";
import { publishedRooms } from "../../storage/rooms/published-rooms.ts";
import { currentStateOfRooms } from "../../storage/rooms/events.ts";
import type { RoomStore } from "../state/store.ts";
import type { PublicRoom, PublicRoomsPage, PublicRoomsQuery, StoredEvent } from "../api/index.ts";

const SHOWN = [
  "m.room.create",
  "m.room.name",
  "m.room.topic",
  "m.room.avatar",
  "m.room.canonical_alias",
  "m.room.join_rules",
  "m.room.history_visibility",
  "m.room.guest_access",
];
const MAX_PAGE = 500;
const TOKEN = /^d(\d{1,9})$/;

/**
 * One page, the biggest rooms first. M_INVALID_PARAM for an unknown token, or a search term of over
 * 255 bytes.
 */
export async function listPublished(
  store: RoomStore,
  serverName: ServerName,
  query: PublicRoomsQuery,
): Promise<PublicRoomsPage> {
  if (query.searchTerm !== undefined && !isPattern(query.searchTerm)) {
    throw errors.invalidParam(`A search term has at most ${MAX_PATTERN_BYTES} bytes`);
  }
  const all = (await entries(store, serverName)).filter((entry) => matches(entry, query));
  const from = offsetOf(query.since);
  const limit = Math.min(Math.max(query.limit ?? 100, 0), MAX_PAGE);
  const next = from + limit;
  return {
    chunk: all.slice(from, next),
    ...(next < all.length && limit > 0 ? { next_batch: `d${next}` } : {}),
    ...(from > 0 ? { prev_batch: `d${Math.max(0, from - limit)}` } : {}),
    total_room_count_estimate: all.length,
  };
}

function offsetOf(token: string | undefined): number {
  if (token === undefined || token === "") return 0;
  const match = TOKEN.exec(token);
  if (match === null) throw errors.invalidParam("That is not a token of this server");
  return Number(match[1]);
}

async function entries(store: RoomStore, serverName: ServerName): Promise<PublicRoom[]> {
  const published = await publishedRooms(store.sql, serverName);
  const nids = published.map((row) => row.roomNid);
  const rooms = await store.registry.byNids(nids);
  const query = currentStateOfRooms(
    store.sql,
    nids,
    SHOWN.map((type) => [type, ""]),
  );
  const states = new Map<number, Map<string, StoredEvent>>();
  for (const stored of await store.events.load(query)) {
    let state = states.get(stored.roomNid);
    if (state === undefined) states.set(stored.roomNid, (state = new Map()));
    state.set(stored.event.type, stored);
  }
  return published.flatMap(({ roomNid, joined }) => {
    const room = rooms.get(roomNid);
    if (room === undefined || joined === 0) return [];
    return [
      { ...shown(states.get(roomNid)), room_id: room.roomId, num_joined_members: joined },
    ] as PublicRoom[];
  });
}

function shown(state: ReadonlyMap<string, StoredEvent> = new Map()): Partial<PublicRoom> {
  const content = (type: string): JsonObject => state.get(type)?.event.content ?? {};
  const visibility = historyVisibility(state.get("m.room.history_visibility")?.event);
  const { alias } = content("m.room.canonical_alias");
  return {
    // An invalid alias would make many clients reject the whole page.
    ...(isRoomAlias(alias) && { canonical_alias: alias }),
    ...text("name", content("m.room.name").name),
    ...text("topic", content("m.room.topic").topic),
    ...text("avatar_url", content("m.room.avatar").url),
    ...text("join_rule", content("m.room.join_rules").join_rule),
    ...text("room_type", content("m.room.create").type),
    world_readable: visibility === "world_readable",
    guest_can_join: content("m.room.guest_access").guest_access === "can_join",
  };
}

function text(key: string, value: unknown): Record<string, string> {
  return typeof value === "string" && value !== "" ? { [key]: value } : {};
}

function matches(entry: PublicRoom, query: PublicRoomsQuery): boolean {
  const { searchTerm, roomTypes } = query;
  if (roomTypes !== undefined && !roomTypes.includes(entry.room_type ?? null)) return false;
  if (searchTerm === undefined || searchTerm === "") return true;
  const wanted = searchTerm.toLowerCase();
  return [entry.name, entry.topic, entry.canonical_alias].some((field) =>
    field?.toLowerCase().includes(wanted),
  );
}
