import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId, parseServerName, type ServerName } from "../protocol/identifiers.ts";
import type { PublicRoomsPage, PublicRoomsQuery, Rooms } from "../rooms/api/index.ts";

export interface ListPublicRoomsDeps {
  readonly rooms: Rooms;
  readonly serverName: ServerName;
  /** Another server's directory. @throws MatrixError 502 M_UNKNOWN when it does not answer */
  readonly remotePublicRooms: (
    server: ServerName,
    query: PublicRoomsQuery,
  ) => Promise<PublicRoomsPage>;
}

/**
 * The public directory, this server's and others'. (Client-server API, "Published room directory".)
 */
export function listPublicRoomsRoutes(deps: ListPublicRoomsDeps): Route[] {
  const { rooms, serverName, remotePublicRooms } = deps;

  async function publicRooms(
    server: string | undefined,
    query: PublicRoomsQuery,
  ): Promise<PublicRoomsPage> {
    if (server === undefined || server === serverName) return rooms.directory.publicRooms(query);
    return remotePublicRooms(parseServerName(server), query);
  }

  return [
    // GET /_matrix/client/v3/directory/list/room/{roomId}
    route("getRoomVisibilityOnDirectory", async ({ params }) => {
      const roomId = parseRoomId(params.roomId);
      if (!(await rooms.view.room(roomId))) throw errors.notFound("There is no such room here");
      return { visibility: (await rooms.directory.isPublished(roomId)) ? "public" : "private" };
    }),

    // PUT /_matrix/client/v3/directory/list/room/{roomId}
    route("setRoomVisibilityOnDirectory", async ({ params, body, requester }) => {
      const published = (body.visibility ?? "public") === "public";
      await rooms.directory.setPublished(requester, parseRoomId(params.roomId), published);
      return {};
    }),

    // GET /_matrix/client/v3/publicRooms
    route("getPublicRooms", ({ query }) =>
      publicRooms(query.server, { limit: query.limit, since: query.since }),
    ),

    // POST /_matrix/client/v3/publicRooms
    route("queryPublicRooms", ({ query, body }) => {
      if (body.include_all_networks === true && body.third_party_instance_id !== undefined) {
        throw errors.invalidParam("Either all networks are wanted or one, not both");
      }
      return publicRooms(query.server, {
        limit: body.limit,
        since: body.since ?? undefined,
        searchTerm: body.filter?.generic_search_term ?? undefined,
        roomTypes: body.filter?.room_types ?? undefined,
        network: body.third_party_instance_id,
        allNetworks: body.include_all_networks,
      });
    }),
  ];
}
