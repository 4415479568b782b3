import { createHash } from "node:crypto";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { FileTooLarge } from "./types.ts";

/** A written file that has no final name yet. */
export interface StagedFile {
  readonly sha256: Buffer;
  /** Bytes. */
  readonly size: number;
  readonly path: string;
  /** Deletes it, unless it has been put into the store. */
  discard(): Promise<void>;
}

/** The folder for files that are under way. */
export interface Staging {
  /**
   * Writes a stream to a temporary file while hashing it; memory holds one chunk. After an error
   * the stream is left where it is, and not destroyed.
   * @throws FileTooLarge after more than `maxBytes`; whatever the stream fails with
   */
  stage(content: Readable | Buffer, maxBytes: number): Promise<StagedFile>;
  /** Deletes unfinished files of stopped servers. */
  clearOld(): Promise<void>;
}

export interface StagingOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** No other process uses the folder: what is there at the start is nobody's. */
  readonly alone?: boolean | undefined;
}

/** Younger files may be under way, here or on another replica. */
const STAGING_LIFE_MS = 24 * 3_600_000;

export async function createStaging(
  folder: string,
  { clock, random, alone = false }: StagingOptions,
): Promise<Staging> {
  await mkdir(folder, { recursive: true, mode: 0o700 });

  async function clear(before: number): Promise<void> {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs < before) await rm(path, { force: true });
    }
  }

  await clear(alone ? Infinity : clock.now() - STAGING_LIFE_MS);
  return {
    async stage(content, maxBytes) {
      const path = join(folder, Buffer.from(random.bytes(12)).toString("hex"));
      const discard = () => rm(path, { force: true });
      try {
        return { ...(await writeHashed(path, content, maxBytes)), path, discard };
      } catch (error) {
        await discard();
        throw error;
      }
    },

    clearOld: () => clear(clock.now() - STAGING_LIFE_MS),
  };
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
