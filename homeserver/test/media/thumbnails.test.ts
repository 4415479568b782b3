import { Readable } from "node:stream";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { sizeFor } from "../../src/media/sizes.ts";
import { bytesOf, local, remote, upload } from "./support.ts";
import { jpeg, photo, solid, t, thumbnail, wanted } from "./images.ts";

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
});
