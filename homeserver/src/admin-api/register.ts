import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { SharedSecretRegistration } from "../users/accounts/shared-secret.ts";
import type { Users } from "../users/users.ts";

export function registerRoutes(deps: { users: Users }): Route[] {
  const { accounts, profiles, registration, sessions } = deps.users;

  /** @throws MatrixError M_UNKNOWN 400 when no shared secret is configured */
  function enabled(): SharedSecretRegistration {
    if (registration.withSharedSecret) return registration.withSharedSecret;
    throw errors.unknown("Registration by shared secret is not enabled on this server", 400);
  }

  return [
    // GET /_synapse/admin/v1/register
    route("getRegistrationNonce", () => ({ nonce: enabled().nonce() })),

    // POST /_synapse/admin/v1/register
    route("registerBySharedSecret", async ({ body, ip }) => {
      const userId = await enabled().register({
        nonce: body.nonce,
        username: body.username,
        password: body.password,
        isAdmin: body.admin === true,
        userType: body.user_type ?? undefined,
        mac: body.mac,
        visitor: { ip },
      });
      if (body.displayname) await profiles.set(userId, "displayname", body.displayname);
      const session = await sessions.issue(userId, {});
      return json({
        user_id: userId,
        home_server: accounts.serverName,
        access_token: session.accessToken,
        device_id: session.deviceId,
      });
    }),
  ];
}
