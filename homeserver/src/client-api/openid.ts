import { route, type Route } from "../http/route.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { OpenIdTokens } from "../users/accounts/openid.ts";
import { ownUserId } from "./own-user.ts";

export function openidRoutes(deps: { openId: OpenIdTokens; serverName: ServerName }): Route[] {
  return [
    // POST /_matrix/client/v3/user/{userId}/openid/request_token
    route("requestOpenIdToken", ({ requester, params }) => {
      const { token, expiresInS } = deps.openId.issue(ownUserId(requester, params.userId));
      return {
        access_token: token,
        token_type: "Bearer" as const,
        matrix_server_name: deps.serverName,
        expires_in: expiresInS,
      };
    }),
  ];
}
