import type { Channel } from "../platform/channel.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { SigningKey } from "../protocol/crypto.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Sql } from "../storage/sql.ts";
import { type OutboundOptions, createConnector, createOutboundAgent } from "./connecting/agent.ts";
import { type BlockedServers, createBlockedServers } from "./requests/blocked-servers.ts";
import { type Backoff, createBackoff } from "./requests/backoff.ts";
import { createRemoteClient } from "./requests/client.ts";
import { createConnections } from "./connecting/connections.ts";
import { createDiscovery, createSrvResolver } from "./connecting/discovery.ts";
import { createKeyFetcher } from "./keys/key-fetcher.ts";
import { createKeyRing } from "./keys/key-ring.ts";
import { createIdentityServers } from "./identity-servers.ts";
import { createRemoteMedia } from "./remote-media.ts";
import { createRemoteServer } from "./remote-server.ts";
import { createWellKnown } from "./connecting/well-known.ts";

export type { Backoff, BlockedServers };

export interface FederationClientOptions extends OutboundOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  readonly notaries: readonly ServerName[];
  /**
   * Shares with the other replicas which servers fail, or are back. Absent: there is one replica.
   */
  readonly failures?: Channel<ServerName> | undefined;
  /** Tells the other replicas that other servers are blocked. Absent: there is one replica. */
  readonly blocks?: Channel<string> | undefined;
}

export type FederationClient = Awaited<ReturnType<typeof createFederationClient>>;

/** Wires everything that sends requests to other servers. */
export async function createFederationClient(options: FederationClientOptions) {
  const { sql, clock, random, log, serverName, signingKey, notaries } = options;
  const connector = createConnector(options);
  const agent = createOutboundAgent(connector);
  const connections = createConnections(connector, clock);
  const blocked = await createBlockedServers({
    ...{ sql, clock, log, serverName },
    changes: options.blocks,
  });
  const backoff = await createBackoff({
    ...{ sql, clock, random, log },
    changes: options.failures,
  });
  const discovery = createDiscovery(
    createWellKnown(agent, clock),
    createSrvResolver(clock),
    random,
  );
  const client = createRemoteClient({
    serverName,
    signingKey,
    discovery,
    connections,
    backoff: unlessBlocked(backoff, blocked),
    blocked,
  });
  const fetcher = createKeyFetcher(client, clock);
  return {
    /** A call per federation operation. */
    server: createRemoteServer(client),
    media: createRemoteMedia(client, agent),
    keyRing: createKeyRing({ sql, clock, fetcher, serverName, signingKey, notaries }),
    identityServers: createIdentityServers({ agent, serverName, signingKey }),
    backoff,
    blocked,
    /** For other requests caused from outside: previews, push gateways. */
    agent,
    async close(): Promise<void> {
      await Promise.all([connections.close(), agent.destroy()]);
      blocked.stop();
      await backoff.stop();
    },
  };
}

/** Before it is looked again whether a server is still blocked. */
const BLOCKED_WAIT_MS = 60_000;

/** Nothing is sent to servers that are blocked, whether they answer or not. */
function unlessBlocked(backoff: Backoff, blocked: Pick<BlockedServers, "has">): Backoff {
  return {
    ...backoff,
    waitMs: (server) => (blocked.has(server) ? BLOCKED_WAIT_MS : backoff.waitMs(server)),
    mayTry: (server) => !blocked.has(server) && backoff.mayTry(server),
  };
}
