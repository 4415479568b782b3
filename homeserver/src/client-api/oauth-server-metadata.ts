import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { GRANT_TYPES } from "../users/oauth/client-metadata.ts";
import type { Users } from "../users/users.ts";

/** The actions of the account's page, and names that drafts had for three of them. (MSC4191.) */
const ACTIONS = [
  "org.matrix.profile",
  "org.matrix.devices_list",
  "org.matrix.device_view",
  "org.matrix.device_delete",
  "org.matrix.account_deactivate",
  "org.matrix.cross_signing_reset",
  "org.matrix.sessions_list",
  "org.matrix.session_view",
  "org.matrix.session_end",
];

export function oauthServerMetadataRoutes(deps: { users: Users; publicBaseUrl: string }): Route[] {
  const base = trimmed(deps.publicBaseUrl);
  const metadata = {
    issuer: issuerOf(base),
    authorization_endpoint: `${base}/_weft/oauth/authorize`,
    token_endpoint: `${base}/_weft/oauth/token`,
    revocation_endpoint: `${base}/_weft/oauth/revoke`,
    registration_endpoint: `${base}/_weft/oauth/register`,
    device_authorization_endpoint: `${base}/_weft/oauth/device`,
    response_types_supported: ["code"],
    response_modes_supported: ["query", "fragment"],
    grant_types_supported: Object.values(GRANT_TYPES),
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none"],
    revocation_endpoint_auth_methods_supported: ["none"],
    account_management_uri: accountUrl(base),
    account_management_actions_supported: ACTIONS,
    prompt_values_supported: [
      ...["login", "consent", "select_account"],
      ...(deps.users.registration.mode === "closed" ? [] : ["create"]),
    ],
  };
  return [
    // GET /_matrix/client/v1/auth_metadata
    route("getAuthMetadata", () =>
      json(metadata, { headers: { "cache-control": "public, max-age=300" } }),
    ),
  ];
}

/** Who issues tokens. */
export const issuerOf = (publicBaseUrl: string): string => `${trimmed(publicBaseUrl)}/`;

/** The page on which people manage their account. */
export const accountUrl = (publicBaseUrl: string): string =>
  `${trimmed(publicBaseUrl)}/_weft/account`;

const trimmed = (url: string): string => url.replace(/(?<!\/)\/+$/, "");
