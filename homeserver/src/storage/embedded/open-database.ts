import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataFolderInUse } from "./data-folder-lock.ts";
import { startEmbeddedPostgres } from "./postgres.ts";
import type { DatabaseLocation } from "../sql.ts";

export interface DatabaseSource {
  /** A PostgreSQL somewhere; absent: the embedded one in `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
}

export interface OpenDatabase {
  readonly location: DatabaseLocation;
  /** Stops the PostgreSQL that was started for this, if any. */
  close(): Promise<void>;
}

/**
 * The database of this server: the one of the URL, or the embedded one, started. The signal ends a
 * start that is under way, and leaves nothing running.
 * @throws DataFolderInUse when another Weft has the folder
 */
export async function openDatabase(
  source: DatabaseSource,
  log?: (line: string) => void,
  signal?: AbortSignal,
): Promise<OpenDatabase> {
  if (source.databaseUrl !== undefined) {
    return { location: { url: source.databaseUrl }, close: async () => undefined };
  }
  const postgres = await startEmbeddedPostgres({ dataDir: source.dataDir, log, signal });
  return { location: postgres.location, close: () => postgres.stop() };
}

/**
 * The same for a tool beside a server that may be running: that server's PostgreSQL is then used,
 * and not stopped.
 */
export async function shareDatabase(source: DatabaseSource): Promise<OpenDatabase> {
  try {
    return await openDatabase(source);
  } catch (error) {
    if (!(error instanceof DataFolderInUse)) throw error;
    const socketFolder = await runningSocketFolder(source.dataDir);
    if (socketFolder === undefined) throw error;
    const location = { socketFolder, database: "weft", user: "weft" };
    return { location, close: async () => undefined };
  }
}

/** The folder of the running PostgreSQL's socket: the fifth line of its pid file. */
async function runningSocketFolder(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8").catch(() => "");
  return text.split("\n")[4]?.trim() || undefined;
}
