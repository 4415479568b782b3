/** Images that move, that are too large, or that are none. */
import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { errcodeOf } from "../users/support.ts";
import { bytesOf, local, remote, upload } from "./support.ts";
import { jpeg, solid, t, thumbnail, wanted } from "./images.ts";

describe("thumbnails", () => {
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
