import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import { nameOf } from "./disk.ts";
import { createS3Client, S3Refusal, type S3Settings } from "./s3-client.ts";
import { createS3Sender } from "./s3-multipart.ts";
import { type Blobs, type ByteRange, FileMissing, StoreAway } from "./types.ts";

export interface S3BlobsDeps {
  readonly settings: S3Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A folder of this machine for files that are looked at. */
  readonly folder: string;
}

/** How many files are remembered to be there, and how long, ms. */
const MAX_KNOWN = 10_000;
const KNOWN_MS = 600_000;

/** Files in a bucket of S3, or of what speaks like it. */
export function createS3Blobs(deps: S3BlobsDeps): Blobs {
  const { settings, clock, random, logger } = deps;
  const client = createS3Client(settings, clock);
  const sender = createS3Sender(client, settings.prefix);
  const known = new LRUCache<string, true>({ max: MAX_KNOWN, ttl: KNOWN_MS, perf: perfOf(clock) });

  /** A refusal is for the operator, who finds it in the log; clients are told that it is away. */
  async function noted<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof StoreAway) logger.error({ err: error }, "the media store is away");
      throw error;
    }
  }

  async function open(sha256: Buffer, range?: ByteRange): Promise<Readable> {
    const name = nameOf(sha256);
    try {
      const answer = await client.send({ method: "GET", name, range });
      const isPart = answer.statusCode === 206;
      if (isPart === (range !== undefined)) return answer.body;
      answer.body.on("error", () => undefined).destroy();
      throw new StoreAway(`the media store answered ${answer.statusCode} to a range`);
    } catch (error) {
      throw isMissing(error) ? new FileMissing("the file is not in the bucket") : error;
    }
  }

  async function has(sha256: Buffer): Promise<boolean> {
    const name = nameOf(sha256);
    try {
      const answer = await client.send({ method: "HEAD", name });
      await answer.body.dump();
      known.set(name, true);
      return true;
    } catch (error) {
      known.delete(name);
      if (error instanceof S3Refusal && error.status === 404) return false;
      throw error;
    }
  }

  async function remove(name: string): Promise<void> {
    known.delete(name);
    try {
      const answer = await client.send({ method: "DELETE", name });
      await answer.body.dump();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  return {
    put: (sha256, path, size) => noted(sender.send(nameOf(sha256), path, size)),
    open: (sha256, range) => noted(open(sha256, range)),
    has: (sha256, { surely = false } = {}) =>
      !surely && known.has(nameOf(sha256)) ? Promise.resolve(true) : noted(has(sha256)),
    remove: (sha256) => noted(remove(nameOf(sha256))),

    async local(sha256, work) {
      const path = join(deps.folder, Buffer.from(random.bytes(12)).toString("hex"));
      try {
        const content = await noted(open(sha256));
        await pipeline(content, createWriteStream(path, { mode: 0o600 }));
        return await work(path);
      } finally {
        await rm(path, { force: true });
      }
    },

    async sweep(before) {
      // Whoever set the bucket up learns at the start whether it can be reached.
      await noted(client.send({ method: "HEAD" }));
      await sender.abortOld(before).catch((error: unknown) => {
        // Some stores have no such list; they clear away themselves.
        if (!(error instanceof S3Refusal)) throw error;
        logger.debug({ err: error }, "the media store lists no uploads under way");
      });
    },

    close: () => client.close(),
  };
}

const isMissing = (error: unknown) =>
  error instanceof S3Refusal && error.status === 404 && error.code !== "NoSuchBucket";

const perfOf = (clock: Clock) => ({ now: () => clock.monotonic() });
