/**
 * The foundation of all layers: the database, the log, what replicas share, and calls to other
 * servers.
 */
import { Redis } from "ioredis";
import { type Bus, createRedisBus } from "./cluster/bus.ts";
import { type FailureCounts, memoryFailures, redisFailures, whileOn } from "./cluster/failures.ts";
import type { Config } from "./config/load.ts";
import { loadSigningKey } from "./config/signing-key.ts";
import { createFederationClient, type FederationClient } from "./federation-client/index.ts";
import { createLog } from "./log/log.ts";
import type { Log } from "./log/types.ts";
import { createMemoryWake, createRedisWake } from "./log/wake.ts";
import { createOutbox } from "./mail/outbox.ts";
import { createSmtp } from "./mail/smtp.ts";
import type { Outbox } from "./mail/types.ts";
import { type Clock, systemClock } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import { createMetrics, type Metrics } from "./platform/metrics.ts";
import { type Random, systemRandom } from "./platform/random.ts";
import type { SigningKey } from "./protocol/crypto.ts";
import type { ServerName } from "./protocol/identifiers.ts";
import { type ServerKey, serverKeyOf } from "./protocol/push/web-push.ts";
import { loadWebPushKey } from "./storage/push/web-push-key.ts";
import { connectWriter } from "./storage/append/append.ts";
import type { openDatabase } from "./storage/embedded/open-database.ts";
import { createExclusive, type Exclusive } from "./storage/exclusive.ts";
import { createLeases, type Leases } from "./storage/leases.ts";
import { migrate } from "./storage/migrate.ts";
import { noteServerName } from "./storage/administration/room-stats.ts";
import { connect, type DatabaseLocation, SERVER_CONNECTION, type Sql } from "./storage/sql.ts";

export interface Foundation {
  readonly config: Config;
  readonly sql: Sql;
  /** Absent: there is one replica, and everything shared is in memory. */
  readonly replicas: Replicas | undefined;
  /** Leases for background work that only one replica does; absent when there is one replica. */
  readonly leases: Leases | undefined;
  /** Locks for work that must not run twice at once for a user, on any replica. */
  readonly exclusive: Exclusive;
  readonly log: Log;
  readonly remote: FederationClient;
  readonly signingKey: SigningKey;
  /** By which push servers know this server. */
  readonly webPushKey: ServerKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Mails that are to be sent; absent: this server sends none. */
  readonly outbox: Outbox | undefined;
  /** Counts wrong passwords; absent: they are not counted. */
  readonly failures: FailureCounts;
}

/** What the replicas of one server share. */
interface Replicas {
  readonly redis: Redis;
  readonly bus: Bus;
  /** Prefix of this server's keys and channels. */
  readonly prefix: string;
}

export interface FoundationOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly open: typeof openDatabase;
  readonly signal: AbortSignal | undefined;
  /** Receives undo steps for the end; they run in reverse order. */
  readonly opened: Undo[];
  /** Receives functions that interrupt the waiting of a start that is given up. */
  readonly cuts: Undo[];
}

type Undo = () => unknown;

/** Connections that hold locks on users while their data are changed. */
const LOCKS = 4;

export async function openFoundation(options: FoundationOptions): Promise<Foundation> {
  const { config, logger, opened } = options;
  const [clock, random] = [systemClock, systemRandom];
  const { serverName } = config;
  const signingKey = loadSigningKey(config.dataDir, random);
  const { sql, location } = await openTables(options);
  const webPushKey = await loadWebPushKey(sql, serverKeyOf(random.bytes(32)));
  const replicas = await openReplicas(options);
  const wake = replicas
    ? await createRedisWake(replicas.redis, { prefix: replicas.prefix, logger })
    : createMemoryWake();
  const writer = connectWriter(location);
  const log = await createLog({ sql, writer, wake, clock, logger, serverName });
  opened.push(() => log.stop());
  const remote = await createFederationClient({
    ...{ sql, clock, random, log: logger, serverName, signingKey },
    notaries: config.trustedKeyServers,
    allowPrivate: config.allowPrivateAddresses,
    caFile: config.federationCa,
    failures: await replicas?.bus.channel<ServerName>("failing-servers"),
    blocks: await replicas?.bus.channel<string>("blocked-servers"),
  });
  opened.push(() => remote.close());
  const leases = replicas && createLeases({ sql: connect(location, { max: 1 }), clock });
  if (leases) opened.push(() => leases.close());
  const exclusive = createExclusive(replicas && connect(location, { max: LOCKS }));
  opened.push(() => exclusive.close());
  return {
    ...{ config, sql, replicas, leases, exclusive, log, remote, signingKey, webPushKey },
    ...{ clock, random, logger },
    outbox: openOutbox(options, { sql, signingKey }),
    metrics: createMetrics({ processMetrics: true }),
    failures: whileOn(countFailures(replicas, clock, logger), () => config.rateLimits),
  };
}

/** What is sent through the mail server of the settings; undefined without one. */
function openOutbox(
  { config, logger, opened }: FoundationOptions,
  { sql, signingKey }: { readonly sql: Sql; readonly signingKey: SigningKey },
): Outbox | undefined {
  if (config.smtp === undefined) return undefined;
  const outbox = createOutbox({
    ...{ sql, clock: systemClock, random: systemRandom, logger },
    send: createSmtp(config.smtp),
    secret: signingKey.seedBase64,
    domain: new URL(config.publicBaseUrl).hostname,
  });
  opened.push(() => outbox.stop());
  return outbox;
}

/** Opens the database and migrates the tables to this version of Weft. */
async function openTables({
  config,
  logger,
  open,
  signal,
  opened,
  cuts,
}: FoundationOptions): Promise<{ sql: Sql; location: DatabaseLocation }> {
  const toLog = (line: string) => logger.debug({ part: "postgres" }, line);
  const database = await open(config, toLog, signal);
  opened.push(() => database.close());
  signal?.throwIfAborted();
  const sql = connect(database.location, { applicationName: SERVER_CONNECTION });
  opened.push(() => sql.end({ timeout: 5 }));
  cuts.push(() => sql.end({ timeout: 0 }));
  await migrate(sql);
  await noteServerName(sql, config.serverName);
  signal?.throwIfAborted();
  return { sql, location: database.location };
}

/** A connection to Redis, if one is configured, and the bus over it. */
async function openReplicas({
  config,
  logger,
  opened,
  cuts,
}: FoundationOptions): Promise<Replicas | undefined> {
  if (config.redisUrl === undefined) return undefined;
  const redis = new Redis(config.redisUrl, { lazyConnect: true });
  redis.on("error", (err: Error) => logger.warn({ err }, "Redis is away"));
  cuts.push(() => redis.disconnect());
  await redis.connect();
  opened.push(() => redis.quit());
  const prefix = `weft:${config.serverName}:`;
  const bus = createRedisBus(redis, { prefix, logger });
  opened.push(() => bus.close());
  return { redis, bus, prefix };
}

/** Counts wrong passwords, together with the other replicas if there are any. */
function countFailures(
  replicas: Replicas | undefined,
  clock: Clock,
  logger: Logger,
): FailureCounts {
  if (!replicas) return memoryFailures(clock);
  return redisFailures(replicas.redis, { prefix: replicas.prefix, clock, logger });
}
