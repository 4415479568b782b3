import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { LoopbackTls } from "../certificates.ts";
import { createSigningKey } from "../signing.ts";
import type { RunningSubject } from "../subject.ts";
import { freePorts, launch, makeFolder } from "./process.ts";

/**
 * Synapse with SQLite, open registration and no rate limits, on loopback: another implementation, so that
 * the suite is not fitted to one. `python` is an interpreter that has the package matrix-synapse.
 */
export async function startSynapse(tls: LoopbackTls, python: string): Promise<RunningSubject> {
  const folder = await makeFolder(tls);
  const [client = 0, federation = 0] = await freePorts(2);
  const serverName = `localhost:${federation}`;
  const clientUrl = `http://127.0.0.1:${client}`;
  const key = createSigningKey();
  const seed = Buffer.from(key.secretKey.subarray(0, 32)).toString("base64").replace(/=+$/, "");
  await writeFile(join(folder, "signing.key"), `ed25519 ${key.keyId.slice(8)} ${seed}\n`);
  // JSON is YAML.
  const config = configuration(folder, serverName, client, federation);
  await writeFile(join(folder, "homeserver.yaml"), JSON.stringify(config, null, 2));
  const stop = await launch({
    command: python,
    args: ["-m", "synapse.app.homeserver", "--config-path", "homeserver.yaml"],
    folder,
    healthUrl: `${clientUrl}/health`,
  });
  return {
    subject: {
      serverName,
      clientUrl,
      federationUrl: `https://127.0.0.1:${federation}`,
      ca: tls.ca,
      peerTls: tls,
      tolerateNulls: true,
    },
    stop,
  };
}

function configuration(folder: string, serverName: string, client: number, federation: number) {
  const unlimited = { per_second: 100_000, burst_count: 100_000 };
  const listener = (port: number, tls: boolean, names: string[]) => ({
    port,
    tls,
    type: "http",
    bind_addresses: ["127.0.0.1"],
    resources: [{ names, compress: false }],
  });
  return {
    server_name: serverName,
    public_baseurl: `http://127.0.0.1:${client}/`,
    pid_file: join(folder, "pid"),
    report_stats: false,
    listeners: [listener(client, false, ["client"]), listener(federation, true, ["federation"])],
    tls_certificate_path: join(folder, "cert.pem"),
    tls_private_key_path: join(folder, "key.pem"),
    federation_custom_ca_list: [join(folder, "ca.pem")],
    ip_range_blacklist: [],
    database: { name: "sqlite3", args: { database: join(folder, "homeserver.db") } },
    media_store_path: join(folder, "media"),
    signing_key_path: join(folder, "signing.key"),
    macaroon_secret_key: randomBytes(16).toString("hex"),
    form_secret: randomBytes(16).toString("hex"),
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    enable_registration: true,
    enable_registration_without_verification: true,
    refreshable_access_token_lifetime: "5m",
    allow_public_rooms_over_federation: true,
    allow_public_rooms_without_auth: true,
    room_list_publication_rules: [{ action: "allow" }],
    presence: { enabled: true },
    experimental_features: { msc4222_enabled: true },
    rc_message: unlimited,
    rc_registration: unlimited,
    rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
    rc_joins: { local: unlimited, remote: unlimited },
    rc_joins_per_room: unlimited,
    rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
    rc_room_creation: unlimited,
    rc_media_create: unlimited,
    rc_presence: { per_user: unlimited },
    rc_federation: {
      window_size: 1000,
      sleep_limit: 10_000,
      sleep_delay: 0,
      reject_limit: 10_000,
      concurrent: 50,
    },
  };
}
