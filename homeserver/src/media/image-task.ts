import type { ImageFacts, Target } from "./image-facts.ts";

/** A task for the image process: read an image's head, or make a thumbnail. */
export interface ImageTask {
  readonly path: string;
  readonly make?: { readonly facts: ImageFacts; readonly target: Target };
}

/** A thumbnail's bytes. */
export interface Made {
  readonly content: Buffer;
  readonly contentType: string;
}

export type ImageTaskOutput = ImageFacts | Made;
