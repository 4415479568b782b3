import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { tokensBody } from "./session-body.ts";

export function refreshRoutes(deps: { users: Users }): Route[] {
  return [
    // POST /_matrix/client/v3/refresh
    route("refresh", async ({ body }) =>
      tokensBody(await deps.users.sessions.refresh(body.refresh_token)),
    ),
  ];
}
