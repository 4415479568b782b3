import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
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
  ["crop", 300, 100, undefined, undefined],
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

  test.each([
    // image, wanted, method → thumbnail
    [400, 200, 100, 100, "crop", 200, 200],
    [400, 200, 200, 200, "crop", 200, 200],
    [400, 200, 64, 64, "crop", 96, 96],
    [400, 200, 90, 30, "crop", 90, 30],
    [400, 200, 30, 90, "crop", 30, 90],
    [400, 200, 320, 240, "crop", 264, 198],
    [400, 200, 300, 300, "crop", 200, 200],
    [400, 200, 1000, 100, "crop", 400, 40],
    [400, 200, 100, 1000, "crop", 20, 200],
    [1200, 900, 900, 300, "crop", 900, 300],
    [1200, 900, 1200, 900, "crop", 1200, 900],
    [400, 200, 500, 500, "crop", 400, 200],
    [50, 40, 96, 96, "crop", 50, 40],
    [400, 200, 100, 100, "scale", 320, 160],
    [400, 200, 32, 32, "scale", 32, 16],
    [400, 200, 96, 32, "scale", 96, 48],
    [400, 200, 640, 480, "scale", 400, 200],
    [400, 200, 399, 10, "scale", 400, 200],
    [9, 1000, 640, 480, "scale", 4, 480],
  ] as const)("of %i x %i in %i x %i by %s has %i x %i pixels", async (...row) => {
    const [width, height, w, h, method, thumbnailWidth, thumbnailHeight] = row;
    const mediaId = await upload(t.media, await jpeg(width, height), "image/jpeg");
    const made = await thumbnail(mediaId, wanted(w, h, { method }));
    expect(made).toMatchObject({ width: thumbnailWidth, height: thumbnailHeight });
  });

  test("of another server's image have the same shapes", async () => {
    t.remoteFiles.set("wide", { body: Readable.from([await jpeg(400, 200)]) });
    const file = await t.media.thumbnail(remote("wide"), wanted(100, 100, { method: "crop" }));
    expect(await sharp(await bytesOf(file)).metadata()).toMatchObject({ width: 200, height: 200 });
  });

  test("in ever other shapes are made for whoever asks, and kept for some", async () => {
    const mediaId = await upload(t.media, await jpeg(300, 300), "image/jpeg");
    const rows = () => t.sql`SELECT FROM thumbnails JOIN media ON media.sha256 = source
      WHERE media_id = ${mediaId}`;
    const before = await t.countFiles();
    for (let width = 101; width < 141; width += 1) {
      const made = await thumbnail(mediaId, wanted(width, 100, { method: "crop" }));
      expect(made).toMatchObject({ width, height: 100 });
    }
    expect(await rows()).toHaveLength(32);
    expect(await t.countFiles()).toBe(before + 32);
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

  test("of PNG and of transparent images are PNG, and turned as the camera was held", async () => {
    for (const image of [
      solid(500, 500).png(),
      solid(500, 500, 0.5).png(),
      solid(500, 500, 0.5).webp(),
    ]) {
      const mediaId = await upload(t.media, await image.toBuffer());
      expect(await thumbnail(mediaId, wanted(96, 96))).toMatchObject({ format: "png", width: 96 });
    }
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
    const whole = await thumbnail(mediaId, wanted(320, 240, { animated: true }));
    expect(whole).toMatchObject({ pages: 3, contentType: "image/gif" });
    expect(await thumbnail(mediaId, wanted(5000, 5000))).toMatchObject({ pages: 1, width: 200 });
    const square = await thumbnail(mediaId, wanted(80, 40, { animated: true, method: "crop" }));
    expect(square).toMatchObject({ pages: 3, width: 80, height: 40 });
  });

  test("of a PNG that moves stand still, also where the image is small", async () => {
    const mediaId = await upload(t.media, animatedPng(await solid(40, 40).png().toBuffer()));
    const still = await t.media.thumbnail(local(mediaId), wanted(96, 96));
    const bytes = await bytesOf(still);
    expect(bytes.includes("acTL")).toBe(false);
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 40, height: 40 });
    const moving = await t.media.thumbnail(local(mediaId), wanted(96, 96, { animated: true }));
    expect((await bytesOf(moving)).includes("acTL")).toBe(true);
  });

  test("of bombs are M_TOO_LARGE: 413 for ours, 502 for other servers'", async () => {
    const bomb = await jpeg(3000, 3000);
    await expect(
      thumbnail(await upload(t.media, bomb, "image/jpeg"), wanted(32, 32)),
    ).rejects.toMatchObject({
      status: 413,
      errcode: "M_TOO_LARGE",
    });
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

/** Says that the image has a second frame, before its pixels begin. */
function animatedPng(png: Buffer): Buffer {
  const control = Buffer.alloc(20);
  control.writeUInt32BE(8, 0);
  control.write("acTL", 4);
  control.writeUInt32BE(2, 8);
  control.writeUInt32BE(crc32(control.subarray(4, 16)), 16);
  const at = png.indexOf("IDAT") - 4;
  return Buffer.concat([png.subarray(0, at), control, png.subarray(at)]);
}
