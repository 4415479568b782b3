import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";

export function accountDeactivationRoutes(deps: { users: Users }): Route[] {
  const { deactivation, uia } = deps.users;
  return [
    // POST /_matrix/client/v3/account/deactivate
    route("deactivateAccount", async ({ requester, body }) => {
      const facts = await uia.authorise({
        operation: "deactivateAccount",
        body: body,
        userId: requester?.userId,
        flows: [["m.login.password"]],
      });
      await deactivation.deactivate(facts.userId!, body.erase === true);
      // No third-party identifier is ever bound here, so that none is left to be unbound.
      return { id_server_unbind_result: "success" };
    }),
  ];
}
