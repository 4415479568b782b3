import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { sessionBody, sessionRequest } from "./session-body.ts";

export function loginRoutes({ users }: { users: Users }): Route[] {
  return [
    // GET /_matrix/client/v3/login
    route("getLoginFlows", () => ({ flows: users.login.flows })),

    // POST /_matrix/client/v3/login
    route("login", async ({ body, ip }) => {
      const session = await users.login.withCredentials(body, sessionRequest(body), { ip });
      return sessionBody(session, users.accounts.serverName);
    }),
  ];
}
