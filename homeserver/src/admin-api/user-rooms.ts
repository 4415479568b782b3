import { route, type Route } from "../http/route.ts";
import { parseUserId } from "../protocol/identifiers.ts";
import type { Users } from "../users/users.ts";

/** What users are to rooms, by the paths that tools for Synapse use; users of other servers, too. */
export function userRoomsRoutes({ users }: { users: Users }): Route[] {
  const { records } = users;

  return [
    // GET /_synapse/admin/v1/users/{userId}/joined_rooms
    route("listUserRooms", async ({ params }) => {
      const all = await records.memberships(parseUserId(params.userId));
      const joined = all.flatMap(([roomId, membership]) => (membership === "join" ? roomId : []));
      return { joined_rooms: joined, total: joined.length };
    }),

    // GET /_synapse/admin/v1/users/{userId}/memberships
    route("listUserMemberships", async ({ params }) => ({
      memberships: Object.fromEntries(await records.memberships(parseUserId(params.userId))),
    })),

    // GET /_synapse/admin/v1/users/{userId}/sent_invite_count
    route("countUserInvites", async ({ params, query }) => ({
      invite_count: await records.invitesSince(parseUserId(params.userId), query.from_ts),
    })),

    // GET /_synapse/admin/v1/users/{userId}/cumulative_joined_room_count
    route("countUserJoins", async ({ params, query }) => ({
      cumulative_joined_room_count: await records.joinsSince(
        parseUserId(params.userId),
        query.from_ts,
      ),
    })),
  ];
}
