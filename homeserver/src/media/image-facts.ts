/** What an image's head reveals, without decoding pixels. */
export interface ImageFacts {
  readonly format: ImageFormat;
  /** Pixels as stored: width and height are swapped when the camera was held on its side. */
  readonly storedWidth: number;
  readonly storedHeight: number;
  /** Pixels as displayed. */
  readonly width: number;
  readonly height: number;
  /** The type by which the image itself can be served as a thumbnail; null: it cannot. */
  readonly inlineType: string | null;
  readonly frames: number;
  /** Whether it is animated, even if its frames cannot be decoded. */
  readonly isAnimated: boolean;
  /** Whether an animated thumbnail can be made. */
  readonly canAnimate: boolean;
  /** A progressive image: its decoder holds all of it. */
  readonly isProgressive: boolean;
  readonly channels: number;
  /** Bytes per channel of a pixel. */
  readonly sampleBytes: number;
  /** Colour values per pixel for each brightness value; 2 when colour is not reduced. */
  readonly chroma: number;
  readonly hasAlpha: boolean;
  readonly isTurned: boolean;
  /** Number of compressed parts besides the pixels, each of which may grow to 8 MB. */
  readonly compressedParts: number;
  readonly fileBytes: number;
}

export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "heif";

/** The thumbnail to make of an image. */
export interface Target {
  /** Pixels of the thumbnail, none of them more than the image's. */
  readonly width: number;
  readonly height: number;
  readonly method: "crop" | "scale";
  /** All frames. */
  readonly animated: boolean;
}

const MB = 1_000_000;
/** Libraries, tables and buffers, whatever the image. */
const FIXED_BYTES = 24 * MB;
/** Rows that a decoder and a resizer hold together, of images that they read from top to bottom. */
const ROWS = 1500;
/** The canvas, a picture, what was there before it, and copies for the library. */
const APNG_PIXEL_BYTES = 4 * 5;
const COMPRESSED_PART_BYTES = 8 * MB;

/**
 * Upper estimate of the memory that making a thumbnail takes, from measurements
 * (test/media/image-memory.test.ts compares it with what the process really takes).
 */
export function memoryFor(image: ImageFacts, target: Target): number {
  const frames = target.animated ? image.frames : 1;
  const made = target.width * target.height * frames;
  const isApng = image.format === "png" && target.animated;
  const output = made * (target.animated ? 10 : 8) + (image.isTurned ? made * 4 : 0);
  return (
    FIXED_BYTES +
    decoding(image) +
    output +
    image.compressedParts * COMPRESSED_PART_BYTES +
    (isApng ? image.storedWidth * image.storedHeight * APNG_PIXEL_BYTES + image.fileBytes * 2 : 0) +
    (isWholeInMemory(image) ? image.fileBytes : 0)
  );
}

/** Memory for reading the head, before anything is known. */
export const LOOK_BYTES = FIXED_BYTES;

function decoding(image: ImageFacts): number {
  const pixels = image.storedWidth * image.storedHeight;
  const row = image.storedWidth * image.channels * image.sampleBytes;
  const rows = row * Math.min(ROWS, image.storedHeight);
  switch (image.format) {
    case "jpeg":
      // The coefficients of the whole image, two bytes each; a fourth channel is as large as the
      // first.
      return image.isProgressive
        ? rows + pixels * 2 * (1 + image.chroma + (image.channels === 4 ? 1 : 0)) * 1.1
        : rows;
    case "png":
      return image.isProgressive ? rows + row * image.storedHeight * 1.2 : rows;
    case "webp":
      return rows + pixels * (image.isAnimated ? 13 : 6);
    case "gif":
      return rows + pixels * 13;
    case "heif":
      return rows + pixels * (image.sampleBytes > 1 ? 40 : 22);
  }
}

function isWholeInMemory({ format }: ImageFacts): boolean {
  return format === "webp" || format === "gif" || format === "heif";
}
