import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseUserId } from "../protocol/identifiers.ts";
import { parseProfileKey } from "../users/data/profile-fields.ts";
import type { Users } from "../users/users.ts";
import { ownUserId } from "./own-user.ts";

export function profileRoutes(deps: { users: Users }): Route[] {
  const { profiles } = deps.users;
  return [
    // GET /_matrix/client/v3/profile/{userId}
    route("getUserProfile", ({ params }) => profiles.query(parseUserId(params.userId))),

    // GET /_matrix/client/v3/profile/{userId}/{keyName}
    route("getProfileField", ({ params }) =>
      profiles.query(parseUserId(params.userId), params.keyName),
    ),

    // PUT /_matrix/client/v3/profile/{userId}/{keyName}
    route("setProfileField", async ({ requester, params, body }) => {
      const userId = ownUserId(requester, params.userId);
      const key = parseProfileKey(params.keyName);
      const value = body[key];
      if (value === undefined) throw errors.missingParam(`${key} is missing`);
      await profiles.set(userId, key, value);
    }),

    // DELETE /_matrix/client/v3/profile/{userId}/{keyName}
    route("deleteProfileField", async ({ requester, params }) => {
      await profiles.set(ownUserId(requester, params.userId), params.keyName, undefined);
    }),
  ];
}
