import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Directories of application services. (Application service API, "Published room directories".) */
export function appserviceRoomDirectoryRoutes({ rooms }: { readonly rooms: Rooms }): Route[] {
  return [
    // PUT /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}
    route("updateAppserviceRoomDirectoryVisibility", async ({ params, body, requester }) => {
      const network = { service: requester.service!.id, networkId: params.networkId };
      const isPublic = body.visibility === "public";
      await rooms.directory.setListed(network, parseRoomId(params.roomId), isPublic);
    }),
  ];
}
