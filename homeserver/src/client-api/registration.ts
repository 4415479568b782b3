import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { Users } from "../users/users.ts";
import { sessionBody, sessionRequest } from "./session-body.ts";

export function registrationRoutes(deps: { users: Users }): Route[] {
  const { accounts, passwords, registration, sessions, uia } = deps.users;
  return [
    // POST /_matrix/client/v3/register
    route("register", async ({ query, body, ip }) => {
      if (query.kind === "guest") throw errors.forbidden("Guests are not admitted on this server");
      const { flows } = registration;
      const request = { operation: "register", body, userId: undefined, visitor: { ip }, flows };
      return await uia.once(request, async () => {
        const userId = await registration.check(body.username);
        if (body.auth?.type !== undefined && body.password === undefined) {
          throw errors.missingParam("password is missing");
        }
        // Checked before the authentication, so that its session is not used up.
        if (body.password !== undefined) passwords.ensureStrong(body.password);
        const facts = await uia.authorise(request);
        await registration.register(userId, body.password, facts);
        const homeServer = accounts.serverName;
        if (body.inhibit_login === true) return { user_id: userId, home_server: homeServer };
        return sessionBody(await sessions.issue(userId, sessionRequest(body)), homeServer);
      });
    }),

    // GET /_matrix/client/v3/register/available
    route("checkUsernameAvailability", async ({ query }) => {
      await registration.check(query.username);
      return { available: true };
    }),
  ];
}
