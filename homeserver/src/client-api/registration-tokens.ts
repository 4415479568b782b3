import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { Users } from "../users/users.ts";

export function registrationTokensRoutes(deps: { users: Users }): Route[] {
  const { registration, registrationTokens } = deps.users;
  return [
    // GET /_matrix/client/v1/register/m.login.registration_token/validity
    route("registrationTokenValidity", async ({ query }) => {
      if (registration.mode === "closed") throw errors.forbidden("Registration is closed");
      return { valid: await registrationTokens.isValid(query.token) };
    }),
  ];
}
