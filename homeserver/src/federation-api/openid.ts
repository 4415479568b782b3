import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { OpenIdTokens } from "../users/accounts/openid.ts";

export interface OpenidDeps {
  readonly openId: OpenIdTokens;
}

/** Services that ask who showed them a token. (Server-server API, "OpenID".) */
export function openidRoutes({ openId }: OpenidDeps): Route[] {
  return [
    // GET /_matrix/federation/v1/openid/userinfo
    route("exchangeOpenIdToken", async ({ query }) => {
      const userId = await openId.ownerOf(query.access_token);
      if (userId === undefined)
        throw errors.unknownToken("That OpenID token is unknown or too old");
      return { sub: userId };
    }),
  ];
}
