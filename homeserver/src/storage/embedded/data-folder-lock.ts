import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { processStart } from "../process-identity.ts";

/** Another Weft has this data folder open. */
export class DataFolderInUse extends Error {
  override name = "DataFolderInUse";
}

export interface DataFolderLock {
  /** Releases the folder. */
  release(): Promise<void>;
}

interface Owner {
  pid: number;
  started: string;
}

const FILE = "weft.lock";

/**
 * Locks a data folder for this process, so that two servers never run on one. A lock whose process
 * is gone (killed, or its id reused) is taken over. Throws DataFolderInUse.
 */
export async function lockDataFolder(folder: string): Promise<DataFolderLock> {
  // Only the folder itself is private: another user account of ours may have to pass through its
  // parents.
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  const content = JSON.stringify({ pid: process.pid, started: processStart(process.pid) ?? "" });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await writeFile(draft, content, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      // A hard link appears whole or not at all, and fails when the name is taken.
      if (await succeeds(link(draft, path))) return { release: () => release(path, content) };
      await removeIfStale(folder, path);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new DataFolderInUse(
    `the data folder ${folder} could not be locked: ${path} keeps coming back`,
  );
}

async function removeIfStale(folder: string, path: string): Promise<void> {
  const found = await readText(path);
  if (found === undefined) return;
  const owner = parseOwner(found);
  if (owner !== undefined && processStart(owner.pid) === owner.started) {
    throw new DataFolderInUse(
      `the data folder ${folder} is in use by another Weft (process ${owner.pid}): stop it, or set another WEFT_DATA_DIR`,
    );
  }
  // Moved aside first: of two processes that find it stale, only one can move it. If a new lock was
  // taken meanwhile, it is put back.
  const aside = `${path}.stale.${process.pid}.${randomBytes(4).toString("hex")}`;
  if (!(await succeeds(rename(path, aside)))) return;
  if ((await readText(aside)) !== found) await succeeds(link(aside, path));
  await rm(aside, { force: true });
}

async function release(path: string, content: string): Promise<void> {
  if ((await readText(path)) === content) await rm(path, { force: true });
}

function parseOwner(text: string): Owner | undefined {
  try {
    const value = JSON.parse(text) as Partial<Owner>;
    return typeof value.pid === "number" && typeof value.started === "string"
      ? { pid: value.pid, started: value.started }
      : undefined;
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

async function succeeds(action: Promise<unknown>): Promise<boolean> {
  try {
    await action;
    return true;
  } catch {
    return false;
  }
}
