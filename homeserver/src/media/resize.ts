import type { Metadata, Sharp } from "sharp";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { Size } from "./sizes.ts";
import type { ThumbnailMethod } from "./types.ts";

/** A thumbnail's bytes; without any when the image itself is small enough and of a safe type. */
export interface Resized {
  readonly content: Buffer | undefined;
  readonly contentType: string;
}

export interface ResizeOptions {
  readonly size: Size;
  readonly method: ThumbnailMethod;
  readonly animated: boolean;
  /** Most pixels of an image, all frames together. */
  readonly maxPixels: number;
}

/** Image formats that are read, and the type by which the original can be served; null: only as a thumbnail. */
const FORMATS: Record<string, string | null> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  heif: null,
};
/** The decoders behind them. All others, such as those for SVG and PDF, are not to see a stranger's bytes. */
const LOADERS = ["Jpeg", "Png", "Webp", "Nsgif", "Heif"].flatMap((name) => [
  `VipsForeignLoad${name}File`,
  `VipsForeignLoad${name}Buffer`,
]);
const TIMEOUT_SECONDS = 20;

let loading: Promise<typeof import("sharp").default> | undefined;

/** The library takes 30 MB: it is loaded by the first thumbnail. */
function loadSharp(): Promise<typeof import("sharp").default> {
  loading ??= import("sharp").then(({ default: sharp }) => {
    sharp.cache(false);
    // One thread an image; several images at once are the caller's choice.
    sharp.concurrency(1);
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({ operation: LOADERS });
    return sharp;
  });
  return loading;
}

/**
 * Makes a thumbnail of the image in a file, in the library's thread pool. Never enlarges; metadata are left out.
 * @throws MatrixError M_UNKNOWN 400 for what is no image that is understood, M_TOO_LARGE 413
 */
export async function resize(path: string, options: ResizeOptions): Promise<Resized> {
  const sharp = await loadSharp();
  try {
    const metadata = await sharp(path, { limitInputPixels: false }).metadata();
    const frames = checked(metadata, options.maxPixels);
    const isAnimated = options.animated && frames > 1;
    const safeType = FORMATS[metadata.format];
    if (safeType && isSmall(metadata, options.size) && (isAnimated || frames === 1)) {
      return { content: undefined, contentType: safeType };
    }
    const image = sharp(path, {
      limitInputPixels: options.maxPixels,
      sequentialRead: true,
      ...(isAnimated ? { pages: -1 } : {}),
    });
    return await render(image, metadata, options, isAnimated);
  } catch (error) {
    if (error instanceof MatrixError) throw error;
    throw errors.unknown("No thumbnail can be made of that file", 400);
  }
}

/** The number of frames. @throws MatrixError */
function checked(metadata: Metadata, maxPixels: number): number {
  const { format, width, height } = metadata;
  if (format === undefined || !(format in FORMATS) || !width || !height) {
    throw errors.unknown("No thumbnail can be made of that type of file", 400);
  }
  if (width * height > maxPixels) throw errors.tooLarge("The image is too large for a thumbnail");
  return metadata.pages ?? 1;
}

function isSmall({ width, height, orientation }: Metadata, size: Size): boolean {
  const isTurned = (orientation ?? 1) >= 5;
  const [w, h] = isTurned ? [height, width] : [width, height];
  return w <= size.width && h <= size.height;
}

async function render(
  image: Sharp,
  metadata: Metadata,
  options: ResizeOptions,
  isAnimated: boolean,
): Promise<Resized> {
  const { size, method } = options;
  const sized = image
    .timeout({ seconds: TIMEOUT_SECONDS })
    .autoOrient()
    .resize({
      width: size.width,
      height: size.height,
      fit: method === "crop" ? "cover" : "inside",
      withoutEnlargement: true,
    });
  if (isAnimated) {
    return { content: await sized.webp({ quality: 80 }).toBuffer(), contentType: "image/webp" };
  }
  if (metadata.hasAlpha) {
    return { content: await sized.png().toBuffer(), contentType: "image/png" };
  }
  return { content: await sized.jpeg({ quality: 82 }).toBuffer(), contentType: "image/jpeg" };
}
