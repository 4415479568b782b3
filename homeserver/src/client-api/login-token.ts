import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { ownDevice } from "./own-device.ts";
import { provePassword } from "./prove-password.ts";

export function loginTokenRoutes({ users }: { users: Users }): Route[] {
  return [
    // POST /_matrix/client/v1/login/get_token
    route("generateLoginToken", async (context) => {
      await provePassword(users, "generateLoginToken", context);
      const { token, expiresInMs } = await users.login.createToken(ownDevice(context.requester));
      return { login_token: token, expires_in_ms: expiresInMs };
    }),
  ];
}
