import type { ThumbnailRequest } from "./types.ts";

/** A size that thumbnails are made in. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Fitted into, keeping the image's shape. The first ones are those that the specification
 * recommends.
 */
const SCALE: readonly Size[] = [
  { width: 32, height: 32 },
  { width: 96, height: 96 },
  { width: 320, height: 240 },
  { width: 640, height: 480 },
  { width: 800, height: 600 },
  { width: 1600, height: 1200 },
];

/** Cut to: squares, and the shapes of the sizes above. */
const CROP: readonly Size[] = [
  { width: 32, height: 32 },
  { width: 96, height: 96 },
  { width: 320, height: 240 },
  { width: 320, height: 320 },
  { width: 640, height: 480 },
  { width: 640, height: 640 },
  { width: 800, height: 600 },
  { width: 800, height: 800 },
];

/**
 * The least size of the table that is as large as what is asked for, so that nobody can have
 * thousands of variants made; for crop one of the same shape only. Undefined: the table has none.
 */
export function sizeFor({ width, height, method }: ThumbnailRequest): Size | undefined {
  const table = method === "crop" ? CROP : SCALE;
  const covering = table.filter((size) => size.width >= width && size.height >= height);
  const alike = covering.find((size) => size.width * height === size.height * width);
  return method === "crop" ? alike : (alike ?? covering[0]);
}
