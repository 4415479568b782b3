import { createHmac } from "node:crypto";
import { route, type Route } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import { errors } from "../protocol/errors.ts";

/** TURN servers that share a secret with this one. */
export interface TurnServers {
  readonly uris: readonly string[];
  readonly sharedSecret: string;
}

/** How long credentials are good. Clients ask for new ones in time. */
const LIFE_S = 86_400;

/** Credentials that TURN servers check by themselves. (Client-server API, "Voice over IP".) */
export function voipRoutes(deps: {
  clock: Clock;
  settings: { readonly turn: TurnServers | undefined };
}): Route[] {
  return [
    // GET /_matrix/client/v3/voip/turnServer
    route("getTurnServer", ({ requester }) => {
      const { turn } = deps.settings;
      if (turn === undefined) throw errors.forbidden("This server has no TURN server");
      const { uris, sharedSecret } = turn;
      const username = `${Math.floor(deps.clock.now() / 1_000) + LIFE_S}:${requester.userId}`;
      // As coturn checks it, with use-auth-secret.
      const password = createHmac("sha1", sharedSecret).update(username).digest("base64");
      return { username, password, uris: [...uris], ttl: LIFE_S };
    }),
  ];
}
