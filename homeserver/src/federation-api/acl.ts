import { operations } from "@weft/spec/operations";
import type { Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/types.ts";

/**
 * The same routes, of which those about a room refuse a server that the room's m.room.server_acl keeps out, with
 * M_FORBIDDEN 403, before anything else of its request is judged. (Server-server API, "Server Access Control Lists
 * (ACLs)".)
 */
export function withinAcl(rooms: Rooms, routes: readonly Route[]): Route[] {
  return routes.map((route) => {
    const { path, auth } = operations[route.operationId];
    if (auth !== "server-signature" || !path.includes("{roomId}")) return route;
    return {
      ...route,
      async admit(params, origin) {
        if (await rooms.federation.aclAllows(parseRoomId(params["roomId"] ?? ""), origin)) return;
        throw errors.forbidden(`The room's access list keeps ${origin} out`);
      },
    };
  });
}
