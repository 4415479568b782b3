import { createSemaphore } from "../platform/semaphore.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors } from "../protocol/errors.ts";
import * as storage from "../storage/media.ts";
import type { Sql } from "../storage/sql.ts";
import type { FileStore } from "./file-store.ts";
import { resize } from "./resize.ts";
import { sizeFor } from "./sizes.ts";
import type { ThumbnailRequest } from "./types.ts";

/** Thumbnails of files in the store: made once and kept. */
export interface Thumbnails {
  /**
   * Where the thumbnail lies; sha256 null: the original serves.
   * @throws MatrixError M_UNKNOWN 400, M_TOO_LARGE 413, M_LIMIT_EXCEEDED 429
   */
  of(source: Buffer, wanted: ThumbnailRequest): Promise<storage.ThumbnailRow>;
}

export interface ThumbnailsDeps {
  sql: Sql;
  files: FileStore;
  /** How many are made at once; each holds an image in memory. */
  concurrency?: number;
  /** Most pixels of an image. */
  maxPixels?: number;
}

const MAX_WAITING = 200;
const MAX_PIXELS = 120_000_000;
const MAX_BYTES = 16 * 1024 * 1024;

export function createThumbnails(deps: ThumbnailsDeps): Thumbnails {
  const { sql, files } = deps;
  const slots = createSemaphore(deps.concurrency ?? 2, MAX_WAITING);
  const flights = createSingleFlight<string, storage.ThumbnailRow>();
  const maxPixels = deps.maxPixels ?? MAX_PIXELS;

  async function make(key: storage.ThumbnailKey): Promise<storage.ThumbnailRow> {
    const release = await slots.acquire();
    if (release === undefined) throw errors.limitExceeded(2000, "Too many thumbnails at once");
    try {
      const { width, height, animated } = key;
      const method = key.method === "crop" ? "crop" : "scale";
      const options = { size: { width, height }, method, animated, maxPixels } as const;
      const made = await resize(files.path(key.source), options);
      return made.content === undefined
        ? await remember(key, { sha256: null, contentType: made.contentType, size: 0 })
        : await keep(key, made.content, made.contentType);
    } finally {
      release();
    }
  }

  async function keep(
    key: storage.ThumbnailKey,
    content: Buffer,
    contentType: string,
  ): Promise<storage.ThumbnailRow> {
    const staged = await files.stage(content, MAX_BYTES);
    const row = { sha256: staged.sha256, contentType, size: staged.size };
    try {
      await sql.begin(async (tx) => {
        await storage.lockFile(tx, staged.sha256);
        await staged.keep();
        await storage.insertThumbnail(tx, key, row);
      });
    } finally {
      await staged.discard();
    }
    return row;
  }

  async function remember(
    key: storage.ThumbnailKey,
    row: storage.ThumbnailRow,
  ): Promise<storage.ThumbnailRow> {
    await storage.insertThumbnail(sql, key, row);
    return row;
  }

  return {
    async of(source, wanted) {
      const size = sizeFor(wanted);
      if (size === undefined) return { sha256: null, contentType: "", size: 0 };
      const key = { source, ...size, method: wanted.method, animated: wanted.animated };
      const known = await storage.findThumbnail(sql, key);
      if (known && (known.sha256 === null || (await files.has(known.sha256)))) return known;
      const name = `${source.toString("hex")} ${size.width}x${size.height} ${wanted.method} ${wanted.animated}`;
      return await flights.run(name, () => make(key));
    },
  };
}
