import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { lockDataFolder } from "./data-folder-lock.ts";
import { packageVersion, linkLibraries, locateBinaries } from "./binaries.ts";
import { initialise, makeRunFolder, removeRunFolder, stopPredecessor } from "./folder.ts";
import { chooseLauncher } from "./launch.ts";
import { startServer } from "./server.ts";
import type { Server, ServerCommand } from "./server.ts";
import { connect } from "../sql.ts";
import type { DatabaseLocation } from "../sql.ts";

export interface EmbeddedPostgresOptions {
  /** Weft's data folder; the cluster lies in its subfolder "postgres". */
  dataDir: string;
  /** Receives PostgreSQL's own log, line by line, and what the supervisor does. */
  log?: (line: string) => void;
  /**
   * Interrupts the start at any stage: nothing is left running, and the promise rejects with the
   * signal's reason.
   */
  signal?: AbortSignal | undefined;
  /** Server settings beside the tuned ones. */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres {
  /**
   * Where to connect to: database "weft" as user "weft" on a unix socket that only we can reach.
   */
  readonly location: DatabaseLocation;
  /** The postmaster's process id, undefined while it is being restarted. */
  readonly pid: number | undefined;
  /** Stops PostgreSQL cleanly and gives the data folder back. */
  stop(): Promise<void>;
}

/** Small in memory, safe on disk: fsync and full_page_writes stay on. */
const SETTINGS: Record<string, string> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: "64",
  shared_buffers: "128MB",
  io_method: "sync",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_logical_replication_workers: "0",
  max_parallel_workers_per_gather: "0",
  max_wal_size: "1GB",
  work_mem: "8MB",
  random_page_cost: "1.1",
  jit: "off",
  autovacuum_naptime: "20s",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
};

/**
 * Starts a PostgreSQL of our own on a data folder: makes the cluster when there is none, stops one
 * left over by a Weft that was killed, restarts it when it dies. Throws DataFolderInUse when
 * another Weft has the folder.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const { signal } = options;
  const dataDir = resolve(options.dataDir);
  const cluster = join(dataDir, "postgres");
  const binaries = locateBinaries();
  const lock = await lockDataFolder(dataDir);
  let runFolder: string | undefined;
  let server: Server | undefined;
  try {
    signal?.throwIfAborted();
    await stopPredecessor(cluster, log);
    signal?.throwIfAborted();
    const launcher = chooseLauncher(existsSync(cluster) ? cluster : dataDir);
    runFolder = await makeRunFolder(cluster, launcher);
    const libraries = await linkLibraries(binaries, runFolder);
    const command: ServerCommand = {
      launcher,
      environment: { LD_LIBRARY_PATH: libraries, LC_ALL: "C", PGTZ: "UTC" },
    };
    await checkVersion(cluster, await packageVersion(binaries));
    await initialise(cluster, binaries, command, log, signal);
    signal?.throwIfAborted();
    server = await startServer({
      ...command,
      signal,
      program: binaries.postgres,
      cluster,
      settings: { ...SETTINGS, ...options.settings, unix_socket_directories: runFolder },
      log,
    });
    const location = { socketFolder: runFolder, database: "weft", user: "weft" };
    await createDatabase(location);
    signal?.throwIfAborted();
    return supervised(server, location, runFolder, lock);
  } catch (error) {
    await server?.stop();
    if (runFolder !== undefined) await removeRunFolder(runFolder);
    await lock.release();
    throw error;
  }
}

function supervised(
  server: Server,
  location: DatabaseLocation,
  runFolder: string,
  lock: { release(): Promise<void> },
): EmbeddedPostgres {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await server.stop();
    await removeRunFolder(runFolder);
    await lock.release();
  };
  return {
    location,
    get pid() {
      return server.pid;
    },
    stop: () => (stopping ??= stop()),
  };
}

async function checkVersion(cluster: string, version: string): Promise<void> {
  const major = version.split(".")[0];
  const file = join(cluster, "PG_VERSION");
  if (!existsSync(file)) return;
  const found = (await readFile(file, "utf8")).trim();
  if (found === major) return;
  throw new Error(
    `the data folder ${cluster} was made by PostgreSQL ${found} and can't be opened by PostgreSQL ${major}: export it with the version of Weft that made it`,
  );
}

async function createDatabase(location: DatabaseLocation): Promise<void> {
  const sql = connect({ ...location, database: "postgres" }, { max: 1 });
  try {
    const found = await sql`SELECT 1 FROM pg_database WHERE datname = 'weft'`;
    if (found.length === 0) await sql.unsafe("CREATE DATABASE weft");
  } finally {
    await sql.end();
  }
}
