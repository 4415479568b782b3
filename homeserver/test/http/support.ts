import { type Health, monitoringRoutes } from "../../src/admin-api/monitoring.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import {
  type SigningKey,
  signingKeyFromSeed,
  verifyKeyFromBase64,
} from "../../src/protocol/crypto.ts";
import { errors } from "../../src/protocol/errors.ts";
import type { ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { lastingSession } from "../support/lasting-session.ts";
import type { Requester } from "../../src/http/access/authenticate.ts";
import { memoryBuckets, createRateLimiter } from "../../src/http/access/rate-limit.ts";
import type { Route } from "../../src/http/route.ts";
import {
  type HttpServer,
  type HttpServerOptions,
  createHttpServer,
} from "../../src/http/server.ts";

export const HERE = "here.test" as ServerName;
export const PEER = "peer.test" as ServerName;
export const peerKey: SigningKey = signingKeyFromSeed("ed25519:1", Buffer.alloc(32, 7));

interface Monitored {
  readonly health?: Health;
  readonly metricsApart?: boolean;
}

export const ALICE: Requester = {
  userId: "@alice:here.test" as UserId,
  deviceId: "D",
  isAdmin: false,
  isGuest: false,
  tokenHash: Buffer.alloc(1),
};

/** A server with these routes alone; `good-token` is @alice's, `old-token` has expired. */
export function serverWith(
  routes: readonly Route[],
  options: Partial<HttpServerOptions> & Monitored & { limited?: boolean } = {},
): Promise<HttpServer> {
  const metrics = createMetrics();
  const { health = () => undefined, metricsApart } = options;
  const monitoring = monitoringRoutes({ health, metrics, metricsApart });
  return createHttpServer({
    routes: [...routes, ...monitoring],
    requireAllOf: [],
    log: silentLogger(),
    metrics,
    authenticator: {
      async byAccessToken(token) {
        if (token === "old-token") throw errors.unknownToken("Expired", true);
        if (token !== "good-token") throw errors.unknownToken();
        return ALICE;
      },
      watch: lastingSession,
    },
    signatures: {
      serverName: HERE,
      now: () => 1_700_000_000_000,
      keyRing: {
        requestKey: async ({ server, keyId }) =>
          server === PEER && keyId === peerKey.keyId
            ? verifyKeyFromBase64(peerKey.publicKeyBase64)
            : undefined,
      },
    },
    aclAllows: async () => true,
    audit: { begin: async () => async () => undefined },
    rateLimiter: createRateLimiter(memoryBuckets(Date.now), () => options.limited === true),
    ...options,
  });
}

export const asAlice = { authorization: "Bearer good-token" };
