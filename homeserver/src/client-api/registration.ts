import type { RequestBody } from "@weft/spec/types";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Users } from "../users/users.ts";
import { denied, emailRequest } from "./email-request.ts";
import { type ServiceUsers, serviceOf } from "./service-accounts.ts";
import { sessionBody, sessionRequest } from "./session-body.ts";

export function registrationRoutes({
  users,
  services,
}: {
  readonly users: Users;
  readonly services: ServiceUsers;
}): Route[] {
  const { accounts, confirmations, passwords, registration, sessions, uia } = users;

  /** A session for a new account, unless none is wanted. */
  async function opened(userId: UserId, body: RequestBody<"register">): Promise<JsonObject> {
    const homeServer = accounts.serverName;
    if (body.inhibit_login === true) return { user_id: userId, home_server: homeServer };
    return sessionBody(await sessions.issue(userId, sessionRequest(body)), homeServer);
  }

  return [
    // POST /_matrix/client/v3/register
    route("register", async (context) => {
      const { query, body, ip } = context;
      if (body.type === "m.login.application_service") {
        const service = serviceOf(context, services);
        if (body.username === undefined) throw errors.missingParam("username is missing");
        return await opened(await registration.forService(service, body.username), body);
      }
      if (query.kind === "guest") throw errors.forbidden("Guests are not admitted on this server");
      const { flows, params } = registration;
      const request = {
        ...{ operation: "register", body, userId: undefined, visitor: { ip }, flows, params },
        purpose: "register" as const,
      };
      return await uia.once(request, async () => {
        const userId = await registration.check(body.username);
        if (body.auth?.type !== undefined && body.password === undefined) {
          throw errors.missingParam("password is missing");
        }
        // Checked before the authentication, so that its session is not used up.
        if (body.password !== undefined) passwords.ensureStrong(body.password);
        const facts = await uia.authorise(request);
        await registration.register(userId, body.password, facts);
        return await opened(userId, body);
      });
    }),

    // GET /_matrix/client/v3/register/available
    route("checkUsernameAvailability", async ({ query }) => {
      await registration.check(query.username);
      return { available: true };
    }),

    // POST /_matrix/client/v3/register/email/requestToken
    route("requestTokenToRegisterEmail", async ({ body, request }) => {
      if (!confirmations.isOffered) throw denied("mail");
      if (registration.mode === "closed") throw errors.forbidden("Registration is closed");
      return { sid: await confirmations.begin("register", emailRequest(body, request)) };
    }),

    // POST /_matrix/client/v3/register/msisdn/requestToken
    route("requestTokenToRegisterMSISDN", () => {
      throw denied("text messages");
    }),
  ];
}
