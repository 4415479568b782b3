import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";

/** Finding users by what they sign in by, by the paths that tools for Synapse use. */
export function findingUsersRoutes({ users }: { users: Users }): Route[] {
  const { accounts, records } = users;

  return [
    // GET /_synapse/admin/v1/threepid/{medium}/users/{address}
    route("findUserByAddress", async ({ params }) => ({
      user_id: await records.ownerOfAddress(params.medium, params.address),
    })),

    // GET /_synapse/admin/v1/auth_providers/{provider}/users/{externalId}
    route("findUserByExternalId", async ({ params }) => ({
      user_id: await records.ownerOfLink(params.provider, params.externalId),
    })),

    // GET /_synapse/admin/v1/username_available
    route("isUsernameFree", async ({ query }) => {
      await accounts.ensureAvailable(accounts.nameFor(query.username));
      return { available: true };
    }),
  ];
}
