import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { type ServiceUsers, serviceOf } from "./service-accounts.ts";
import { sessionBody, sessionRequest } from "./session-body.ts";

export function loginRoutes({
  users,
  services,
}: {
  readonly users: Users;
  readonly services: ServiceUsers;
}): Route[] {
  return [
    // GET /_matrix/client/v3/login
    route("getLoginFlows", () => ({
      flows: [
        ...users.login.flows,
        ...(users.sso.providers.length > 0
          ? [{ type: "m.login.sso", identity_providers: users.sso.providers }]
          : []),
        ...(services.all.length > 0 ? [{ type: "m.login.application_service" }] : []),
      ],
    })),

    // POST /_matrix/client/v3/login
    route("login", async (context) => {
      const { body, ip } = context;
      const isService = body.type === "m.login.application_service";
      const session = isService
        ? await users.login.forService(serviceOf(context, services), body, sessionRequest(body))
        : await users.login.withCredentials(body, sessionRequest(body), { ip });
      return sessionBody(session, users.accounts.serverName);
    }),
  ];
}
