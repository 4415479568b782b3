import { route, type Route } from "../http/route.ts";
import type { Edus } from "../edus/index.ts";
import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import { parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { ownUserId } from "./own-user.ts";

export interface PresenceDeps {
  readonly edus: Edus;
  readonly rooms: Rooms;
  readonly clock: Clock;
}

/** Whether people are there. (Client-server API, "Presence".) */
export function presenceRoutes({ edus, rooms, clock }: PresenceDeps): Route[] {
  return [
    // PUT /_matrix/client/v3/presence/{userId}/status
    route("setPresence", async ({ params, body, requester }) => {
      ownUserId(requester, params.userId);
      await edus.presence.set(requester, body.presence, body.status_msg ?? undefined);
      return {};
    }),

    // GET /_matrix/client/v3/presence/{userId}/status
    route("getPresence", async ({ params, requester }) => {
      const userId = parseUserId(params.userId);
      if (userId !== requester.userId) {
        const sharing = await rooms.view.sharesRoom(requester.userId, [userId]);
        if (!sharing.has(userId)) throw errors.forbidden("You share no room with that user");
      }
      const entry = edus.presence.of(userId);
      if (!entry) return { presence: "offline" };
      return {
        presence: entry.presence,
        last_active_ago: Math.max(0, clock.now() - entry.lastActiveTs),
        currently_active: entry.currentlyActive,
        ...(entry.statusMsg === undefined ? {} : { status_msg: entry.statusMsg }),
      };
    }),
  ];
}
