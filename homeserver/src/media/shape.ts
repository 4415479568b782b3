import type { Target } from "./image-facts.ts";
import { type Size, sizeFor } from "./sizes.ts";
import type { ThumbnailRequest } from "./types.ts";

/** The properties of an image that decide the shape of its thumbnails. Pixels as displayed. */
export interface Shape {
  readonly width: number;
  readonly height: number;
  readonly isAnimated: boolean;
  /** The type by which the image itself can be served; null: it cannot. */
  readonly inlineType: string | null;
}

/**
 * Chooses the answer to a request for a thumbnail: the image itself, or a thumbnail of some shape.
 * "scale" keeps the image's shape; "crop" has the requested shape, exactly if the image is large
 * enough. Neither is ever larger than the image. (Client-server API, "Thumbnails".)
 */
export function thumbnailFor(image: Shape, wanted: ThumbnailRequest): Target | "original" {
  const { method } = wanted;
  const animated = wanted.animated && image.isAnimated;
  const whole = { width: image.width, height: image.height };
  const isSmall = image.width <= wanted.width && image.height <= wanted.height;
  const size = isSmall ? whole : sizeOf(image, wanted);
  const isWhole =
    method === "crop"
      ? isSame(size, whole)
      : size.width >= image.width && size.height >= image.height;
  const canServe = image.inlineType !== null && (animated || !image.isAnimated);
  if (isWhole && canServe) return "original";
  return { ...(isWhole ? whole : size), method, animated };
}

const isSame = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

function sizeOf(image: Shape, wanted: ThumbnailRequest): Size {
  return wanted.method === "crop" ? cropOf(image, wanted) : (sizeFor(wanted) ?? image);
}

/**
 * An offered size of the wanted shape, or what is wanted; where the image is too small, the most of
 * that shape.
 */
function cropOf(image: Shape, wanted: ThumbnailRequest): Size {
  const { width, height } = sizeFor(wanted) ?? wanted;
  if (width <= image.width && height <= image.height) return { width, height };
  const divisor = greatestCommonDivisor(wanted.width, wanted.height);
  const [across, down] = [wanted.width / divisor, wanted.height / divisor];
  const times = Math.min(image.width / across, image.height / down);
  const scale = times >= 1 ? Math.floor(times) : times;
  return {
    width: Math.max(1, Math.min(image.width, Math.round(across * scale))),
    height: Math.max(1, Math.min(image.height, Math.round(down * scale))),
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
