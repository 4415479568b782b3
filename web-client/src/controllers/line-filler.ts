import type { LineHeights } from "./line-heights.ts";

/** Pixels: places further down are no longer told apart to a part of one. */
const MOST = 2_000_000;

/**
 * Empty space at the beginning of a list, as high as the lines that were let go of there while the reader moves: no line moves with them.
 * Chromium counts lines as shifted that are laid out elsewhere and scrolled back by the page in a frame in which the reader scrolls too.
 */
export class LineFiller {
  #height = 0;
  /** The first line on the page, and all that was above it. */
  #top: { key: string; above: number } | undefined;

  get height(): number {
    return this.#height;
  }

  /** Notes the first line on the page, below so many pixels of lines that are not. */
  drawn(key: string | undefined, above: number): void {
    this.#top = key === undefined ? undefined : { key, above: this.#height + above };
  }

  /** The lines have changed: makes up for what is missing now above the one that was the first on the page. */
  fit(index: ReadonlyMap<string, number>, heights: LineHeights): void {
    const at = this.#top && index.get(this.#top.key);
    const missing = at === undefined ? 0 : this.#top!.above - heights.sum(0, at);
    this.#height = Math.min(Math.max(missing, 0), MOST);
  }

  /** It is not wanted any more. Answers whether there was any. */
  drop(): boolean {
    const had = this.#height > 0;
    this.#height = 0;
    return had;
  }
}
