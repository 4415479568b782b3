import { createHash } from "node:crypto";
import { createReadStream, type ReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";

/** A written file that has no final name yet. */
export interface StagedFile {
  readonly sha256: Buffer;
  /** Bytes. */
  readonly size: number;
  /** Renames it durably to the name of its content. */
  keep(): Promise<void>;
  /** Deletes it, unless it is kept. */
  discard(): Promise<void>;
}

/** Files named by the SHA-256 of their content. Replicas share the folder. */
export interface FileStore {
  /**
   * Writes a stream to a temporary file while hashing it; memory holds one chunk. After an error
   * the stream is left where it is, and not destroyed.
   * @throws FileTooLarge after more than `maxBytes`; whatever the stream fails with
   */
  stage(content: Readable | Buffer, maxBytes: number): Promise<StagedFile>;
  /** Reads a file or a part of it: offsets of the first and the last byte. */
  read(sha256: Buffer, range?: { start: number; end: number }): ReadStream;
  has(sha256: Buffer): Promise<boolean>;
  path(sha256: Buffer): string;
  remove(sha256: Buffer): Promise<void>;
}

const STAGING_LIFE_MS = 24 * 3_600_000;

export class FileTooLarge extends Error {
  override readonly name = "FileTooLarge";
}

export async function createFileStore(
  folder: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<FileStore> {
  const staging = join(folder, "staging");
  await mkdir(staging, { recursive: true, mode: 0o700 });
  await clearOld(staging, clock.now());

  function pathOf(sha256: Buffer): string {
    const name = sha256.toString("hex");
    return join(folder, name.slice(0, 2), name.slice(2));
  }

  async function keep(temporary: string, sha256: Buffer): Promise<void> {
    const target = pathOf(sha256);
    const parent = join(folder, sha256.toString("hex").slice(0, 2));
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await rename(temporary, target);
    await syncFolder(parent);
  }

  return {
    async stage(content, maxBytes) {
      const temporary = join(staging, Buffer.from(random.bytes(12)).toString("hex"));
      try {
        const { sha256, size } = await writeHashed(temporary, content, maxBytes);
        return {
          sha256,
          size,
          keep: () => keep(temporary, sha256),
          discard: () => rm(temporary, { force: true }),
        };
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },

    read: (sha256, range) => createReadStream(pathOf(sha256), range),

    async has(sha256) {
      try {
        return (await stat(pathOf(sha256))).isFile();
      } catch {
        return false;
      }
    },

    path: pathOf,
    remove: (sha256) => rm(pathOf(sha256), { force: true }),
  };
}

/** Deletes unfinished files from a stopped server. Younger ones may belong to another replica. */
async function clearOld(folder: string, now: number): Promise<void> {
  const limit = now - STAGING_LIFE_MS;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < limit) await rm(path, { force: true });
  }
}

async function writeHashed(
  path: string,
  content: Readable | Buffer,
  maxBytes: number,
): Promise<{ sha256: Buffer; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  // An error before the first read is reported by that read; without a handler it would end the
  // process.
  if (!Buffer.isBuffer(content)) content.on("error", () => {});
  const file = await open(path, "wx", 0o600);
  try {
    // Leaving the loop must not destroy the stream: the request's connection still has to carry the
    // answer.
    const chunks = Buffer.isBuffer(content)
      ? [content]
      : (content.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>);
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > maxBytes) throw new FileTooLarge(`more than ${maxBytes} bytes`);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest(), size };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
