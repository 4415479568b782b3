import { join } from "node:path";
import { openControl } from "./cli/control.ts";
import { createRedisBuckets } from "./cluster/redis-buckets.ts";
import { openServices } from "./appservice/services.ts";
import { describeChange, type LiveConfig, type SettingChange } from "./config/live.ts";
import { ConfigError } from "./config/values.ts";
import { type Foundation, openFoundation } from "./foundation.ts";
import type { Listeners } from "./http/listeners.ts";
import { createRateLimiter, memoryBuckets, type RateLimiter } from "./http/access/rate-limit.ts";
import { createHttpServer } from "./http/server.ts";
import { createLayers, type Layers } from "./layers.ts";
import { systemClock } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import { createRoutes } from "./routes.ts";
import { openDatabase } from "./storage/embedded/open-database.ts";
import { answers, type Sql } from "./storage/sql.ts";
import type { Watched } from "./admin-routes.ts";

export interface App {
  /**
   * The token with which the first user registers; undefined when there is a user already, or no
   * token is needed.
   */
  readonly registrationToken: string | undefined;
  /**
   * Reads the settings and the registrations of application services again. What changed is logged,
   * and so is why nothing could.
   */
  reload(): void;
  /** Finishes running requests, stops every follower, and closes what was opened. */
  close(): Promise<void>;
}

/** How long a health check waits for the database. */
const HEALTH_MS = 2_000;
const WEB_CLIENT = join(import.meta.dirname, "..", "..", "web-client", "dist");

/**
 * Wires one server for production. `listeners` are open already and answer 503 until it is ready.
 * Tests pass a database of their own. If `signal` aborts before the server is ready, the start is
 * given up at any stage: what was opened is closed, and the promise rejects.
 */
export async function createApp(
  live: LiveConfig,
  logger: Logger,
  listeners: Listeners,
  open: typeof openDatabase = openDatabase,
  signal?: AbortSignal,
): Promise<App> {
  const { config } = live;
  /** Undo steps for the end; they run in reverse order. */
  const opened: (() => unknown)[] = [];
  const close = async () => {
    for (let undo = opened.pop(); undo; undo = opened.pop()) {
      try {
        await undo();
      } catch (err) {
        // The remaining parts must be closed nevertheless, above all the database.
        logger.warn({ err }, "a part of the server did not close properly");
      }
    }
  };
  /** Functions that interrupt the waiting of a start that is given up. */
  const cuts: (() => unknown)[] = [];
  const giveUp = () => cuts.forEach((cut) => void cut());
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    signal?.throwIfAborted();
    const services = openServices({
      folder: config.appservices,
      serverName: config.serverName,
      logger,
    });
    opened.push(() => services.stop());
    const foundation = await openFoundation({ config, logger, open, signal, opened, cuts });
    const rateLimiter = limitRates(foundation);
    const layers = await createLayers(foundation, opened, { services, rateLimiter });
    const { users } = layers;
    let settingsReadTs = foundation.clock.now();
    const http = await openHttp(foundation, layers, listeners, {
      rateLimiter,
      shownSettings: live.shown,
      settingsReadTs: () => settingsReadTs,
    });
    opened.push(() => http.close());
    const readAgain = () => {
      const changes = reloadSettings(live, logger);
      settingsReadTs = foundation.clock.now();
      return changes;
    };
    const control = await openControl(config.dataDir, {
      createUser: ({ username, password, isAdmin }) =>
        users.registration.create(username, password, { isAdmin }),
      adminToken: ({ as, minutes }) => users.localAccess(as, minutes),
      async reload() {
        services.reload();
        return readAgain();
      },
    });
    opened.push(control);
    const registrationToken =
      config.registration === "token" ? await users.ensureBootstrapToken() : undefined;
    signal?.throwIfAborted();
    const reload = () => {
      services.reload();
      try {
        readAgain();
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        logger.error(`the settings stay as they were: ${error.message}`);
      }
    };
    return { registrationToken, reload, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** @throws ConfigError when a value is wrong; then everything stays as it was */
function reloadSettings(live: LiveConfig, logger: Logger): readonly SettingChange[] {
  const changes = live.reload();
  for (const change of changes) logger.info(describeChange(change));
  logger.info({ changes: changes.length }, "the settings were read again");
  return changes;
}

/** Serves the layers over HTTP. */
function openHttp(
  foundation: Foundation,
  layers: Layers,
  listeners: Listeners,
  { rateLimiter, ...shown }: { readonly rateLimiter: RateLimiter } & Omit<Watched, "health">,
) {
  const { config, sql, log, logger, metrics, clock, remote, replicas } = foundation;
  return createHttpServer({
    routes: createRoutes(foundation, layers, {
      health: () => databaseHealth(sql),
      ...shown,
    }),
    requireAllOf: ["client-server", "server-server", "oauth", "admin"],
    listeners,
    log: logger,
    metrics,
    authenticator: {
      byAccessToken: layers.users.sessions.byAccessToken,
      watch: layers.users.sessions.watch,
      byServiceToken: layers.masquerade.byServiceToken,
    },
    signatures: {
      ...{ serverName: config.serverName, keyRing: remote.keyRing, now: clock.now },
      isBlocked: remote.blocked.has,
    },
    rateLimiter,
    aclAllows: layers.rooms.federation.aclAllows,
    audit: layers.auditLog,
    onAnswered: layers.samples.answered,
    trustedProxies: () => config.trustedProxies,
    onPeer: remote.backoff.receivedFrom,
    fresh: replicas && (() => log.fresh()),
    webClient: { folder: WEB_CLIENT, connectTo: [new URL(config.publicBaseUrl).origin] },
  });
}

/**
 * Rate limits, counted together with the other replicas if there are any; none when limits are off.
 */
function limitRates({ config, replicas, clock, logger }: Foundation): RateLimiter {
  const alone = memoryBuckets(clock.monotonic);
  const buckets = replicas
    ? createRedisBuckets(replicas.redis, { prefix: replicas.prefix, logger, alone })
    : alone;
  return createRateLimiter(buckets, () => config.rateLimits);
}

/** Undefined when the database answers, otherwise the reason why requests cannot be served. */
async function databaseHealth(sql: Sql): Promise<string | undefined> {
  const late = systemClock.sleep(HEALTH_MS).then(() => false);
  return (await Promise.race([answers(sql), late])) ? undefined : "the database does not answer";
}
