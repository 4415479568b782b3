import { route, type Route } from "../http/route.ts";
import { type PasswordDeps, provePassword } from "./prove-password.ts";

export function passwordManagementRoutes(deps: PasswordDeps): Route[] {
  const { accounts, devices, passwords } = deps.users;
  return [
    // POST /_matrix/client/v3/account/password
    route("changePassword", async ({ requester, body }) => {
      const userId = await provePassword(deps, "changePassword", body, requester?.userId);
      await accounts.setPasswordHash(userId, await passwords.hash(body.new_password));
      if (body.logout_devices !== false) await devices.removeOthers(userId, requester?.deviceId);
    }),
  ];
}
