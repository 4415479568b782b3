import type { ImageFacts, Target } from "./image-facts.ts";

/** What the process of images is asked: a look at a file, or a thumbnail of it. */
export interface ImageWork {
  readonly path: string;
  readonly make?: { readonly facts: ImageFacts; readonly target: Target };
}

/** A thumbnail's bytes. */
export interface Made {
  readonly content: Buffer;
  readonly contentType: string;
}

export type ImageWorkOutput = ImageFacts | Made;
