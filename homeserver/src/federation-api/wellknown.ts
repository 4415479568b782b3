import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";

export interface WellknownDeps {
  readonly serverName: ServerName;
  /** Port on which peers are answered; undefined: this server does not federate. */
  readonly federationPort: number | undefined;
}

/** Where peers find this server. (Server-server API, "Server discovery".) */
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
