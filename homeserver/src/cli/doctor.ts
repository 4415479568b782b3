import { X509Certificate } from "node:crypto";
import { accessSync, constants, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import type { Config } from "../config/load.ts";
import { unknownVariables } from "../config/values.ts";
import { loadSigningKey } from "../config/signing-key.ts";
import { systemRandom } from "../platform/random.ts";
import { inspectDatabase } from "../storage/inspect.ts";
import { readMigrations } from "../storage/migrate.ts";
import { shareDatabase } from "../storage/embedded/open-database.ts";
import { connect } from "../storage/sql.ts";

/** The result of one check: "ok", or what is wrong and what to do. */
export interface Finding {
  readonly subject: string;
  readonly ok: boolean;
  readonly detail: string;
}

type Check = (config: Config) => Promise<string> | string;

/** A check returns what it found, and throws with what is wrong. */
const checks: readonly (readonly [subject: string, check: Check])[] = [
  ["environment", () => checkEnvironment()],
  ["data folder", checkDataFolder],
  ["signing key", ({ dataDir }) => `is ${loadSigningKey(dataDir, systemRandom).keyId}`],
  ["database", checkDatabase],
  ["listen address", ({ listen }) => checkListen(listen)],
  ["federation", checkFederation],
  ["public base URL", checkPublicUrl],
];

const LITTLE_SPACE = 1024 ** 3;
const CLOCK_LIMIT_MS = 10_000;
const MONTH_MS = 30 * 24 * 3600_000;

/** Runs every check. They change nothing, except that the data folder and the key are created. */
export async function examine(config: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [subject, check] of checks) {
    try {
      findings.push({ subject, ok: true, detail: await check(config) });
    } catch (error) {
      findings.push({ subject, ok: false, detail: (error as Error).message });
    }
  }
  return findings;
}

function checkEnvironment(): string {
  const unknown = unknownVariables(process.env);
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: no setting of Weft's`);
  return `is understood; Node ${process.versions.node}`;
}

function checkDataFolder({ dataDir }: Config): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  const { bavail, bsize } = statfsSync(dataDir);
  const gigabytes = ((bavail * bsize) / 1024 ** 3).toFixed(1);
  if (bavail * bsize < LITTLE_SPACE) throw new Error(`${dataDir} has only ${gigabytes} GiB left`);
  return `${dataDir} is writable, ${gigabytes} GiB free`;
}

async function checkDatabase(config: Config): Promise<string> {
  const database = await shareDatabase(config);
  const sql = connect(database.location, { max: 1 });
  try {
    const { version, now, appliedMigrations } = await inspectDatabase(sql);
    const drift = Math.abs(now - Date.now());
    if (drift > CLOCK_LIMIT_MS) {
      throw new Error(`its clock and ours differ by ${Math.round(drift / 1000)} s; set them right`);
    }
    const wanted = (await readMigrations()).length;
    const state =
      appliedMigrations === wanted
        ? "up to date"
        : `${appliedMigrations} of ${wanted} migrations applied`;
    return `PostgreSQL ${version}, ${state}, clock within ${drift} ms`;
  } finally {
    await sql.end({ timeout: 2 });
    await database.close();
  }
}

async function checkListen({ host, port }: { host: string; port: number }): Promise<string> {
  const running = await isWeft(host, port);
  if (running) return `${host}:${port} is served by a running Weft`;
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new Error(`${host}:${port} cannot be opened (${error.code})`));
    });
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
  return `${host}:${port} is free`;
}

async function isWeft(host: string, port: number): Promise<boolean> {
  const local = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host;
  const url = `http://${local.includes(":") && !local.startsWith("[") ? `[${local}]` : local}:${port}`;
  const answer = await fetch(`${url}/_weft/health`, { signal: AbortSignal.timeout(2000) }).catch(
    () => undefined,
  );
  return answer?.headers.get("content-type")?.includes("json") === true;
}

async function checkFederation(config: Config): Promise<string> {
  const { federationListen, tlsCert } = config;
  if (!federationListen || !tlsCert) {
    return "no HTTPS listener of its own: other servers come through a reverse proxy, or not at all";
  }
  const certificate = new X509Certificate(readFileSync(tlsCert));
  const left = certificate.validToDate.getTime() - Date.now();
  const until = certificate.validToDate.toISOString().slice(0, 10);
  if (left < 0) throw new Error(`the certificate in ${tlsCert} expired on ${until}`);
  const name = config.serverName.replace(/:\d+$/, "");
  const soon = left < MONTH_MS ? " (soon)" : "";
  const covers = certificate.checkHost(name) ?? certificate.checkIP(name.replace(/^\[|\]$/g, ""));
  const named = covers ? `for ${name}` : `not for ${name}: delegation by .well-known is needed`;
  return `${await checkListen(federationListen)}; certificate ${named}, until ${until}${soon}`;
}

function checkPublicUrl({ publicBaseUrl }: Config): string {
  const { protocol, hostname } = new URL(publicBaseUrl);
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  if (protocol === "http:" && !local) {
    throw new Error(`${publicBaseUrl} is not https: passwords would travel in the clear`);
  }
  return local ? `${publicBaseUrl}: for this machine alone` : publicBaseUrl;
}
