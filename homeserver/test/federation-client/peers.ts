import { rmSync, writeFileSync } from "node:fs";
import { lastingSession } from "../support/lasting-session.ts";
import { join } from "node:path";
import { type Authority, createAuthority } from "../../../scripts/lib/certificates.mjs";
import { createRateLimiter, memoryBuckets } from "../../src/http/access/rate-limit.ts";
import type { Route } from "../../src/http/route.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { createListeners } from "../../src/http/listeners.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { generateSigningKey } from "../../src/protocol/crypto.ts";
import { errors } from "../../src/protocol/errors.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { createFederationClient } from "../../src/federation-client/index.ts";
import { keysRoutes } from "../../src/federation-api/keys.ts";
import { freshDatabase } from "../support/database.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

export type Peer = Awaited<ReturnType<typeof startPeer>>;

/** What several peers share: a certificate authority and a folder. */
export function createNetwork() {
  const folder = makeTemporaryFolder("weft-peers-");
  const authority = createAuthority();
  writeFileSync(join(folder, "ca.pem"), authority.cert);
  return { folder, authority, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A server on loopback over TLS that signs, checks signatures, serves its keys, and these routes. */
export async function startPeer(
  { folder, authority }: { folder: string; authority: Authority },
  routes: readonly Route[] = [],
  options: { notaries?: ServerName[]; allowPrivate?: boolean; trusting?: boolean } = {},
) {
  const database = await freshDatabase();
  const log = silentLogger();
  const listeners = createListeners(log);
  const { cert, key } = authority.issue(["localhost"]);
  const name = join(folder, systemRandom.alphanumeric(8));
  const files = { cert: `${name}.cert`, key: `${name}.key` };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  const port = await listeners.listenSecurely({ host: "127.0.0.1", port: 0 }, files);
  const serverName = `localhost:${port}` as ServerName;
  const signingKey = generateSigningKey(systemRandom.bytes);
  const remote = await createFederationClient({
    sql: database.sql,
    clock: systemClock,
    random: systemRandom,
    log,
    serverName,
    signingKey,
    notaries: options.notaries ?? [],
    allowPrivate: options.allowPrivate ?? true,
    caFile: options.trusting === false ? undefined : join(folder, "ca.pem"),
  });
  const keys = keysRoutes({
    serverName,
    signingKey,
    clock: systemClock,
    keyObject: remote.keyRing.keyObject,
  });
  const http = await createHttpServer({
    routes: [...keys, ...routes],
    requireAllOf: [],
    listeners,
    log,
    metrics: createMetrics(),
    authenticator: {
      byAccessToken: async () => {
        throw errors.unknownToken();
      },
      watch: lastingSession,
    },
    signatures: { serverName, keyRing: remote.keyRing, now: systemClock.now },
    rateLimiter: createRateLimiter(memoryBuckets(Date.now), () => false),
    aclAllows: async () => true,
    audit: { begin: async () => async () => undefined },
    onPeer: remote.backoff.receivedFrom,
  });
  return {
    serverName,
    signingKey,
    remote,
    http,
    database,
    cutConnections: listeners.cut,
    async stopListening() {
      await http.close(500);
    },
    async close() {
      await http.close(500);
      await remote.close();
      await database.close();
    },
  };
}
