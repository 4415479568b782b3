import type { ThumbnailRequest } from "./types.ts";

/** A size that thumbnails are made in. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Fitted into, keeping the image's shape. The first ones are those that the specification recommends. */
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
 * The least size of the table that is as large as what is asked for, one of the same shape first; so that nobody
 * can have thousands of variants made. Undefined: larger than all of them, so the original serves.
 */
export function sizeFor({ width, height, method }: ThumbnailRequest): Size | undefined {
  const covering = (method === "crop" ? CROP : SCALE).filter(
    (size) => size.width >= width && size.height >= height,
  );
  return covering.find((size) => size.width * height === size.height * width) ?? covering[0];
}
