import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";
import { createApp } from "../../src/app.ts";
import type { Config } from "../../src/config/load.ts";
import { mediaConfig } from "../../src/config/media.ts";
import { NO_RETENTION } from "../../src/rooms/visibility/retention-rules.ts";
import { FREE_RULES } from "../../src/rooms/creating/room-rules.ts";
import { NO_SIGN_IN } from "../../src/config/sign-in-file.ts";
import { createListeners } from "../../src/http/listeners.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { parseServerName } from "../../src/protocol/identifiers.ts";
import type { DatabaseLocation } from "../../src/storage/sql.ts";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
import { openCutOff } from "./cut-off.ts";
import { freshDatabase, type TestDatabase } from "./database.ts";
import { freePorts } from "./ports.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

/** A whole server in this process, on loopback, with a database of its own. */
export interface TestServer {
  readonly name: string;
  readonly baseUrl: string;
  readonly config: Config;
  readonly database: TestDatabase;
  /** Stops the server; its database and files stay, for `restart`. */
  stop(): Promise<void>;
  /**
   * Ends it as if its process were killed: nothing that it does from now on reaches the database or
   * who asked it. What is left of it has ended when this resolves. For servers that are `mortal`.
   */
  kill(): Promise<void>;
  /** Starts it again on what `stop` or `kill` left. */
  restart(): Promise<void>;
  /** Starts another replica of it. */
  replica(): Promise<{ readonly baseUrl: string; stop(): Promise<void> }>;
  close(): Promise<void>;
}

/** How long a statement of a killed server may take to end. */
const GONE_WITHIN_MS = 30_000;
const authority = createAuthority();

/**
 * Starts a server that federates over TLS with the others of the same test. `mortal`: it can be
 * killed.
 */
export async function startServer(
  overrides: Partial<Config> = {},
  { mortal = false } = {},
): Promise<TestServer> {
  const database = await freshDatabase();
  const dataDir = makeTemporaryFolder("weft-server-");
  const [port, federationPort] = (await freePorts(2)) as [number, number];
  const pem = authority.issue(["localhost", "127.0.0.1"]);
  const file = (name: string) => join(dataDir, name);
  await writeFile(file("ca.pem"), authority.cert);
  await writeFile(file("cert.pem"), pem.cert);
  await writeFile(file("key.pem"), pem.key);
  const config: Config = {
    serverName: parseServerName(`localhost:${federationPort}`),
    dataDir,
    listen: { host: "127.0.0.1", port },
    federationListen: { host: "127.0.0.1", port: federationPort },
    tlsCert: file("cert.pem"),
    tlsKey: file("key.pem"),
    federationCa: file("ca.pem"),
    allowPrivateAddresses: true,
    publicBaseUrl: `http://127.0.0.1:${port}`,
    databaseUrl: undefined,
    redisUrl: process.env["WEFT_TEST_REDIS_URL"],
    registration: "open",
    registrationSharedSecret: undefined,
    registrationEmail: "optional",
    smtp: undefined,
    signIn: NO_SIGN_IN,
    passwordMinLength: 8,
    rateLimits: false,
    trustedProxies: ["127.0.0.0/8", "::1"],
    metricsListen: undefined,
    legacyMedia: false,
    urlPreviews: true,
    ...FREE_RULES,
    retention: { ...NO_RETENTION },
    appservices: undefined,
    turn: undefined,
    rtcTransports: [],
    support: { admins: [], security: [], page: undefined },
    userLimits: DEFAULT_LIMITS,
    media: mediaConfig({}, () => new Error("not a setting")),
    delayedEventLimits: { perUser: 100, maxDelayMs: 86_400_000 },
    trustedKeyServers: [],
    policyLists: [],
    userDirectoryHidden: [],
    auditLifetimeMs: undefined,
    logLevel: "silent",
    ...overrides,
  };
  const start = () => (mortal ? runMortal(config, database) : run(config, database.location));
  let running: Running | undefined = await start();
  const end = async (how: "close" | "kill") => {
    const ending = running;
    running = undefined;
    await ending?.[how]();
  };
  const stop = () => end("close");
  return {
    name: config.serverName,
    baseUrl: `http://127.0.0.1:${port}`,
    config,
    database,
    stop,
    kill: () => end("kill"),
    async restart() {
      running = await start();
    },
    async replica() {
      const [own, ownFederation] = (await freePorts(2)) as [number, number];
      const app = await run(
        {
          ...config,
          listen: { host: "127.0.0.1", port: own },
          federationListen: { host: "127.0.0.1", port: ownFederation },
        },
        database.location,
      );
      return { baseUrl: `http://127.0.0.1:${own}`, stop: () => app.close() };
    },
    async close() {
      await stop();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

interface Running {
  close(): Promise<void>;
  kill(): Promise<void>;
}

async function run(config: Config, location: DatabaseLocation): Promise<Running> {
  const logger = silentLogger();
  const listeners = createListeners(logger);
  await listeners.listen(config.listen);
  await listeners.listenSecurely(config.federationListen!, {
    cert: config.tlsCert!,
    key: config.tlsKey!,
  });
  const app = await createApp(
    { config, reload: () => [], shown: () => [] },
    logger,
    listeners,
    async () => ({
      location,
      close: async () => undefined,
    }),
  );
  return {
    close: () => app.close(),
    async kill() {
      listeners.cut();
      await app.close();
    },
  };
}

/**
 * The same with a way of its own to the database. Killing it ends that way and the answers in one
 * turn: if connections ended one after another, a statement that failed on the first would be
 * noted by another.
 */
async function runMortal(config: Config, { location, sql }: TestDatabase): Promise<Running> {
  const way = await openCutOff(location);
  const app = await run(config, way.location);
  return {
    async close() {
      await app.close();
      await way.close();
    },
    async kill() {
      await Promise.all([way.close(), app.kill()]);
      // What it had asked before that goes on in the database until somebody ends it.
      await sql`
        SELECT pg_terminate_backend(pid, ${GONE_WITHIN_MS}) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name <> 'weft'`;
    },
  };
}
