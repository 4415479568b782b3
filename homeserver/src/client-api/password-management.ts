import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";

export function passwordManagementRoutes(deps: { users: Users }): Route[] {
  const { accounts, devices, passwords, uia } = deps.users;
  return [
    // POST /_matrix/client/v3/account/password
    route("changePassword", async ({ requester, body }) => {
      const facts = await uia.authorise({
        operation: "changePassword",
        body: body,
        userId: requester?.userId,
        flows: [["m.login.password"]],
      });
      const userId = facts.userId!;
      await accounts.setPasswordHash(userId, await passwords.hash(body.new_password));
      if (body.logout_devices !== false) await devices.removeOthers(userId, requester?.deviceId);
    }),
  ];
}
