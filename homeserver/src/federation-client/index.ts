import type { Channel } from "../platform/channel.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { SigningKey } from "../protocol/crypto.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Sql } from "../storage/sql.ts";
import { type OutboundOptions, createConnector, createOutboundAgent } from "./connecting/agent.ts";
import { createBackoff } from "./requests/backoff.ts";
import { createRemoteClient } from "./requests/client.ts";
import { createConnections } from "./connecting/connections.ts";
import { createDiscovery, createSrvResolver } from "./connecting/discovery.ts";
import { createKeyFetcher } from "./keys/key-fetcher.ts";
import { createKeyRing } from "./keys/key-ring.ts";
import { createIdentityServers } from "./identity-servers.ts";
import { createRemoteMedia } from "./remote-media.ts";
import { createRemoteServer } from "./remote-server.ts";
import { createWellKnown } from "./connecting/well-known.ts";

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
}

export type FederationClient = Awaited<ReturnType<typeof createFederationClient>>;

/** Wires everything that sends requests to other servers. */
export async function createFederationClient(options: FederationClientOptions) {
  const { sql, clock, random, log, serverName, signingKey, notaries } = options;
  const connector = createConnector(options);
  const agent = createOutboundAgent(connector);
  const connections = createConnections(connector, clock);
  const backoff = await createBackoff({
    ...{ sql, clock, random, log },
    changes: options.failures,
  });
  const discovery = createDiscovery(
    createWellKnown(agent, clock),
    createSrvResolver(clock),
    random,
  );
  const client = createRemoteClient({ serverName, signingKey, discovery, connections, backoff });
  const fetcher = createKeyFetcher(client, clock);
  return {
    /** A call per federation operation. */
    server: createRemoteServer(client),
    media: createRemoteMedia(client, agent),
    keyRing: createKeyRing({ sql, clock, fetcher, serverName, signingKey, notaries }),
    identityServers: createIdentityServers({ agent, serverName, signingKey }),
    backoff,
    /** For other requests caused from outside: previews, push gateways. */
    agent,
    async close(): Promise<void> {
      await Promise.all([connections.close(), agent.destroy()]);
      await backoff.stop();
    },
  };
}
