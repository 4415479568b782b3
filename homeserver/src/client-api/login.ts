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
        ...(users.jwt === undefined ? [] : [{ type: "org.matrix.login.jwt" }]),
        ...(services.all.length > 0 ? [{ type: "m.login.application_service" }] : []),
      ],
    })),

    // POST /_matrix/client/v3/login
    route("login", async (context) => {
      const { body, ip } = context;
      const wanted = sessionRequest(body);
      const signIn = () => {
        if (body.type === "m.login.application_service") {
          return users.login.forService(serviceOf(context, services), body, wanted);
        }
        if (body.type === "org.matrix.login.jwt" && users.jwt !== undefined) {
          return users.jwt.signIn(body.token, wanted);
        }
        return users.login.withCredentials(body, wanted, { ip });
      };
      return sessionBody(await signIn(), users.accounts.serverName);
    }),
  ];
}
