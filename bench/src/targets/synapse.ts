import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newSynapseKey, synapseConfiguration } from "../../../scripts/lib/synapse.mjs";
import { makeTemporaryFolder } from "../../../scripts/lib/temporary.mjs";
import type { Certificates } from "./certificates.ts";
import { freePort, startChild, untilReady } from "./child.ts";
import { countSqlite } from "./rows.ts";
import type { Target } from "./target.ts";

export interface SynapseOptions {
  readonly name: string;
  /** A Python virtual environment with matrix-synapse in it. */
  readonly venv: string;
  readonly certificates: Certificates;
  /** PostgreSQL to use, as keyword/value connection parameters; absent: SQLite in the temporary folder. */
  readonly database?: Readonly<Record<string, string>> | undefined;
}

const START_SECONDS = 120;
/** Starts Synapse with its own federation listener, without rate limits, and with open registration. */
export async function startSynapse(options: SynapseOptions): Promise<Target> {
  const data = makeTemporaryFolder("weft-bench-synapse-");
  const [port, federationPort] = [await freePort(), await freePort()];
  const config = join(data, "homeserver.yaml");
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(configuration(options, data, port, federationPort)));
  writeFileSync(join(data, "signing.key"), newSynapseKey());
  writeFileSync(join(data, "log.yaml"), JSON.stringify(logging(data)));
  const python = join(options.venv, "bin", "python");
  const child = startChild(
    python,
    ["-m", "synapse.app.homeserver", "--config-path", config],
    process.env,
    data,
  );
  const url = new URL(`http://127.0.0.1:${port}`);
  const stop = async () => {
    await child.stop();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await untilReady(child, new URL("/health", url), START_SECONDS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: options.name,
    url,
    federationUrl: new URL(`https://127.0.0.1:${federationPort}`),
    pids: [child.pid],
    inspectPort: undefined,
    ca: options.certificates.ca,
    countRows: options.database
      ? undefined
      : () => Promise.resolve(countSqlite(join(data, "homeserver.db"))),
    stop,
  };
}

function configuration(
  { certificates: { files }, database }: SynapseOptions,
  data: string,
  clientPort: number,
  federationPort: number,
): object {
  const serverName = `localhost:${federationPort}`;
  const place = { serverName, folder: data, clientPort, federationPort, tls: files, database };
  return {
    ...synapseConfiguration(place),
    log_config: join(data, "log.yaml"),
    presence: { enabled: false },
    // Thousands of users are registered, and none of it is measured.
    bcrypt_rounds: 4,
  };
}

function logging(data: string): object {
  return {
    version: 1,
    handlers: { file: { class: "logging.FileHandler", filename: join(data, "synapse.log") } },
    root: { level: "WARNING", handlers: ["file"] },
    disable_existing_loggers: false,
  };
}
