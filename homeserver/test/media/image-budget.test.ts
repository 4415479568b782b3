import { systemClock } from "../../src/platform/clock.ts";
import sharp from "sharp";
import { afterEach, expect, test } from "vitest";
import { memoryFor } from "../../src/media/image-facts.ts";
import type { ImageFacts } from "../../src/media/image-facts.ts";
import type { ImageTools } from "../../src/media/image-tools.ts";
import { ChildDied } from "../../src/platform/child-pool.ts";
import { openStore } from "../../src/media/store/index.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createThumbnails } from "../../src/media/thumbnails.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { errcodeOf } from "../users/support.ts";
import { rm } from "node:fs/promises";
import { freshDatabase } from "../support/database.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { nextTurn } from "../support/wait.ts";

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const FACTS: ImageFacts = {
  format: "png",
  storedWidth: 4000,
  storedHeight: 3000,
  width: 4000,
  height: 3000,
  inlineType: "image/png",
  frames: 1,
  isAnimated: false,
  canAnimate: false,
  isProgressive: true,
  channels: 3,
  sampleBytes: 1,
  chroma: 2,
  hasAlpha: false,
  isTurned: false,
  compressedParts: 0,
  fileBytes: 1000,
};
const TARGET = { width: 96, height: 96, method: "crop", animated: false } as const;
const BYTES = memoryFor(FACTS, TARGET);

async function open(total: number, make: ImageTools["make"]) {
  const database = await freshDatabase();
  const folder = makeTemporaryFolder("weft-media-");
  cleanUp.push(
    () => database.close(),
    () => rm(folder, { recursive: true, force: true }),
  );
  const files = await openStore({
    ...{ sql: database.sql, clock: systemClock, random: systemRandom },
    ...{ logger: silentLogger(), dataDir: folder },
  });
  cleanUp.push(() => files.stop());
  const tools = { look: async () => FACTS, make, pid: 1, close: async () => undefined };
  return createThumbnails({ sql: database.sql, files, maxImageMemory: total, tools });
}

const source = (n: number) => Buffer.alloc(32, n);
const content = await sharp({ create: { width: 96, height: 96, channels: 3, background: "red" } })
  .jpeg()
  .toBuffer();

test("images that together would take more than all the memory are decoded one after another", async () => {
  let running = 0;
  let most = 0;
  const thumbnails = await open(BYTES * 2 - 1, async () => {
    most = Math.max(most, (running += 1));
    await nextTurn();
    running -= 1;
    return { content, contentType: "image/jpeg" };
  });
  await Promise.all([1, 2, 3, 4].map((n) => thumbnails.of(source(n), TARGET)));
  expect(most).toBe(1);
});

test("an image that takes more than all the memory alone is refused", async () => {
  const thumbnails = await open(BYTES - 1, async () => expect.unreachable());
  expect(await errcodeOf(thumbnails.of(source(1), TARGET))).toBe("M_TOO_LARGE");
});

test("an image by which the process died beside another is tried alone; one that kills it alone is not tried again", async () => {
  const tried: number[] = [];
  const thumbnails = await open(BYTES * 3, async (path) => {
    const n = Number.parseInt(path.slice(-2), 16);
    tried.push(n);
    if (n === 2 || tried.filter((each) => each === n).length === 1) throw new ChildDied("gone");
    return { content, contentType: "image/jpeg" };
  });
  const [good, bad] = await Promise.allSettled([1, 2].map((n) => thumbnails.of(source(n), TARGET)));
  expect(good).toMatchObject({ status: "fulfilled", value: { contentType: "image/jpeg" } });
  expect(bad).toMatchObject({ status: "rejected", reason: { errcode: "M_UNKNOWN", status: 400 } });
  const before = tried.length;
  expect(await errcodeOf(thumbnails.of(source(2), TARGET))).toBe("M_UNKNOWN");
  expect(tried).toHaveLength(before);
});
