import { route, type Route } from "../http/route.ts";

/** What tools for Synapse ask before anybody signs in. */
export function serverVersionRoutes({ version }: { version: string }): Route[] {
  return [
    // GET /_synapse/admin/v1/server_version
    route("getSynapseServerVersion", () => ({ server_version: `Weft ${version}` })),
  ];
}
