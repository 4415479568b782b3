import { accessTokenOf } from "../http/access/authenticate.ts";
import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Sync } from "../sync/index.ts";
import type { Users } from "../users/users.ts";

const DEFAULT_LIMIT = 10;

/** What was before GET /sync, for old clients. (Client-server API, "Syncing", the deprecated part.) */
export function oldSyncRoutes(deps: {
  readonly sync: Pick<Sync, "old">;
  readonly rooms: Pick<Rooms, "view" | "history">;
  readonly users: Pick<Users, "sessions">;
}): Route[] {
  const { sync, rooms, users } = deps;
  return [
    // GET /_matrix/client/v3/events
    route("getEvents", async (context) => {
      const { query, requester } = context;
      const { userId, deviceId, service } = requester;
      return raw(
        await sync.old.events({
          ...{ userId, deviceId },
          from: query.from === "" ? undefined : query.from,
          roomId: query.room_id === undefined ? undefined : parseRoomId(query.room_id),
          timeout: query.timeout ?? 0,
          signal: () => context.signal,
          // An application service's token ends with its registration, not with a session.
          ...(service === undefined && {
            watch: () => users.sessions.watch(userId, accessTokenOf(context.request) ?? ""),
          }),
        }),
      );
    }),

    // GET /_matrix/client/v3/events/{eventId}
    route("getOneEvent", async ({ params, requester }) => {
      const eventId = parseEventId(params.eventId);
      const stored = (await rooms.view.eventsById([eventId])).get(eventId);
      const room = stored && (await rooms.view.rooms([stored.roomNid])).get(stored.roomNid);
      if (room === undefined) throw errors.notFound("There is no such event that you may see");
      return raw(await rooms.history.event(requester, room.roomId, eventId));
    }),

    // GET /_matrix/client/v3/initialSync
    route("initialSync", async ({ query, requester: { userId, deviceId }, signal }) =>
      raw(
        await sync.old.initial({
          ...{ userId, deviceId, timeout: 0, signal: () => signal },
          limit: query.limit ?? DEFAULT_LIMIT,
          archived: query.archived ?? false,
        }),
      ),
    ),

    // GET /_matrix/client/v3/rooms/{roomId}/initialSync
    route("roomInitialSync", async ({ params, query, requester: { userId, deviceId }, signal }) =>
      raw(
        await sync.old.room({
          ...{ userId, deviceId, timeout: 0, signal: () => signal },
          roomId: parseRoomId(params.roomId),
          limit: query.limit ?? DEFAULT_LIMIT,
        }),
      ),
    ),
  ];
}
