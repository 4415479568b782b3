import type { ResponseBody } from "@weft/spec/types";
import { route, type Route } from "../http/route.ts";
import type { RegistrationToken } from "../users/accounts/registration-tokens.ts";
import type { Users } from "../users/users.ts";

/** Tokens that let somebody register, by the paths that tools for Synapse use. */
export function registrationTokensAdminRoutes({ users }: { users: Users }): Route[] {
  const { registrationTokens: tokens } = users;

  return [
    // GET /_synapse/admin/v1/registration_tokens
    route("listRegistrationTokens", async ({ query }) => ({
      registration_tokens: (await tokens.list(query.valid)).map(tokenOf),
    })),

    // POST /_synapse/admin/v1/registration_tokens/new
    route("createRegistrationToken", async ({ body }) => {
      const { token, length, uses_allowed: usesAllowed, expiry_time: expiresTs } = body;
      return tokenOf(await tokens.create({ token, length, usesAllowed, expiresTs }));
    }),

    // GET /_synapse/admin/v1/registration_tokens/{token}
    route("getRegistrationToken", async ({ params }) => tokenOf(await tokens.get(params.token))),

    // PUT /_synapse/admin/v1/registration_tokens/{token}
    route("updateRegistrationToken", async ({ params, body }) => {
      const { uses_allowed: usesAllowed, expiry_time: expiresTs } = body;
      return tokenOf(await tokens.update(params.token, { usesAllowed, expiresTs }));
    }),

    // DELETE /_synapse/admin/v1/registration_tokens/{token}
    route("deleteRegistrationToken", ({ params }) => tokens.delete(params.token)),
  ];
}

function tokenOf(token: RegistrationToken): ResponseBody<"getRegistrationToken"> {
  return {
    token: token.token,
    uses_allowed: token.usesAllowed,
    pending: token.pending,
    completed: token.uses,
    expiry_time: token.expiresTs,
  };
}
