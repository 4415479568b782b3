import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import {
  lchown,
  readdir,
  stat,
  chown,
  open,
  readFile,
  readlink,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Binaries } from "./binaries.ts";
import type { Launcher } from "./launch.ts";
import { commandFor } from "./server.ts";
import type { ServerCommand } from "./server.ts";
import { makeTemporaryFolder } from "../temporary-folder.ts";
import { commandLine, processStart, waitForExit } from "../process-identity.ts";

type Log = (line: string) => void;

const RUN_PREFIX = "weft-pg-";
/** A unix socket's path must be shorter than 108 bytes on Linux, 104 on macOS. */
const MAX_SOCKET_PATH = 103;

/** A folder that only we can enter, with a path short enough for a unix socket. */
export async function makeRunFolder(cluster: string, launcher: Launcher): Promise<string> {
  const wanted = join(tmpdir(), `${RUN_PREFIX}XXXXXX`, ".s.PGSQL.5432");
  const parent = Buffer.byteLength(wanted) <= MAX_SOCKET_PATH ? tmpdir() : "/tmp";
  const folder = makeTemporaryFolder(RUN_PREFIX, parent);
  if (launcher.owner !== undefined) await chown(folder, launcher.owner.uid, launcher.owner.gid);
  await writeFile(noteOf(cluster), folder);
  return folder;
}

/**
 * The file with the path of the run folder, so that one left by a killed Weft is found and removed.
 */
const noteOf = (cluster: string) => `${cluster}.run`;

export async function removeRunFolder(folder: string): Promise<void> {
  if (basename(folder).startsWith(RUN_PREFIX)) await rm(folder, { recursive: true, force: true });
}

/**
 * Creates the cluster if there is none. It is built under a temporary name and renamed when
 * complete, so that an interruption leaves nothing half made.
 */
export async function initialise(
  cluster: string,
  binaries: Binaries,
  command: ServerCommand,
  log: Log,
  signal?: AbortSignal,
): Promise<void> {
  const { owner } = command.launcher;
  if (existsSync(join(cluster, "PG_VERSION"))) {
    if (owner !== undefined) await giveTo(cluster, owner);
    return;
  }
  const draft = `${cluster}.new`;
  await rm(draft, { recursive: true, force: true });
  // The unprivileged user must be able to make the folder inside ours.
  if (owner !== undefined) await chown(dirname(cluster), owner.uid, owner.gid);
  log("making a new database cluster");
  const args = ["-D", draft, "-U", "weft", "-E", "UTF8", "--locale=C", "--auth=trust"];
  try {
    await run(command, binaries.initdb, [...args, "--no-instructions"], signal);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await rename(draft, cluster);
  await syncFolder(dirname(cluster));
}

/** Gives a cluster that root created to the user that PostgreSQL runs as, once. */
async function giveTo(cluster: string, owner: { uid: number; gid: number }): Promise<void> {
  if ((await stat(cluster)).uid === owner.uid) return;
  await chown(dirname(cluster), owner.uid, owner.gid);
  const entries = await readdir(cluster, { recursive: true });
  for (const entry of entries) await lchown(join(cluster, entry), owner.uid, owner.gid);
  await chown(cluster, owner.uid, owner.gid);
}

/**
 * Stops the PostgreSQL that a killed Weft left running on this cluster, and clears a pid file whose
 * number now belongs to another program. Must be called with the data folder's lock held.
 */
export async function stopPredecessor(cluster: string, log: Log): Promise<void> {
  const file = join(cluster, "postmaster.pid");
  const pid = Number((await readText(file)).split("\n")[0]);
  if (pid > 0 && processStart(pid) !== undefined) {
    if (await isPostgresOn(pid, cluster)) await stopOrphan(pid, log);
    else await rm(file, { force: true });
  }
  const runFolder = await readText(noteOf(cluster));
  if (runFolder !== "") await removeRunFolder(runFolder);
}

function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

async function isPostgresOn(pid: number, cluster: string): Promise<boolean> {
  const command = commandLine(pid) ?? "";
  if (!command.includes("postgres")) return false;
  if (command.includes(cluster)) return true;
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => "");
  return folder !== "" && folder === realpathSync(cluster);
}

async function stopOrphan(pid: number, log: Log): Promise<void> {
  log(`stopping a PostgreSQL left over by an earlier run (process ${pid})`);
  for (const [signal, waitMs] of [
    ["SIGINT", 10_000],
    ["SIGQUIT", 10_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has gone in between.
    }
    if (await waitForExit(pid, waitMs)) return;
  }
  throw new Error(`a PostgreSQL left over by an earlier run (process ${pid}) does not stop`);
}

/** Runs a program to its end, or ends it and all that it started when the signal aborts. */
async function run(
  command: ServerCommand,
  program: string,
  args: string[],
  signal?: AbortSignal,
): Promise<void> {
  // An earlier abort fires no event any more.
  signal?.throwIfAborted();
  const [file, rest] = commandFor(command, program, args);
  // A group of its own, which can be ended as a whole.
  const child = spawn(file, rest, { stdio: ["ignore", "pipe", "pipe"], cwd: "/", detached: true });
  const end = () => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  signal?.addEventListener("abort", end, { once: true });
  let output = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  signal?.removeEventListener("abort", end);
  signal?.throwIfAborted();
  if (code !== 0)
    throw new Error(`${basename(program)} failed (${String(code)}): ${output.trim()}`);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
