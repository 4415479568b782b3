import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Spaces } from "../spaces/index.ts";

/** A space and its children, for other servers. (Server-server API, "Spaces".) */
export function spaceHierarchyRoutes({ spaces }: { spaces: Spaces }): Route[] {
  return [
    // GET /_matrix/federation/v1/hierarchy/{roomId}
    route("federationGetSpaceHierarchy", ({ params, query, origin }) =>
      spaces.serve(origin, parseRoomId(params.roomId), query.suggested_only ?? false),
    ),
  ];
}
