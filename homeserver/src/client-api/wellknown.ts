import { accountUrl, issuerOf } from "./oauth-server-metadata.ts";
import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { ClientSettings } from "./client-settings.ts";
import type { PolicyServer } from "../policy/index.ts";
import { errors } from "../protocol/errors.ts";

export interface WellknownDeps {
  readonly settings: Pick<ClientSettings, "rtcTransports">;
  readonly publicBaseUrl: string;
  /** Absent: this server is none. */
  readonly policyServer: Pick<PolicyServer, "publicKey"> | undefined;
}

export function wellknownRoutes(deps: WellknownDeps): Route[] {
  const baseUrl = deps.publicBaseUrl.replace(/(?<!\/)\/+$/, "");
  return [
    // GET /.well-known/matrix/client
    route("getWellknown", () => {
      const foci = deps.settings.rtcTransports;
      return json(
        {
          "m.homeserver": { base_url: baseUrl },
          // Older clients look for the OAuth API here. (MSC2965.)
          "org.matrix.msc2965.authentication": {
            issuer: issuerOf(baseUrl),
            account: accountUrl(baseUrl),
          },
          ...(foci.length > 0 && { "org.matrix.msc4143.rtc_foci": foci, "m.rtc_foci": foci }),
        },
        { headers: { "cache-control": "public, max-age=300" } },
      );
    }),

    // GET /.well-known/matrix/policy_server
    route("getWellknownPolicy", () => {
      if (deps.policyServer === undefined) {
        throw errors.notFound("This server is no policy server");
      }
      return { public_keys: { ed25519: deps.policyServer.publicKey } };
    }),
  ];
}
