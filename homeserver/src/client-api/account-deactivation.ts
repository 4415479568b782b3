import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { provePasswordUnlessService } from "./prove-password.ts";

export function accountDeactivationRoutes({ users }: { users: Users }): Route[] {
  return [
    // POST /_matrix/client/v3/account/deactivate
    route("deactivateAccount", async (context) => {
      const { erase, id_server: idServer } = context.body;
      users.bindings.check(idServer);
      const userId = await provePasswordUnlessService(users, "deactivateAccount", context);
      const result = await users.deactivation.deactivate(userId, erase === true, idServer);
      return { id_server_unbind_result: result };
    }),
  ];
}
