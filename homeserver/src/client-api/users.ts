import { route, type Route } from "../http/route.ts";
import type { Search } from "../search/index.ts";

/** Searching for people. (Client-server API, "User Directory".) */
export function usersRoutes({ search }: { search: Search }): Route[] {
  return [
    // POST /_matrix/client/v3/user_directory/search
    route("searchUserDirectory", ({ body, requester }) =>
      search.users(requester.userId, body.search_term, body.limit),
    ),
  ];
}
