import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOOK_BYTES, memoryFor, type Target } from "../../src/media/image-facts.ts";
import { createImageTools, type ImageTools } from "../../src/media/image-tools.ts";
import { ChildDied } from "../../src/platform/child-pool.ts";
import { local, openMedia, type TestMedia, upload } from "./support.ts";
import { apngOf, chunk, pngOf } from "./png.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

const MIB = 1024 * 1024;
const isLinux = process.platform === "linux";

let folder: string;
let t: TestMedia;
beforeAll(async () => {
  folder = makeTemporaryFolder("weft-images-");
  t = await openMedia();
});
afterAll(async () => {
  await t.close();
  await rm(folder, { recursive: true, force: true });
});

/** Bytes of memory that the process has had at most since it was last asked, beyond those that it had then. */
function meter(pid: number): () => number {
  const read = (name: string) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
  };
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = read("VmRSS");
  return () => read("VmHWM") - before;
}

async function withTools(run: (tools: ImageTools) => Promise<void>): Promise<void> {
  const tools = createImageTools(320 * MIB);
  try {
    // The process and its libraries are there.
    const small = join(folder, "small.png");
    await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } }).toFile(small);
    const target = { width: 5, height: 5, method: "crop", animated: false } as const;
    await tools.make(small, await tools.look(small), target);
    await run(tools);
  } finally {
    await tools.close();
  }
}

/** What compresses badly, so that a decoder has to do with all of it. */
const random = randomBytes(1500 * 1500 * 4);
function noise(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  const pixels = random.subarray(0, width * height * channels);
  return sharp(pixels, { raw: { width, height, channels } });
}

const frames = () =>
  Promise.all([1, 2, 3, 4, 5].map(() => noise(400, 400).png({ compressionLevel: 1 }).toBuffer()));

/** Pictures that lie over one another. */
function movingPng(): Buffer {
  const picture = { width: 1200, height: 1200, colour: [200, 100, 50, 128], isOver: true } as const;
  return apngOf([picture, { ...picture, dispose: 2 }, picture, picture, picture]);
}

const images: [string, () => Promise<Buffer>][] = [
  ["JPEG", () => noise(1500, 1500).jpeg().toBuffer()],
  ["progressive JPEG", () => noise(1500, 1500).jpeg({ progressive: true }).toBuffer()],
  [
    "progressive JPEG in full colour",
    () => noise(1500, 1500).jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer(),
  ],
  ["turned JPEG", () => noise(1500, 1500).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
  ["PNG", () => noise(1500, 1500).png({ compressionLevel: 1 }).toBuffer()],
  [
    "turned PNG",
    () =>
      noise(1500, 1400).withMetadata({ orientation: 8 }).png({ compressionLevel: 1 }).toBuffer(),
  ],
  [
    "interlaced PNG",
    () => noise(1500, 1500, 4).png({ progressive: true, compressionLevel: 1 }).toBuffer(),
  ],
  [
    "interlaced PNG of 16 bits",
    () =>
      noise(1200, 1200, 4)
        .toColourspace("rgb16")
        .png({ progressive: true, compressionLevel: 1 })
        .toBuffer(),
  ],
  ["WebP", () => noise(1500, 1500).webp({ effort: 0 }).toBuffer()],
  ["lossless WebP", () => noise(1200, 1200, 4).webp({ lossless: true, effort: 0 }).toBuffer()],
  ["GIF", () => noise(1500, 1500).gif({ effort: 1, dither: 0 }).toBuffer()],
  ["AVIF", () => noise(1200, 1200).avif({ effort: 0 }).toBuffer()],
  [
    "moving GIF",
    async () =>
      sharp(await frames(), { join: { animated: true } })
        .gif({ effort: 1 })
        .toBuffer(),
  ],
  ["moving PNG", () => Promise.resolve(movingPng())],
  [
    "moving WebP",
    async () =>
      sharp(await frames(), { join: { animated: true } })
        .webp({ effort: 0 })
        .toBuffer(),
  ],
];

describe.runIf(isLinux)("the memory that is set apart is enough", () => {
  test.each(images)("for a thumbnail of a %s", async (name, make) => {
    const path = join(folder, name);
    await writeFile(path, await make());
    await withTools(async (tools) => {
      const facts = await tools.look(path);
      const targets: Target[] = [
        { width: 96, height: 96, method: "crop", animated: facts.canAnimate },
        {
          width: facts.width - 1,
          height: facts.height - 1,
          method: "crop",
          animated: facts.canAnimate,
        },
      ];
      for (const target of targets) {
        const used = meter(tools.pid!);
        await tools.make(path, facts, target);
        expect(used(), `${target.width} pixels across`).toBeLessThan(memoryFor(facts, target));
      }
    });
  });
});

/** Half a megabyte that says it has 119 million pixels. */
const bomb = () => pngOf({ width: 10_900, height: 10_900, depth: 8, isInterlaced: true });

describe("bombs", () => {
  test("an interlaced PNG of 119 megapixels is refused before it is decoded", async () => {
    const bytes = bomb();
    expect(bytes.length).toBeLessThan(600_000);
    const path = join(folder, "bomb.png");
    await writeFile(path, bytes);
    await withTools(async (tools) => {
      const used = isLinux ? meter(tools.pid!) : () => 0;
      const facts = await tools.look(path);
      expect(facts).toMatchObject({ width: 10_900, isProgressive: true, format: "png" });
      expect(used()).toBeLessThan(LOOK_BYTES);
      const target = { width: 96, height: 96, method: "crop", animated: false } as const;
      expect(memoryFor(facts, target)).toBeGreaterThan(320 * MIB);
    });
    const mediaId = await upload(t.media, bytes, "image/png");
    const wanted = { width: 96, height: 96, method: "crop", animated: false } as const;
    await expect(t.media.thumbnail(local(mediaId), wanted)).rejects.toMatchObject({
      status: 413,
      errcode: "M_TOO_LARGE",
    });
  });

  test("a PNG with texts that unpack to gigabytes is refused before they are unpacked", async () => {
    const text = Buffer.concat([Buffer.from("k\0\0"), deflateSync(Buffer.alloc(7_900_000))]);
    const texts = Array.from({ length: 400 }, () => chunk("zTXt", text));
    const bytes = pngOf({ width: 500, height: 500, depth: 8, isInterlaced: false }, texts);
    const path = join(folder, "texts.png");
    await writeFile(path, bytes);
    await withTools(async (tools) => {
      const used = isLinux ? meter(tools.pid!) : () => 0;
      await expect(tools.look(path)).rejects.toMatchObject({ errcode: "M_TOO_LARGE" });
      expect(used()).toBeLessThan(LOOK_BYTES);
    });
  });

  test("a process that dies is started anew, and the server goes on", async () => {
    const path = join(folder, "good.png");
    await writeFile(path, await noise(1500, 1500).png({ compressionLevel: 1 }).toBuffer());
    await withTools(async (tools) => {
      const pid = tools.pid!;
      const dying = tools.look(path);
      process.kill(pid, "SIGKILL");
      await expect(dying).rejects.toThrow(ChildDied);
      expect(await tools.look(path)).toMatchObject({ width: 1500 });
      expect(tools.pid).not.toBe(pid);
    });
  });
});
