import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Spaces } from "../spaces/index.ts";

/** The rooms of a space. (Client-server API, "Discovering rooms within spaces".) */
export function spaceHierarchyRoutes({ spaces }: { spaces: Spaces }): Route[] {
  return [
    // GET /_matrix/client/v1/rooms/{roomId}/hierarchy
    route("getSpaceHierarchy", ({ params, query, requester }) =>
      spaces.hierarchy(requester.userId, parseRoomId(params.roomId), {
        suggestedOnly: query.suggested_only,
        limit: query.limit,
        maxDepth: query.max_depth,
        from: query.from,
      }),
    ),
  ];
}
