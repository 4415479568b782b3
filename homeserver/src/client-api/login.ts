import type { RateLimiter } from "../http/rate-limit.ts";
import { route, type Route } from "../http/route.ts";
import { namedUser } from "../users/identifier.ts";
import type { Users } from "../users/users.ts";
import { sessionBody, sessionRequest } from "./session-body.ts";

export function loginRoutes(deps: {
  users: Users;
  limits: Pick<RateLimiter, "checkAccount">;
}): Route[] {
  const { users, limits } = deps;
  return [
    // GET /_matrix/client/v3/login
    route("getLoginFlows", () => ({ flows: users.login.flows })),

    // POST /_matrix/client/v3/login
    route("login", async ({ body }) => {
      if (body.type === "m.login.password") {
        const user = namedUser(body);
        if (user !== undefined) await limits.checkAccount(user.toLowerCase());
      }
      const session = await users.login.withCredentials(body, sessionRequest(body));
      return sessionBody(session, users.accounts.serverName);
    }),
  ];
}
