import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { DataFolderInUse } from "../../src/storage/embedded/data-folder-lock.ts";
import { linkLibraries, locateBinaries } from "../../src/storage/embedded/binaries.ts";
import { chooseLauncher } from "../../src/storage/embedded/launch.ts";
import { startEmbeddedPostgres } from "../../src/storage/embedded/postgres.ts";
import type { EmbeddedPostgres } from "../../src/storage/embedded/postgres.ts";
import { startServer } from "../../src/storage/embedded/server.ts";
import { processStart, waitForExit } from "../../src/storage/process-identity.ts";
import { connect, isConnectionError } from "../../src/storage/sql.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { inTime, until } from "../support/wait.ts";

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

/** One data folder for all tests, below a folder of mode 0700: making a cluster is what takes long. */
let outer: string;
let folder: string;
beforeAll(async () => {
  outer = makeTemporaryFolder("weft-data-");
  folder = join(outer, "data");
});
afterAll(() => rm(outer, { recursive: true, force: true }));

async function start(log?: (line: string) => void): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir: folder, ...(log ? { log } : {}) });
  cleanUp.push(() => postgres.stop());
  return postgres;
}

/** Runs the child until `acknowledged` events were reported. */
async function startChild(acknowledged: number) {
  const script = fileURLToPath(new URL("./embedded-child.ts", import.meta.url));
  const child = spawn(process.execPath, [script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanUp.push(() => stopChild(child));
  const nids: number[] = [];
  let postgresPid = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("ready")) postgresPid = Number(line.split(" ")[1]);
    else nids.push(Number(line));
  });
  await until(() => nids.length >= acknowledged);
  return { child, nids, postgresPid };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await inTime("the process ends", gone);
}

async function missingEvents(postgres: EmbeddedPostgres, nids: readonly number[]): Promise<number> {
  const sql = connect(postgres.location, { max: 1 });
  const [row] = await sql<{ found: number }[]>`
    SELECT count(*) AS found FROM events WHERE event_nid = ANY (${nids as number[]}::bigint[])`;
  await sql.end();
  return nids.length - (row?.found ?? 0);
}

test("a cluster is made once, below a folder that only we may enter, and reachable by nobody else", async () => {
  await chmod(outer, 0o700);
  const first = await start();
  const sql = connect(first.location, { max: 1 });
  await sql`CREATE TABLE kept (n bigint)`;
  expect(await sql`SHOW listen_addresses`).toEqual([{ listen_addresses: "" }]);
  expect(await sql`SHOW fsync`).toEqual([{ fsync: "on" }]);
  await sql.end();
  expect((await stat(first.location.socketFolder as string)).mode & 0o777).toBe(0o700);
  await first.stop();
  await expect(stat(first.location.socketFolder as string)).rejects.toThrow();
  const second = await start();
  const again = connect(second.location, { max: 1 });
  expect(await again`SELECT n FROM kept`).toEqual([]);
  await again.end();
});

test("a second Weft on the same data folder is told so, and the first goes on", async () => {
  const first = await start();
  await expect(startEmbeddedPostgres({ dataDir: folder })).rejects.toThrow(DataFolderInUse);
  const sql = connect(first.location, { max: 1 });
  expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  await sql.end();
});

test("a lock left by a process that is gone is taken over, whatever number it had", async () => {
  for (const stale of [
    "",
    "not JSON",
    '{"pid":999999999,"started":"1"}',
    JSON.stringify({ pid: process.pid, started: "another life" }),
  ]) {
    await writeFile(join(folder, "weft.lock"), stale);
    const postgres = await start();
    await postgres.stop();
  }
});

test("PostgreSQL killed under load comes back, and nothing acknowledged is lost", async () => {
  const { child, nids, postgresPid } = await startChild(300);
  process.kill(postgresPid, "SIGKILL");
  const before = nids.length;
  await until(() => nids.length > before + 300);
  await stopChild(child);
  const postgres = await start();
  expect(await missingEvents(postgres, nids)).toBe(0);
  const sql = connect(postgres.location, { max: 1 });
  const doubles = await sql`SELECT event_id FROM events GROUP BY event_id HAVING count(*) > 1`;
  expect(doubles).toEqual([]);
  await sql.end();
});

test("a server killed under load takes its PostgreSQL along, and nothing acknowledged is lost", async () => {
  const acknowledged: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    const { child, nids, postgresPid } = await startChild(300);
    await stopChild(child);
    if (chooseLauncher(folder).diesWithUs) expect(await waitForExit(postgresPid, 5_000)).toBe(true);
    acknowledged.push(...nids);
  }
  const postgres = await start();
  expect(await missingEvents(postgres, acknowledged)).toBe(0);
});

test("a server that is asked to stop leaves no PostgreSQL behind and exits with 0", async () => {
  const { child, postgresPid } = await startChild(50);
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  expect(await inTime("the process ends", gone)).toEqual([0, null]);
  expect(processStart(postgresPid)).toBeUndefined();
});

test("a PostgreSQL that outlived its Weft is stopped before a new one starts", async () => {
  const first = await start();
  await first.stop();
  const cluster = join(folder, "postgres");
  const runFolder = makeTemporaryFolder("weft-pg-");
  const binaries = locateBinaries();
  const launcher = chooseLauncher(cluster);
  const orphan = await startServer({
    launcher,
    environment: { LD_LIBRARY_PATH: await linkLibraries(binaries, runFolder), LC_ALL: "C" },
    program: binaries.postgres,
    cluster,
    settings: { listen_addresses: "", unix_socket_directories: runFolder },
    log: () => {},
  });
  await writeFile(`${cluster}.run`, runFolder);
  const { pid } = orphan;
  const lines: string[] = [];
  const stopped = orphan.stop;
  // Its own supervisor must not start it again.
  const starting = start((line) => lines.push(line));
  await until(() => lines.some((line) => line.includes("left over")));
  await stopped();
  const second = await starting;
  expect(second.pid).not.toBe(pid);
  expect(processStart(pid as number)).toBeUndefined();
  await expect(stat(runFolder)).rejects.toThrow();
});

test("a pid file whose number belongs to another program now is no obstacle", async () => {
  const first = await start();
  await first.stop();
  const file = join(folder, "postgres", "postmaster.pid");
  await writeFile(file, `${process.pid}\n${join(folder, "postgres")}\n0\n5432\n\n\n`, {
    mode: 0o600,
  });
  const second = await start();
  expect((await readFile(file, "utf8")).startsWith(`${second.pid}\n`)).toBe(true);
});

test("a cluster of another major version is refused in words", async () => {
  const old = join(outer, "old");
  await mkdir(join(old, "postgres"), { recursive: true });
  await writeFile(join(old, "postgres", "PG_VERSION"), "9\n");
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(startEmbeddedPostgres({ dataDir: old })).rejects.toThrow(/PostgreSQL 9 /);
  }
});

test("a client tells a lost connection from a wrong query", async () => {
  const postgres = await start();
  const sql = connect(postgres.location, { max: 1 });
  const wrong = await sql`SELECT nonsense`.catch((error: unknown) => error);
  expect(isConnectionError(wrong)).toBe(false);
  await postgres.stop();
  const lost = await sql`SELECT 1`.catch((error: unknown) => error);
  expect(isConnectionError(lost)).toBe(true);
  await sql.end();
});
