import { route, type Route } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";
import type { NewUserResult } from "../users/administration/new-users.ts";
import type { Users } from "../users/users.ts";

export interface NewUsersDeps {
  users: Users;
  publicBaseUrl: string;
  clock: Pick<Clock, "now">;
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** Links by which people register, and lists of users who are made at once. */
export function newUsersRoutes({ users, publicBaseUrl, clock }: NewUsersDeps): Route[] {
  return [
    // POST /_weft/admin/v1/invite_links
    route("createInviteLink", async ({ body }) => {
      if (users.registration.mode === "closed") {
        throw errors.forbidden("Registration is closed on this server: nobody could use a link");
      }
      const { uses_allowed: usesAllowed = 1, expiry_time: expiresTs = clock.now() + WEEK_MS } =
        body;
      const { token } = await users.registrationTokens.create({ usesAllowed, expiresTs });
      const url = `${publicBaseUrl.replace(/\/$/, "")}/#/register?registration_token=${token}`;
      return { token, url, uses_allowed: usesAllowed, expiry_time: expiresTs };
    }),

    // POST /_weft/admin/v1/users
    route("createUsers", async ({ requester, body }) => {
      const wanted = body.users.map((user) => ({
        name: user.username,
        password: user.password,
        displayName: user.displayname,
        avatarUrl: user.avatar_url,
        email: user.email,
        isAdmin: user.admin === true,
        userType: user.user_type ?? null,
      }));
      return { results: (await users.createUsers(requester, wanted)).map(resultOf) };
    }),
  ];
}

function resultOf({ userId, error, password }: NewUserResult) {
  return {
    user_id: userId,
    created: error === undefined,
    ...(password !== undefined && { password }),
    ...(error !== undefined && { errcode: error.errcode, error: error.message }),
  };
}
