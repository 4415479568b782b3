import { route, type Route } from "../http/route.ts";

/** Which software this is. (Server-server API, "Server implementation".) */
export function versionRoutes({ version }: { version: string }): Route[] {
  return [
    // GET /_matrix/federation/v1/version
    route("getVersion", () => ({ server: { name: "Weft", version } })),
  ];
}
