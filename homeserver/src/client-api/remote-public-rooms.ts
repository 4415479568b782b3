import { errors } from "../protocol/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../protocol/json.ts";
import { isRoomAlias, isRoomId } from "../protocol/identifiers.ts";
import { isStorable } from "../protocol/text.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { RemoteServer } from "../federation-client/types.ts";
import type { PublicRoom, PublicRoomsPage, PublicRoomsQuery } from "../rooms/api/index.ts";

/** Limit on rooms per page of another server's directory. */
const MAX_ROOMS = 500;
const TEXTS = ["canonical_alias", "name", "topic", "avatar_url", "join_rule", "room_type"] as const;

/** Fetches pages of other servers' directories. */
export function createRemotePublicRooms(remote: Pick<RemoteServer, "publicRooms">) {
  return async (server: ServerName, asked: PublicRoomsQuery): Promise<PublicRoomsPage> => {
    const { limit, since, searchTerm, roomTypes } = asked;
    const filter = { generic_search_term: searchTerm, room_types: roomTypes && [...roomTypes] };
    const isFiltered = searchTerm !== undefined || roomTypes !== undefined;
    const query = { limit, since, ...(isFiltered ? { filter: filter as JsonObject } : {}) };
    return publicRoomsPage(await remote.publicRooms(server, query));
  };
}

/**
 * Another server's directory page; rooms without the right shape are left out.
 * @throws MatrixError 502 M_UNKNOWN when it is not a page at all
 */
export function publicRoomsPage(answer: JsonObject): PublicRoomsPage {
  const { chunk, next_batch: next, prev_batch: prev, total_room_count_estimate: total } = answer;
  if (!Array.isArray(chunk))
    throw errors.unknown("The other server's directory is not a list", 502);
  const rooms = chunk.slice(0, MAX_ROOMS).flatMap((entry) => publicRoom(entry) ?? []);
  return {
    chunk: rooms,
    total_room_count_estimate: count(total) ?? rooms.length,
    ...(isToken(next) && { next_batch: next }),
    ...(isToken(prev) && { prev_batch: prev }),
  };
}

function publicRoom(entry: Json): PublicRoom | undefined {
  if (!isJsonObject(entry) || typeof entry.room_id !== "string" || !isRoomId(entry.room_id)) {
    return undefined;
  }
  const texts = TEXTS.flatMap((key) => (isText(key, entry[key]) ? [[key, entry[key]]] : []));
  return {
    room_id: entry.room_id,
    num_joined_members: count(entry.num_joined_members) ?? 0,
    world_readable: entry.world_readable === true,
    guest_can_join: entry.guest_can_join === true,
    ...(Object.fromEntries(texts) as Partial<Record<(typeof TEXTS)[number], string>>),
  };
}

function isToken(value: Json | undefined): value is string {
  return typeof value === "string" && isStorable(value);
}

function isText(key: (typeof TEXTS)[number], value: Json | undefined): value is string {
  if (typeof value !== "string" || !isStorable(value)) return false;
  if (key === "canonical_alias") return isRoomAlias(value);
  return key !== "avatar_url" || value.startsWith("mxc://");
}

function count(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
