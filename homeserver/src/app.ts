import { join } from "node:path";
import { Redis } from "ioredis";
import { type NewUser, openControl } from "./cli/control.ts";
import { type FailureCounts, memoryFailures, redisFailures } from "./cluster/failures.ts";
import { createRedisBuckets } from "./cluster/redis-buckets.ts";
import type { Config } from "./config/load.ts";
import { loadSigningKey } from "./config/signing-key.ts";
import type { Listeners } from "./http/listeners.ts";
import { createRateLimiter, memoryBuckets } from "./http/access/rate-limit.ts";
import { createHttpServer } from "./http/server.ts";
import { createLayers } from "./layers.ts";
import { createLog } from "./log/log.ts";
import { createMemoryWake, createRedisWake } from "./log/wake.ts";
import { type Clock, systemClock } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import { createMetrics } from "./platform/metrics.ts";
import { systemRandom } from "./platform/random.ts";
import { createFederationClient } from "./federation-client/index.ts";
import { createRoutes } from "./routes.ts";
import { connectWriter } from "./storage/append/append.ts";
import { migrate } from "./storage/migrate.ts";
import { openDatabase } from "./storage/embedded/open-database.ts";
import { createExclusive } from "./storage/exclusive.ts";
import { createLeases } from "./storage/leases.ts";
import { answers, connect, SERVER_CONNECTION, type Sql } from "./storage/sql.ts";

export interface App {
  /** The token by which the first user registers; undefined once there is one, or when it is not needed. */
  readonly registrationToken: string | undefined;
  /** Answers what is under way, stops every follower, and closes what was opened. */
  close(): Promise<void>;
}

/**
 * The production wiring of one server. `listeners` are open already and answer 503 until it is ready. Tests give
 * a database of their own. When `signal` aborts before the server is ready, the start is given up wherever it is:
 * what was opened is closed, and the promise rejects.
 */
export async function createApp(
  config: Config,
  logger: Logger,
  listeners: Listeners,
  open: typeof openDatabase = openDatabase,
  signal?: AbortSignal,
): Promise<App> {
  const [clock, random] = [systemClock, systemRandom];
  const { serverName } = config;
  /** What to undo at the end, last first. */
  const opened: (() => unknown)[] = [];
  const close = async () => {
    for (let undo = opened.pop(); undo; undo = opened.pop()) {
      try {
        await undo();
      } catch (err) {
        // The others are to be closed all the same, the database above all.
        logger.warn({ err }, "a part of the server did not close properly");
      }
    }
  };
  /** What ends the waiting of a start that is given up. */
  const cuts: (() => unknown)[] = [];
  const giveUp = () => cuts.forEach((cut) => void cut());
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    signal?.throwIfAborted();
    const signingKey = loadSigningKey(config.dataDir, random);
    const toLog = (line: string) => logger.debug({ part: "postgres" }, line);
    const database = await open(config, toLog, signal);
    opened.push(() => database.close());
    signal?.throwIfAborted();
    const sql = connect(database.location, { applicationName: SERVER_CONNECTION });
    opened.push(() => sql.end({ timeout: 5 }));
    cuts.push(() => sql.end({ timeout: 0 }));
    await migrate(sql);
    signal?.throwIfAborted();

    const writer = connectWriter(database.location);
    const redis = await openRedis(config, logger, cuts);
    if (redis) opened.push(() => redis.quit());
    const wake = redis
      ? await createRedisWake(redis, { prefix: `weft:${serverName}:`, logger })
      : createMemoryWake();
    const log = await createLog({ sql, writer, wake, clock, logger, serverName });
    opened.push(() => log.stop());
    const remote = await createFederationClient({
      sql,
      clock,
      random,
      log: logger,
      serverName,
      signingKey,
      notaries: config.trustedKeyServers,
      allowPrivate: config.allowPrivateAddresses,
      caFile: config.federationCa,
      replicated: redis !== undefined,
    });
    opened.push(() => remote.close());
    const seats = redis && createLeases({ sql: connect(database.location, { max: 1 }), clock });
    if (seats) opened.push(() => seats.close());
    const exclusive = createExclusive(redis && connect(database.location, { max: LOCKS }));
    opened.push(() => exclusive.close());
    const metrics = createMetrics({ processMetrics: true });
    const foundation = {
      config,
      sql,
      redis,
      seats,
      exclusive,
      log,
      remote,
      signingKey,
      clock,
      random,
      logger,
      metrics,
      failures: config.rateLimits ? countFailures(redis, config, clock, logger) : undefined,
    };
    const layers = await createLayers(foundation, opened);
    const { users } = layers;
    const buckets = redis
      ? createRedisBuckets(redis, { prefix: `weft:${serverName}:`, logger })
      : memoryBuckets(clock.monotonic);
    const rateLimiter = createRateLimiter(config.rateLimits ? buckets : undefined);
    const http = await createHttpServer({
      routes: createRoutes(foundation, layers, () => databaseHealth(sql)),
      requireAllOf: ["client-server", "server-server", "admin"],
      listeners,
      log: logger,
      metrics,
      authenticator: users.sessions,
      signatures: { serverName, keyRing: remote.keyRing, now: clock.now },
      rateLimiter,
      aclAllows: layers.rooms.federation.aclAllows,
      trustedProxies: config.trustedProxies,
      onPeer: remote.backoff.heard,
      fresh: redis && (() => log.fresh()),
      webClient: { folder: WEB_CLIENT, connectTo: [new URL(config.publicBaseUrl).origin] },
    });
    opened.push(() => http.close());
    const createUser = ({ username, password, isAdmin }: NewUser) =>
      users.registration.create(username, password, { isAdmin });
    opened.push(await openControl(config.dataDir, createUser));
    const registrationToken =
      config.registration === "token" ? await users.ensureBootstrapToken() : undefined;
    signal?.throwIfAborted();
    return { registrationToken, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Undefined when the database answers, otherwise why requests cannot be served. */
async function databaseHealth(sql: Sql): Promise<string | undefined> {
  const late = systemClock.sleep(HEALTH_MS).then(() => false);
  return (await Promise.race([answers(sql), late])) ? undefined : "the database does not answer";
}

/** Where wrong passwords are counted: together with the other replicas, if there are any. */
function countFailures(
  redis: Redis | undefined,
  { serverName }: Config,
  clock: Clock,
  logger: Logger,
): FailureCounts {
  if (!redis) return memoryFailures(clock);
  return redisFailures(redis, { prefix: `weft:${serverName}:`, clock, logger });
}

/** A connection to Redis, when one is configured. */
async function openRedis(
  config: Config,
  logger: Logger,
  cuts: (() => unknown)[],
): Promise<Redis | undefined> {
  if (config.redisUrl === undefined) return undefined;
  const redis = new Redis(config.redisUrl, { lazyConnect: true });
  redis.on("error", (err: Error) => logger.warn({ err }, "Redis is away"));
  cuts.push(() => redis.disconnect());
  await redis.connect();
  return redis;
}

/** Connections that hold locks of users while the users' data are changed. */
const LOCKS = 4;
/** A health check waits so long for the database. */
const HEALTH_MS = 2_000;
const WEB_CLIENT = join(import.meta.dirname, "..", "..", "web-client", "dist");
