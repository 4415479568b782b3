import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Blobs, FileMissing } from "./types.ts";

/** The name of a file in a store, in folders of a 256th of all. */
export function nameOf(sha256: Buffer): string {
  const name = sha256.toString("hex");
  return `${name.slice(0, 2)}/${name.slice(2)}`;
}

/** Files in a folder, which replicas share. */
export function createDiskBlobs(folder: string): Blobs {
  const pathOf = (sha256: Buffer) => join(folder, nameOf(sha256));

  async function put(sha256: Buffer, from: string): Promise<void> {
    const target = pathOf(sha256);
    const parent = join(target, "..");
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await rename(from, target);
    await syncFolder(parent);
  }

  return {
    put,

    async open(sha256, range) {
      // Those of file handles read half as fast.
      const stream = createReadStream(pathOf(sha256), range);
      try {
        await once(stream, "open");
        return stream;
      } catch (error) {
        throw missing(error);
      }
    },

    async has(sha256) {
      try {
        return (await stat(pathOf(sha256))).isFile();
      } catch {
        return false;
      }
    },

    remove: (sha256) => rm(pathOf(sha256), { force: true }),
    local: (sha256, work) => work(pathOf(sha256)),
    sweep: async () => {},
    close: async () => {},
  };
}

function missing(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" ? new FileMissing("the file is not in the folder of media") : error;
}

/** Makes the names in a folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
