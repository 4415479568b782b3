import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";

export function wellknownRoutes(deps: { publicBaseUrl: string }): Route[] {
  const baseUrl = deps.publicBaseUrl.replace(/(?<!\/)\/+$/, "");
  return [
    // GET /.well-known/matrix/client
    route("getWellknown", () =>
      json(
        { "m.homeserver": { base_url: baseUrl } },
        { headers: { "cache-control": "public, max-age=300" } },
      ),
    ),
  ];
}
