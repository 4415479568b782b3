import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { GRANT_TYPES } from "../users/oauth/client-metadata.ts";
import type { Granted } from "../users/oauth/grants.ts";
import { OAuthError } from "../users/oauth/oauth-error.ts";
import type { OAuth } from "../users/oauth/oauth.ts";

/** The answer is nobody else's. (RFC 6749, section 5.1.) */
const PRIVATE = { "cache-control": "no-store", pragma: "no-cache" };

export function tokenRoutes({ oauth }: { oauth: OAuth }): Route[] {
  const { grants } = oauth;
  return [
    // POST /_weft/oauth/token
    route("issueOAuthTokens", async ({ body }) => {
      const { grant_type: kind, client_id: clientId } = body;
      switch (kind) {
        case GRANT_TYPES.code: {
          const { code, redirect_uri: redirectUri, code_verifier: verifier } = body;
          return tokens(await grants.byCode({ clientId, code, redirectUri, verifier }));
        }
        case GRANT_TYPES.refresh:
          return tokens(await grants.byRefreshToken(clientId, body.refresh_token));
        case GRANT_TYPES.device:
          return tokens(await grants.byDeviceCode(clientId, body.device_code));
        case undefined:
          throw new OAuthError("invalid_request", "grant_type is missing");
        default:
          throw new OAuthError("unsupported_grant_type", "That type of grant is not known");
      }
    }),

    // POST /_weft/oauth/revoke
    route("revokeOAuthToken", async ({ body }) => {
      await grants.revoke(body.token);
    }),
  ];
}

function tokens({ session, scope }: Granted) {
  const body = {
    access_token: session.accessToken,
    token_type: "Bearer",
    expires_in: Math.floor(session.expiresInMs! / 1000),
    refresh_token: session.refreshToken,
    scope,
  };
  return json(body, { headers: PRIVATE });
}
