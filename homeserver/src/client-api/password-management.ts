import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { provePassword } from "./prove-password.ts";

export function passwordManagementRoutes({ users }: { users: Users }): Route[] {
  return [
    // POST /_matrix/client/v3/account/password
    route("changePassword", async (context) => {
      const { body, requester } = context;
      // Checked before the authentication, so that its session is not used up.
      users.passwords.ensureStrong(body.new_password);
      const userId = await provePassword(users, "changePassword", context);
      await users.passwordChange.change(userId, body.new_password, {
        keepDevices: body.logout_devices === false,
        deviceId: requester?.deviceId,
      });
    }),
  ];
}
