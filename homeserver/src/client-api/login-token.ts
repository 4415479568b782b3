import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";

export function loginTokenRoutes(deps: { users: Users }): Route[] {
  const { login, uia } = deps.users;
  return [
    // POST /_matrix/client/v1/login/get_token
    route("generateLoginToken", async ({ requester, body }) => {
      const { userId } = requester;
      await uia.authorise({
        operation: "generateLoginToken",
        body: body,
        userId,
        flows: [["m.login.password"]],
      });
      const { token, expiresInMs } = await login.createToken(userId);
      return { login_token: token, expires_in_ms: expiresInMs };
    }),
  ];
}
