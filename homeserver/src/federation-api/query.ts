import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomAlias, parseUserId, serverOf } from "../protocol/identifiers.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Profiles } from "../users/data/profiles.ts";

export interface QueryDeps {
  readonly rooms: Rooms;
  readonly serverName: ServerName;
  readonly localProfile: Profiles["local"];
}

/** Questions about aliases and profiles. (Server-server API, "Querying for information".) */
export function queryRoutes({ rooms, serverName, localProfile }: QueryDeps): Route[] {
  return [
    // GET /_matrix/federation/v1/query/directory
    route("queryRoomDirectory", async ({ query }) => {
      const found = await rooms.directory.resolveLocal(parseRoomAlias(query.room_alias));
      if (!found) throw errors.notFound("There is no such alias");
      return { room_id: found.roomId, servers: found.servers };
    }),

    // GET /_matrix/federation/v1/query/profile
    route("queryProfile", async ({ query }) => {
      const userId = parseUserId(query.user_id);
      if (serverOf(userId) !== serverName) throw errors.notFound("Not a user of this server");
      const profile = await localProfile(userId);
      if (query.field === undefined) return profile;
      return Object.hasOwn(profile, query.field) ? { [query.field]: profile[query.field] } : {};
    }),

    // GET /_matrix/federation/v1/query/{queryType}
    route("queryInfo", ({ params }) => {
      throw errors.unrecognized(`Nothing is known here of questions for ${params.queryType}`);
    }),
  ];
}
