import { route, type Route } from "../http/route.ts";
import { type PasswordDeps, provePassword } from "./prove-password.ts";

export function loginTokenRoutes(deps: PasswordDeps): Route[] {
  return [
    // POST /_matrix/client/v1/login/get_token
    route("generateLoginToken", async ({ requester, body }) => {
      const userId = await provePassword(deps, "generateLoginToken", body, requester.userId);
      const { token, expiresInMs } = await deps.users.login.createToken(userId);
      return { login_token: token, expires_in_ms: expiresInMs };
    }),
  ];
}
