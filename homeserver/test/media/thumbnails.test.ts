import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sizeFor } from "../../src/media/sizes.ts";
import type { ThumbnailRequest } from "../../src/media/types.ts";
import { errcodeOf } from "../users/support.ts";
import { bytesOf, local, openMedia, remote, upload, type TestMedia } from "./support.ts";

let t: TestMedia;
let photo: string;
beforeAll(async () => {
  t = await openMedia({ maxPixels: 4_000_000 });
  photo = await upload(t.media, await jpeg(1200, 900), "image/jpeg", "photo.jpg");
});
afterAll(() => t.close());

const jpeg = (width: number, height: number) => solid(width, height).jpeg().toBuffer();
function solid(width: number, height: number, alpha = 1) {
  const background = { r: 200, g: 30, b: 30, alpha };
  return sharp({ create: { width, height, channels: alpha === 1 ? 3 : 4, background } });
}
const wanted = (width: number, height: number, more: Partial<ThumbnailRequest> = {}) => ({
  width,
  height,
  method: "scale" as const,
  animated: false,
  ...more,
});

async function thumbnail(mediaId: string, request: ThumbnailRequest) {
  const file = await t.media.thumbnail(local(mediaId), request);
  const { width, height, format, pages } = await sharp(await bytesOf(file)).metadata();
  return { width, height, format, pages: pages ?? 1, contentType: file.contentType };
}

test.each([
  ["scale", 30, 30, 32, 32],
  ["scale", 96, 96, 96, 96],
  ["scale", 97, 20, 320, 240],
  ["scale", 800, 800, 1600, 1200],
  ["crop", 64, 64, 96, 96],
  ["crop", 200, 200, 320, 320],
  ["crop", 200, 150, 320, 240],
  ["crop", 300, 100, 320, 240],
  ["crop", 801, 1, undefined, undefined],
] as const)("%s to %i x %i is made in %s x %s", (method, width, height, w, h) => {
  expect(sizeFor({ width, height, method, animated: false })).toEqual(
    w === undefined ? undefined : { width: w, height: h },
  );
});

describe("thumbnails", () => {
  test("scale keeps the shape, crop gives the shape that is asked for", async () => {
    const contentType = "image/jpeg";
    const format = "jpeg";
    expect(await thumbnail(photo, wanted(300, 200))).toMatchObject({
      width: 320,
      height: 240,
      format,
      contentType,
    });
    expect(await thumbnail(photo, wanted(60, 60, { method: "crop" }))).toMatchObject({
      width: 96,
      height: 96,
    });
  });

  test("are made once for all who ask, and kept", async () => {
    const mediaId = await upload(t.media, await jpeg(1000, 999), "image/jpeg");
    const before = await t.countFiles();
    await Promise.all([1, 2, 3].map(() => thumbnail(mediaId, wanted(32, 32))));
    await thumbnail(mediaId, wanted(20, 20));
    expect(await t.countFiles()).toBe(before + 1);
  });

  test("are never enlarged: a small image is its own thumbnail, by the type of its bytes", async () => {
    const original = await jpeg(50, 40);
    const mediaId = await upload(t.media, original, "application/octet-stream");
    const file = await t.media.thumbnail(local(mediaId), wanted(320, 240));
    expect(file.contentType).toBe("image/jpeg");
    expect((await bytesOf(file)).equals(original)).toBe(true);
  });

  test("larger than the largest size are the original", async () => {
    expect(await thumbnail(photo, wanted(5000, 5000))).toMatchObject({ width: 1200, height: 900 });
  });

  test("of transparent images are PNG, and turned as the camera was held", async () => {
    const clear = await upload(t.media, await solid(500, 500, 0.5).png().toBuffer(), "image/png");
    expect(await thumbnail(clear, wanted(96, 96))).toMatchObject({ format: "png", width: 96 });
    const turned = await solid(800, 400).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const mediaId = await upload(t.media, turned, "image/jpeg");
    expect(await thumbnail(mediaId, wanted(320, 240))).toMatchObject({ width: 120, height: 240 });
  });

  test("move only when that is asked for", async () => {
    const frames = await Promise.all(
      ["red", "green", "blue"].map((background) =>
        sharp({ create: { width: 200, height: 200, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const gif = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const mediaId = await upload(t.media, gif, "image/gif");
    expect(await thumbnail(mediaId, wanted(96, 96))).toMatchObject({ pages: 1 });
    expect(await thumbnail(mediaId, wanted(320, 240))).toMatchObject({ pages: 1, width: 200 });
    const moving = await thumbnail(mediaId, wanted(96, 96, { animated: true }));
    expect(moving).toMatchObject({ pages: 3, contentType: "image/webp" });
  });

  test("of bombs are M_TOO_LARGE: 413 for ours, 502 for other servers'", async () => {
    const bomb = await jpeg(3000, 3000);
    await expect(
      thumbnail(await upload(t.media, bomb, "image/jpeg"), wanted(32, 32)),
    ).rejects.toMatchObject({
      status: 413,
      errcode: "M_TOO_LARGE",
    });
    const { Readable } = await import("node:stream");
    t.remoteFiles.set("bomb", { body: Readable.from([bomb]) });
    await expect(t.media.thumbnail(remote("bomb"), wanted(32, 32))).rejects.toMatchObject({
      status: 502,
      errcode: "M_TOO_LARGE",
    });
  });

  test.each([
    ["text", "hello"],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'],
    ["half an image", "\xff\xd8\xff\xe0\x00\x10JFIF"],
    ["nothing", ""],
  ])("of %s cannot be made", async (_name, text) => {
    const mediaId = await upload(t.media, Buffer.from(text, "latin1"), "image/jpeg");
    expect(await errcodeOf(thumbnail(mediaId, wanted(32, 32)))).toBe("M_UNKNOWN");
  });
});
