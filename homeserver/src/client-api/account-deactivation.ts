import { route, type Route } from "../http/route.ts";
import { type PasswordDeps, provePassword } from "./prove-password.ts";

export function accountDeactivationRoutes(deps: PasswordDeps): Route[] {
  return [
    // POST /_matrix/client/v3/account/deactivate
    route("deactivateAccount", async ({ requester, body }) => {
      const userId = await provePassword(deps, "deactivateAccount", body, requester?.userId);
      await deps.users.deactivation.deactivate(userId, body.erase === true);
      // No third-party identifier is ever bound here, so that none is left to be unbound.
      return { id_server_unbind_result: "success" };
    }),
  ];
}
