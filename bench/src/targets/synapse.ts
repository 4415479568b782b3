import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { freePort, startChild, untilReady } from "./child.ts";
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
const UNLIMITED = { per_second: 1_000_000, burst_count: 1_000_000 };
const LIMITS = [
  "rc_message",
  "rc_registration",
  "rc_admin_redaction",
  "rc_3pid_validation",
  "rc_presence",
  "rc_room_creation",
  "rc_joins_per_room",
  "rc_media_create",
];

/** Starts Synapse with its own federation listener, without rate limits, and with open registration. */
export async function startSynapse(options: SynapseOptions): Promise<Target> {
  const data = mkdtempSync(join(tmpdir(), "synapse-bench-"));
  const [port, federationPort] = [await freePort(), await freePort()];
  const config = join(data, "homeserver.yaml");
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(configuration(options, data, port, federationPort)));
  const seed = randomBytes(32).toString("base64").replace(/=+$/, "");
  writeFileSync(join(data, "signing.key"), `ed25519 bench ${seed}\n`);
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
    stop,
  };
}

function configuration(
  { certificates: { files }, database }: SynapseOptions,
  data: string,
  port: number,
  federationPort: number,
): object {
  return {
    server_name: `localhost:${federationPort}`,
    report_stats: false,
    signing_key_path: join(data, "signing.key"),
    media_store_path: join(data, "media"),
    log_config: join(data, "log.yaml"),
    listeners: [
      listener(port, ["client"], false),
      listener(federationPort, ["federation", "keys"], true),
    ],
    tls_certificate_path: files.cert,
    tls_private_key_path: files.key,
    federation_custom_ca_list: [files.ca],
    ip_range_blacklist: [],
    trusted_key_servers: [],
    database: database
      ? { name: "psycopg2", args: { ...database, cp_min: 5, cp_max: 10 } }
      : { name: "sqlite3", args: { database: join(data, "homeserver.db") } },
    enable_registration: true,
    enable_registration_without_verification: true,
    macaroon_secret_key: "bench",
    form_secret: "bench",
    // What is measured is never a login: the cheapest hash shortens the set-up.
    bcrypt_rounds: 4,
    presence: { enabled: false },
    ...Object.fromEntries(LIMITS.map((name) => [name, UNLIMITED])),
    rc_login: { address: UNLIMITED, account: UNLIMITED, failed_attempts: UNLIMITED },
    rc_joins: { local: UNLIMITED, remote: UNLIMITED },
    rc_invites: { per_room: UNLIMITED, per_user: UNLIMITED, per_issuer: UNLIMITED },
    rc_federation: {
      window_size: 1000,
      sleep_limit: 1_000_000,
      sleep_delay: 1,
      reject_limit: 1_000_000,
      concurrent: 1000,
    },
  };
}

function listener(port: number, names: string[], tls: boolean): object {
  return { port, type: "http", tls, bind_addresses: ["127.0.0.1"], resources: [{ names }] };
}

function logging(data: string): object {
  return {
    version: 1,
    handlers: { file: { class: "logging.FileHandler", filename: join(data, "synapse.log") } },
    root: { level: "WARNING", handlers: ["file"] },
    disable_existing_loggers: false,
  };
}
