import { route, type Route } from "../http/route.ts";
import { namedUser } from "../users/identifier.ts";
import { accountKey, type PasswordDeps } from "./prove-password.ts";
import { sessionBody, sessionRequest } from "./session-body.ts";

export function loginRoutes(deps: PasswordDeps): Route[] {
  const { users, limits } = deps;
  return [
    // GET /_matrix/client/v3/login
    route("getLoginFlows", () => ({ flows: users.login.flows })),

    // POST /_matrix/client/v3/login
    route("login", async ({ body }) => {
      if (body.type === "m.login.password") {
        const user = namedUser(body);
        if (user !== undefined) await limits.checkAccount(accountKey(users, user));
      }
      const session = await users.login.withCredentials(body, sessionRequest(body));
      return sessionBody(session, users.accounts.serverName);
    }),
  ];
}
