/** Synapse beside Weft, for comparisons on one machine: how it is installed and what it is told. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./node.mjs";

export const SYNAPSE_VERSION = "1.163.2";

export class NotInstallable extends Error {}

const PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input", "-q"];
const INSTALL_MS = 15 * 60_000;

export function ensureSynapse(tell = (line) => console.log(line)) {
  const folder = join(root, ".cache", `synapse-${SYNAPSE_VERSION}`);
  const python = join(folder, "bin", "python");
  // Written last, so that an installation that was broken off is begun again.
  const whole = join(folder, "installed");
  if (existsSync(whole)) return python;
  tell(`Installing Synapse ${SYNAPSE_VERSION} from PyPI into ${folder}: once, a minute or two.`);
  rmSync(folder, { recursive: true, force: true });
  step("python3", ["-m", "venv", folder], "a virtual environment could not be made");
  const wanted = `matrix-synapse==${SYNAPSE_VERSION}`;
  step(
    python,
    [...PIP, "install", "--retries", "1", "--only-binary", "matrix-synapse", wanted],
    `${wanted} could not be installed; is PyPI (or the registry that PIP_INDEX_URL names) reached from here?`,
  );
  writeFileSync(whole, "");
  return python;
}

function step(command, args, wrong) {
  const { status, error, stderr } = spawnSync(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: INSTALL_MS,
  });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split("\n").slice(-4).join("\n");
  throw new NotInstallable(`${wrong}\n${reason}`);
}

const UNLIMITED = { per_second: 1_000_000, burst_count: 1_000_000 };

/** Every limit on requests that Synapse knows, lifted. */
const NO_LIMITS = {
  ...Object.fromEntries(
    [
      "rc_message",
      "rc_registration",
      "rc_admin_redaction",
      "rc_3pid_validation",
      "rc_room_creation",
      "rc_joins_per_room",
      "rc_media_create",
    ].map((name) => [name, UNLIMITED]),
  ),
  rc_presence: { per_user: UNLIMITED },
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

export function synapseConfiguration(place) {
  const { serverName, folder, clientPort, federationPort, tls, database } = place;
  return {
    server_name: serverName,
    public_baseurl: `http://127.0.0.1:${clientPort}/`,
    pid_file: join(folder, "pid"),
    report_stats: false,
    listeners: [
      listener(clientPort, ["client"], false),
      listener(federationPort, ["federation", "keys"], true),
    ],
    tls_certificate_path: tls.cert,
    tls_private_key_path: tls.key,
    federation_custom_ca_list: [tls.ca],
    ip_range_blacklist: [],
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    database: database
      ? { name: "psycopg2", args: { ...database, cp_min: 5, cp_max: 10 } }
      : { name: "sqlite3", args: { database: join(folder, "homeserver.db") } },
    media_store_path: join(folder, "media"),
    signing_key_path: join(folder, "signing.key"),
    macaroon_secret_key: randomBytes(16).toString("hex"),
    form_secret: randomBytes(16).toString("hex"),
    enable_registration: true,
    enable_registration_without_verification: true,
    // The cheapest hash: what is compared is never a login.
    bcrypt_rounds: 4,
    ...NO_LIMITS,
  };
}

export function newSynapseKey() {
  const seed = randomBytes(32).toString("base64").replace(/=+$/, "");
  return `ed25519 ${randomBytes(3).toString("hex")} ${seed}\n`;
}

function listener(port, names, tls) {
  const resources = [{ names, compress: false }];
  return { port, type: "http", tls, bind_addresses: ["127.0.0.1"], resources };
}
