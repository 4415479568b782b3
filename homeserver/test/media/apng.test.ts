import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { readApng } from "../../src/media/apng.ts";
import { bytesOf, local, upload } from "./support.ts";
import { t, wanted } from "./images.ts";
import { apngOf, type MovingPicture } from "./png.ts";

const RED = [255, 0, 0, 255] as const;
const GREEN = [0, 255, 0, 255] as const;
const HALF_BLUE = [0, 0, 255, 128] as const;
const whole = { width: 200, height: 200 };
const corner = { width: 100, height: 100 };

async function moving(pictures: readonly MovingPicture[], plays = 0) {
  const mediaId = await upload(t.media, apngOf(pictures, plays), "image/png");
  const made = await t.media.thumbnail(local(mediaId), wanted(96, 96, { animated: true }));
  const bytes = await bytesOf(made);
  const metadata = await sharp(bytes, { pages: -1 }).metadata();
  const { data, info } = await sharp(bytes, { pages: -1 })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const height = info.pageHeight ?? info.height;
  /** Red, green, blue and opacity in a picture, where 1 is the far end. */
  const at = (picture: number, x: number, y: number) => {
    const [column, row] = [Math.round(x * (info.width - 1)), Math.round(y * (height - 1))];
    return [...data.subarray(((picture * height + row) * info.width + column) * 4).subarray(0, 4)];
  };
  return { made, metadata, at };
}

/** Colours are a little off in the result. */
function expectNear(found: readonly number[], wished: readonly number[]): void {
  for (const [i, value] of wished.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(25);
}

describe("a PNG that moves", () => {
  test("has a thumbnail that moves, as often and as fast", async () => {
    const { made, metadata, at } = await moving(
      [
        { ...whole, colour: RED, delay: 10 },
        { ...whole, colour: GREEN, delay: 0 },
      ],
      3,
    );
    expect(made.contentType).toBe("image/webp");
    expect(metadata).toMatchObject({ pages: 2, width: 96, pageHeight: 96, loop: 3 });
    expect(metadata.delay).toEqual([100, 100]);
    expectNear(at(0, 0.5, 0.5), RED);
    expectNear(at(1, 0.5, 0.5), GREEN);
  });

  test("puts its pictures where they belong, and takes them away again", async () => {
    const { at } = await moving([
      { ...whole, colour: RED },
      { ...corner, x: 100, y: 100, colour: GREEN, dispose: 2 },
      { ...corner, colour: HALF_BLUE, isOver: true, dispose: 1 },
      { width: 10, height: 10, x: 100, colour: GREEN },
    ]);
    expectNear(at(1, 0.2, 0.2), RED);
    expectNear(at(1, 0.8, 0.8), GREEN);
    expectNear(at(2, 0.8, 0.8), RED);
    expectNear(at(2, 0.2, 0.2), [127, 0, 128, 255]);
    expect(at(3, 0.2, 0.2)[3]).toBe(0);
    expectNear(at(3, 0.2, 0.8), RED);
  });

  test("stands still when nobody asks that it moves", async () => {
    const pictures = [RED, GREEN].map((colour) => ({ ...whole, colour }));
    const mediaId = await upload(t.media, apngOf(pictures), "image/png");
    const made = await t.media.thumbnail(local(mediaId), wanted(96, 96));
    expect(made.contentType).toBe("image/png");
    expect((await bytesOf(made)).includes("acTL")).toBe(false);
  });

  test.each([
    [
      "a picture beyond the edge",
      [
        { ...whole, colour: RED },
        { ...whole, x: 1, colour: RED },
      ],
    ],
    [
      "a picture without a pixel",
      [
        { ...whole, colour: RED },
        { width: 0, height: 5, colour: RED },
      ],
    ],
    ["one picture", [{ ...whole, colour: RED }]],
  ] as const)("that has %s is broken, and stands still", async (_what, pictures) => {
    expect(readApng(apngOf(pictures))).toBeUndefined();
    const { metadata } = await moving(pictures);
    expect(metadata.pages ?? 1).toBe(1);
  });

  test("that breaks off is none", () => {
    const file = apngOf([RED, GREEN].map((colour) => ({ ...whole, colour })));
    for (let length = 0; length < file.length; length += 7) {
      const found = readApng(file.subarray(0, length));
      expect(found?.frames.length ?? 2).toBe(2);
    }
  });
});
