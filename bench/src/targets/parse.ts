import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Certificates } from "./certificates.ts";
import { startSynapse } from "./synapse.ts";
import type { Target } from "./target.ts";
import { startReplicas, startWeft } from "./weft.ts";

export interface TargetSettings {
  readonly certificates: Certificates;
  readonly profile: boolean;
  readonly nodeArguments: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/** This repository. */
const HERE = resolve(import.meta.dirname, "..", "..", "..");

/** What is measured when no target is named: this checkout. */
export const DEFAULT_TARGET = "weft=start:";

/**
 * Starts or attaches to the server that the argument describes:
 * `name=URL[,PIDFILE…][,federation=URL][,inspect=PORT]` runs already;
 * `name=start:[FOLDER][,VARIABLE=VALUE…]` is Weft from that checkout;
 * `name=replicas:DATABASE_URL,redis=REDIS_URL` is this checkout as two replicas on an empty database;
 * `name=synapse:VENV[,PARAMETER=VALUE…][,database-pidfile=FILE]` is Synapse, on PostgreSQL with libpq's
 * parameters if given.
 * @throws Error that says what is wrong with it
 */
export async function openTarget(text: string, settings: TargetSettings): Promise<Target> {
  const split = text.indexOf("=");
  const name = text.slice(0, split);
  const [place = "", ...rest] = text.slice(split + 1).split(",");
  if (split < 1 || place === "") throw new Error(`--target ${text}: write name=URL`);
  const options = new Map(rest.filter((part) => part.includes("=")).map(keyAndValue));
  const { certificates } = settings;
  if (place.startsWith("start:")) {
    return await startWeft({
      name,
      folder: resolve(HERE, place.slice("start:".length)),
      certificates,
      inspect: settings.profile,
      nodeArguments: settings.nodeArguments,
      variables: { ...settings.variables, ...Object.fromEntries(options) },
    });
  }
  if (place.startsWith("replicas:")) {
    const redisUrl = options.get("redis");
    if (redisUrl === undefined)
      throw new Error(`--target ${text}: write redis=URL after the database's`);
    return await startReplicas({
      name,
      folder: HERE,
      certificates,
      inspect: settings.profile,
      nodeArguments: settings.nodeArguments,
      variables: settings.variables,
      databaseUrl: place.slice("replicas:".length),
      redisUrl,
    });
  }
  if (place.startsWith("synapse:")) {
    const venv = place.slice("synapse:".length);
    const { "database-pidfile": databasePid, ...database } = Object.fromEntries(options);
    const target = await startSynapse({
      name,
      venv,
      certificates,
      database: options.size > 0 ? database : undefined,
    });
    return databasePid === undefined
      ? target
      : { ...target, pids: [...target.pids, pidIn(databasePid)] };
  }
  const pidFiles = rest.filter((part) => !part.includes("="));
  const inspect = options.get("inspect");
  return {
    name,
    url: new URL(place),
    federationUrl: new URL(options.get("federation") ?? place),
    pids: pidFiles.map(pidIn),
    inspectPort: inspect === undefined ? undefined : Number(inspect),
    ca: certificates.ca,
    stop: async () => undefined,
  };
}

/** The first line's number, as in PostgreSQL's postmaster.pid too. */
function pidIn(file: string): number {
  return Number.parseInt(readFileSync(file, "utf8"), 10);
}

function keyAndValue(part: string): [string, string] {
  const at = part.indexOf("=");
  return [part.slice(0, at), part.slice(at + 1)];
}
