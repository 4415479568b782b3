import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";

export interface WellknownDeps {
  readonly serverName: ServerName;
  /** The port for other servers; undefined: this server does not federate. */
  readonly federationPort: number | undefined;
}

/** How other servers find this one. (Server-server API, "Server discovery".) */
export function wellknownRoutes({ serverName, federationPort }: WellknownDeps): Route[] {
  const hasPort = /:\d+$/.test(serverName);
  return [
    // GET /.well-known/matrix/server
    route("getWellKnown", () => {
      if (federationPort === undefined) throw errors.notFound("This server does not federate");
      return { "m.server": hasPort ? serverName : `${serverName}:${federationPort}` };
    }),
  ];
}
