import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { freePort, startChild, untilReady } from "./child.ts";
import { countEmbedded } from "./rows.ts";
import type { Target } from "./target.ts";
import { makeTemporaryFolder } from "../../../scripts/lib/temporary.mjs";

export interface WeftOptions {
  readonly name: string;
  /** The checkout to run. */
  readonly folder: string;
  readonly certificates: Certificates;
  /** Open Node's inspector, for profiles. */
  readonly inspect: boolean;
  /** Further arguments of node. */
  readonly nodeArguments: readonly string[];
  /** Further variables of the environment. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Two replicas of one server on a PostgreSQL and a Redis that run already; the database is empty. */
export async function startReplicas(
  options: WeftOptions & { readonly databaseUrl: string; readonly redisUrl: string },
): Promise<Target> {
  const services = { WEFT_DATABASE_URL: options.databaseUrl, WEFT_REDIS_URL: options.redisUrl };
  const data = makeTemporaryFolder("weft-bench-");
  const shared = { WEFT_DATA_DIR: data, WEFT_SERVER_NAME: "bench.localhost", ...services };
  const replica = { ...options, variables: { ...options.variables, ...shared } };
  const first = await startWeft(replica);
  try {
    const second = await startWeft(replica);
    return {
      ...first,
      secondUrl: second.url,
      pids: [...first.pids, ...second.pids],
      async stop() {
        await Promise.all([first.stop(), second.stop()]);
        rmSync(data, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await first.stop();
    throw error;
  }
}

const START_SECONDS = 120;

/**
 * Starts Weft with an empty data folder and the embedded database (fsync on, as it comes), without rate
 * limits and with open registration. `stop` removes the folder.
 */
export async function startWeft(options: WeftOptions): Promise<Target> {
  const data = makeTemporaryFolder("weft-bench-");
  const [port, federationPort, inspectPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const url = new URL(`http://127.0.0.1:${port}`);
  const inspector = options.inspect ? [`--inspect=127.0.0.1:${inspectPort}`] : [];
  const main = join(options.folder, "homeserver", "src", "main.ts");
  const child = startChild(
    process.execPath,
    [...inspector, ...options.nodeArguments, main],
    { ...environment(options, data, port, federationPort), ...options.variables },
    options.folder,
  );
  const stop = async () => {
    await child.stop();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await untilReady(child, new URL("/_weft/health", url), START_SECONDS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: options.name,
    url,
    federationUrl: new URL(`https://127.0.0.1:${federationPort}`),
    pids: [child.pid],
    inspectPort: options.inspect ? inspectPort : undefined,
    ca: options.certificates.ca,
    countRows: () => countEmbedded(data),
    stop,
  };
}

function environment(
  { certificates: { files } }: WeftOptions,
  data: string,
  port: number,
  federationPort: number,
): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^WEFT_|^(DATABASE|REDIS)_URL$/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    WEFT_SERVER_NAME: `localhost:${federationPort}`,
    WEFT_DATA_DIR: data,
    WEFT_LISTEN: `127.0.0.1:${port}`,
    WEFT_FEDERATION_LISTEN: `127.0.0.1:${federationPort}`,
    WEFT_TLS_CERT: files.cert,
    WEFT_TLS_KEY: files.key,
    WEFT_FEDERATION_CA: files.ca,
    WEFT_FEDERATION_ALLOW_PRIVATE: "true",
    WEFT_REGISTRATION: "open",
    WEFT_RATE_LIMITS: "off",
    WEFT_LOG_LEVEL: "warn",
  };
}
