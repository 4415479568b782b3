import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";
import { type App, createApp } from "../../src/app.ts";
import type { Config } from "../../src/config/load.ts";
import { createListeners } from "../../src/http/listeners.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { parseServerName } from "../../src/protocol/identifiers.ts";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
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
  /** Starts it again on what `stop` left. */
  restart(): Promise<void>;
  /** Starts another replica of it. */
  replica(): Promise<{ readonly baseUrl: string; stop(): Promise<void> }>;
  close(): Promise<void>;
}

const authority = createAuthority();

/** Starts a server that federates over TLS with the others of the same test. */
export async function startServer(overrides: Partial<Config> = {}): Promise<TestServer> {
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
    passwordMinLength: 8,
    rateLimits: false,
    trustedProxies: ["127.0.0.0/8", "::1"],
    metricsListen: undefined,
    legacyMedia: false,
    defaultRoomVersion: "12",
    appservices: undefined,
    userLimits: DEFAULT_LIMITS,
    trustedKeyServers: [],
    logLevel: "silent",
    ...overrides,
  };
  let running: App | undefined = await run(config, database);
  const stop = async () => {
    await running?.close();
    running = undefined;
  };
  return {
    name: config.serverName,
    baseUrl: `http://127.0.0.1:${port}`,
    config,
    database,
    stop,
    async restart() {
      running = await run(config, database);
    },
    async replica() {
      const [own, ownFederation] = (await freePorts(2)) as [number, number];
      const app = await run(
        {
          ...config,
          listen: { host: "127.0.0.1", port: own },
          federationListen: { host: "127.0.0.1", port: ownFederation },
        },
        database,
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

async function run(config: Config, database: TestDatabase): Promise<App> {
  const logger = silentLogger();
  const listeners = createListeners(logger);
  await listeners.listen(config.listen);
  await listeners.listenSecurely(config.federationListen!, {
    cert: config.tlsCert!,
    key: config.tlsKey!,
  });
  return createApp(config, logger, listeners, async () => ({
    location: database.location,
    close: async () => undefined,
  }));
}
