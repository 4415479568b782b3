import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Rooms of one answer. */
const PAGE = 500;
/** The rooms up to the one with this number inside the server came before. */
const TOKEN = /^m(\d{1,15})$/;

/** Rooms that one has in common with somebody. (Client-server API, "Mutual Rooms".) */
export function mutualRoomsRoutes({ rooms: { view } }: { rooms: Pick<Rooms, "view"> }): Route[] {
  return [
    // GET /_matrix/client/v1/mutual_rooms
    route("getMutualRooms", async ({ query, requester }) => {
      const other = parseUserId(query.user_id);
      if (other === requester.userId) throw errors.invalidParam("That is yourself");
      const token = query.from ?? query.batch_token;
      const match = token === undefined ? undefined : TOKEN.exec(token);
      if (match === null) throw errors.invalidParam("That is not a token of this server");
      const shared = await view.sharedRooms(requester.userId, other);
      const after = Number(match?.[1] ?? -1);
      const rest = shared.filter((nid) => nid > after);
      const page = rest.slice(0, PAGE);
      const known = await view.rooms(page);
      const next = rest.length > PAGE ? `m${page.at(-1)!}` : undefined;
      return {
        joined: page.flatMap((nid) => known.get(nid)?.roomId ?? []),
        count: shared.length,
        ...(next !== undefined && { next_batch: next, next_batch_token: next }),
      };
    }),
  ];
}
