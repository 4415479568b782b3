import { accountUrl, issuerOf } from "./oauth-server-metadata.ts";
import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";

export function wellknownRoutes(deps: { publicBaseUrl: string }): Route[] {
  const baseUrl = deps.publicBaseUrl.replace(/(?<!\/)\/+$/, "");
  return [
    // GET /.well-known/matrix/client
    route("getWellknown", () =>
      json(
        {
          "m.homeserver": { base_url: baseUrl },
          // Older clients look for the OAuth API here. (MSC2965.)
          "org.matrix.msc2965.authentication": {
            issuer: issuerOf(baseUrl),
            account: accountUrl(baseUrl),
          },
        },
        { headers: { "cache-control": "public, max-age=300" } },
      ),
    ),
  ];
}
