import { errors } from "../protocol/errors.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import { isStorable } from "../protocol/text.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { RemoteServer } from "../federation-client/types.ts";
import type { PublicRoomsPage, PublicRoomsQuery } from "../rooms/api/index.ts";
import { countOf, toldPublicRoom } from "../spaces/told-rooms.ts";

/** Limit on rooms per page of another server's directory. */
const MAX_ROOMS = 500;

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
  const rooms = chunk.slice(0, MAX_ROOMS).flatMap((entry) => toldPublicRoom(entry) ?? []);
  return {
    chunk: rooms,
    total_room_count_estimate: countOf(total) ?? rooms.length,
    ...(isToken(next) && { next_batch: next }),
    ...(isToken(prev) && { prev_batch: prev }),
  };
}

function isToken(value: Json | undefined): value is string {
  return typeof value === "string" && isStorable(value);
}
