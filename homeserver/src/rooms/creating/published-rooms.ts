/** The list of published rooms: its entries, search and pages. */
import { errors } from "../../protocol/errors.ts";
import { isPattern, MAX_PATTERN_BYTES } from "../../protocol/glob.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { publishedRooms } from "../../storage/rooms/published-rooms.ts";
import type { RoomStore } from "../state/store.ts";
import { shownOf, summaryStates } from "../visibility/room-summaries.ts";
import type { PublicRoom, PublicRoomsPage, PublicRoomsQuery } from "../api/index.ts";

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
  const all = (await entries(store, serverName, query)).filter((entry) => matches(entry, query));
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

async function entries(
  store: RoomStore,
  serverName: ServerName,
  directories: Pick<PublicRoomsQuery, "network" | "allNetworks">,
): Promise<PublicRoom[]> {
  const published = await publishedRooms(store.sql, serverName, directories);
  const nids = published.map((row) => row.roomNid);
  const rooms = await store.registry.byNids(nids);
  const states = await summaryStates(store, nids);
  return published.flatMap(({ roomNid, joined }) => {
    const room = rooms.get(roomNid);
    if (room === undefined || joined === 0) return [];
    return [
      { ...shownOf(states.get(roomNid)), room_id: room.roomId, num_joined_members: joined },
    ] as PublicRoom[];
  });
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
