import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseUserId, type UserId } from "../protocol/identifiers.ts";
import type { LastSighting } from "../storage/users/devices.ts";
import type { Users } from "../users/users.ts";

/** What administrators do with any client. (Client-server API, "Server administration".) */
export function adminRoutes({ users }: { users: Users }): Route[] {
  const { accounts, devices, moderation } = users;

  /** The user of a path. @throws MatrixError M_INVALID_PARAM 400 for one of another server */
  function local(given: string): UserId {
    const userId = parseUserId(given);
    if (accounts.isLocal(userId)) return userId;
    throw errors.invalidParam("That user is not one of this server");
  }

  return [
    // GET /_matrix/client/v3/admin/whois/{userId}
    route("getWhoIs", async ({ requester, params }) => {
      const userId = parseUserId(params.userId);
      // First: nobody else learns who has an account.
      if (userId !== requester.userId && !requester.isAdmin) {
        throw errors.forbidden("Only administrators look up others");
      }
      local(userId);
      if ((await accounts.find(userId)) === undefined) throw errors.notFound("No such user");
      const seen = await devices.lastSightings(userId);
      const entries = seen.map((one) => [one.deviceId, { sessions: [sessionOf(one)] }] as const);
      return { user_id: userId, devices: Object.fromEntries(entries) };
    }),

    // GET /_matrix/client/v1/admin/lock/{userId}
    route("getAdminLockUser", async ({ requester, params }) => {
      const { locked } = await moderation.stateOf(requester.userId, local(params.userId));
      return { locked };
    }),

    // PUT /_matrix/client/v1/admin/lock/{userId}
    route("setAdminLockUser", async ({ requester, params, body: { locked } }) => {
      await moderation.change(requester.userId, local(params.userId), { locked });
      return { locked };
    }),

    // GET /_matrix/client/v1/admin/suspend/{userId}
    route("getAdminSuspendUser", async ({ requester, params }) => {
      const { suspended } = await moderation.stateOf(requester.userId, local(params.userId));
      return { suspended };
    }),

    // PUT /_matrix/client/v1/admin/suspend/{userId}
    route("setAdminSuspendUser", async ({ requester, params, body: { suspended } }) => {
      await moderation.change(requester.userId, local(params.userId), { suspended });
      return { suspended };
    }),
  ];
}

function sessionOf({ ts, ip, userAgent }: LastSighting) {
  const connection = {
    ...(ip !== null && { ip }),
    ...(ts !== null && { last_seen: ts }),
    ...(userAgent !== null && { user_agent: userAgent }),
  };
  return { connections: ts === null ? [] : [connection] };
}
