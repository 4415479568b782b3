/** Images, and thumbnails of them. */
import sharp from "sharp";
import { afterAll, beforeAll } from "vitest";
import type { ThumbnailRequest } from "../../src/media/types.ts";
import { bytesOf, local, openMedia, upload, type TestMedia } from "./support.ts";

export let t: TestMedia;
export let photo: string;

beforeAll(async () => {
  t = await openMedia({ maxPixels: 4_000_000 });
  photo = await upload(t.media, await jpeg(1200, 900), "image/jpeg", "photo.jpg");
});

afterAll(() => t.close());

export const jpeg = (width: number, height: number) => solid(width, height).jpeg().toBuffer();

export function solid(width: number, height: number, alpha = 1) {
  const background = { r: 200, g: 30, b: 30, alpha };
  return sharp({ create: { width, height, channels: alpha === 1 ? 3 : 4, background } });
}

export const wanted = (width: number, height: number, more: Partial<ThumbnailRequest> = {}) => ({
  width,
  height,
  method: "scale" as const,
  animated: false,
  ...more,
});

export async function thumbnail(mediaId: string, request: ThumbnailRequest) {
  const file = await t.media.thumbnail(local(mediaId), request);
  const { width, height, format, pages } = await sharp(await bytesOf(file)).metadata();
  return { width, height, format, pages: pages ?? 1, contentType: file.contentType };
}
