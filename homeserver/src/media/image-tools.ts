import { ChildDied, ChildError, createChildPool } from "../platform/child-pool.ts";
import { errors, type MatrixError } from "../protocol/errors.ts";
import type { ImageFacts, Target } from "./image-facts.ts";
import type { ImageTask, ImageTaskOutput, Made } from "./image-task.ts";

/**
 * Reads image heads and makes thumbnails, in a process of its own. The caller has to reserve the
 * memory. All reject with MatrixError M_UNKNOWN 400 for an unknown format, M_TOO_LARGE 413, or
 * ChildDied.
 */
export interface ImageTools {
  look(path: string): Promise<ImageFacts>;
  make(path: string, facts: ImageFacts, target: Target): Promise<Made>;
  /** The process's id, undefined while there is none. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

const PROCESS = new URL("./image-process.ts", import.meta.url);

/**
 * @param maxBytes limit on the memory for images, in bytes; the process is limited to a little more
 */
export function createImageTools(maxBytes: number): ImageTools {
  const pool = createChildPool<ImageTask, ImageTaskOutput>(PROCESS, {
    maxBytes: maxBytes + SLACK_BYTES,
    workMs: 60_000,
  });

  async function run(work: ImageTask): Promise<ImageTaskOutput> {
    try {
      return await pool.run(work);
    } catch (error) {
      throw error instanceof ChildError ? asMatrixError(error) : error;
    }
  }

  return {
    look: async (path) => (await run({ path })) as ImageFacts,
    make: async (path, facts, target) => (await run({ path, make: { facts, target } })) as Made,
    get pid() {
      return pool.pid;
    },
    close: () => pool.close(),
  };
}

/** The library itself, and the overhead of the allocator. */
const SLACK_BYTES = 256 * 1024 * 1024;

function asMatrixError({ kind, message }: ChildError): MatrixError {
  return kind === "too-large" ? errors.tooLarge(message) : noThumbnail();
}

/** @returns the error for a file of which no thumbnail can be made */
export function noThumbnail(): MatrixError {
  return errors.unknown("No thumbnail can be made of that file", 400);
}

export { ChildDied };
