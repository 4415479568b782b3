import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { provePasswordUnlessService } from "./prove-password.ts";

export function accountDeactivationRoutes({ users }: { users: Users }): Route[] {
  return [
    // POST /_matrix/client/v3/account/deactivate
    route("deactivateAccount", async (context) => {
      const userId = await provePasswordUnlessService(users, "deactivateAccount", context);
      await users.deactivation.deactivate(userId, context.body.erase === true);
      // No third-party identifier is ever bound here, so that none is left to be unbound.
      return { id_server_unbind_result: "success" };
    }),
  ];
}
