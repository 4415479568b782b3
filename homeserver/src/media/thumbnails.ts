import { createBudget } from "../platform/budget.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors } from "../protocol/errors.ts";
import * as storage from "../storage/media/thumbnails.ts";
import type { Sql } from "../storage/sql.ts";
import type { FileStore } from "./store/files.ts";
import { FileTooLarge } from "./store/types.ts";
import { type ImageFacts, LOOK_BYTES, memoryFor, type Target } from "./image-facts.ts";
import { ChildDied, createImageTools, type ImageTools, noThumbnail } from "./image-tools.ts";
import { thumbnailFor } from "./shape.ts";
import type { ThumbnailRequest } from "./types.ts";

/** A thumbnail: a file in the store, or the image itself with its type. */
type Thumbnail = storage.ThumbnailRow | { sha256: null; contentType: string };

/** Thumbnails of files in the store: made once and kept. */
export interface Thumbnails {
  /** @throws MatrixError M_UNKNOWN 400, M_TOO_LARGE 413, M_LIMIT_EXCEEDED 429 */
  of(source: Buffer, wanted: ThumbnailRequest): Promise<Thumbnail>;
  /** What a file's head reveals of the image in it. @throws MatrixError as `of` */
  shape(source: Buffer): Promise<storage.ImageRow>;
  /** Ends the process in which images are decoded. */
  stop(): Promise<void>;
}

export interface ThumbnailsDeps {
  sql: Sql;
  files: FileStore;
  /** Limit on the memory for images decoded at the same time, in bytes (320 MiB). */
  maxImageMemory?: number;
  /** Most pixels of an image, all frames together (120 million): a bound on the work. */
  maxPixels?: number;
  /** The process that decodes, for tests. */
  tools?: ImageTools;
}

const MIB = 1024 * 1024;
const MAX_MEMORY = 320 * MIB;
const CONCURRENCY = 2;
const MAX_WAITING = 200;
const MAX_PIXELS = 120_000_000;
const MAX_BYTES = 16 * MIB;
/** Limit on thumbnails kept per image: any shape may be requested. */
const MAX_KEPT = 32;
/** Images that made the process die, remembered so that they are not tried again and again. */
const MAX_DEADLY = 1000;

export function createThumbnails(deps: ThumbnailsDeps): Thumbnails {
  const { sql, files } = deps;
  const total = deps.maxImageMemory ?? MAX_MEMORY;
  const tools = deps.tools ?? createImageTools(total);
  const budget = createBudget({ total, concurrency: CONCURRENCY, maxWaiting: MAX_WAITING });
  const flights = createSingleFlight<string, storage.ThumbnailRow>();
  const looks = createSingleFlight<string, ImageFacts>();
  const maxPixels = deps.maxPixels ?? MAX_PIXELS;
  const deadly = new Set<string>();

  /**
   * Runs work that takes this much memory. An image that makes the process die while decoded alone
   * is not tried again.
   */
  async function within<T>(source: Buffer, bytes: number, work: () => Promise<T>): Promise<T> {
    const name = source.toString("hex");
    try {
      return await holding(bytes, work);
    } catch (error) {
      if (!(error instanceof ChildDied)) throw error;
    }
    // Another image may have been at fault: try once more, alone.
    try {
      return await holding(total, work);
    } catch (error) {
      if (!(error instanceof ChildDied)) throw error;
      deadly.add(name);
      if (deadly.size > MAX_DEADLY) deadly.delete(deadly.values().next().value!);
      throw noThumbnail();
    }
  }

  async function holding<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const release = await budget.acquire(bytes);
    if (release === undefined) throw errors.limitExceeded(2000, "Too many thumbnails at once");
    try {
      return await work();
    } finally {
      release();
    }
  }

  function look(source: Buffer): Promise<ImageFacts> {
    const name = source.toString("hex");
    if (deadly.has(name)) throw noThumbnail();
    return looks.run(name, async () => {
      const look = () => files.local(source, (path) => tools.look(path));
      const facts = await within(source, LOOK_BYTES, look);
      await storage.insertImage(sql, source, facts);
      return facts;
    });
  }

  async function make(source: Buffer, wanted: Target): Promise<storage.ThumbnailRow> {
    const facts = await look(source);
    const target = affordable(facts, wanted);
    const bytes = memoryFor(facts, target);
    if (facts.storedWidth * facts.storedHeight > maxPixels || bytes > total) {
      throw errors.tooLarge("The image is too large for a thumbnail");
    }
    const work = () => files.local(source, (path) => tools.make(path, facts, target));
    const made = await within(source, bytes, work);
    return await keep({ source, ...wanted }, Buffer.from(made.content), made.contentType);
  }

  /** An animation that would take too much becomes a still image. */
  function affordable(facts: ImageFacts, target: Target): Target {
    const isTooMuch =
      !facts.canAnimate ||
      facts.storedWidth * facts.storedHeight * facts.frames > maxPixels ||
      memoryFor(facts, target) > total;
    return target.animated && isTooMuch ? { ...target, animated: false } : target;
  }

  async function keep(
    key: storage.ThumbnailKey,
    content: Buffer,
    contentType: string,
  ): Promise<storage.ThumbnailRow> {
    const staged = await files.stage(content, MAX_BYTES).catch((error: unknown) => {
      throw error instanceof FileTooLarge ? errors.tooLarge("The thumbnail is too large") : error;
    });
    const row = { sha256: staged.sha256, contentType, size: staged.size };
    try {
      await files.keep(staged, async (tx) => {
        const dropped = await storage.makeRoomForThumbnail(tx, key.source, MAX_KEPT);
        await storage.insertThumbnail(tx, key, row);
        return dropped;
      });
    } finally {
      await staged.discard();
    }
    return row;
  }

  async function shape(source: Buffer): Promise<storage.ImageRow> {
    return (await storage.findImage(sql, source)) ?? (await look(source));
  }

  return {
    shape,
    async of(source, wanted) {
      const known = await shape(source);
      const target = thumbnailFor(known, wanted);
      if (target === "original") return { sha256: null, contentType: known.inlineType! };
      const made = await storage.findThumbnail(sql, { source, ...target });
      if (made && (await files.has(made.sha256))) return made;
      const { width, height, method, animated } = target;
      const name = `${source.toString("hex")} ${width}x${height} ${method} ${animated}`;
      return await flights.run(name, () => make(source, target));
    },

    stop: () => tools.close(),
  };
}
