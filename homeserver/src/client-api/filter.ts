import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { ownUserId } from "./own-user.ts";

export function filterRoutes(deps: { users: Users }): Route[] {
  const { filters } = deps.users;
  return [
    // POST /_matrix/client/v3/user/{userId}/filter
    route("defineFilter", async ({ requester, params, body }) => ({
      filter_id: await filters.define(ownUserId(requester, params.userId), body),
    })),

    // GET /_matrix/client/v3/user/{userId}/filter/{filterId}
    route("getFilter", ({ requester, params }) =>
      filters.get(ownUserId(requester, params.userId), params.filterId),
    ),
  ];
}
