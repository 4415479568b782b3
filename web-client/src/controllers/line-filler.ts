import type { LineHeights } from "./line-heights.ts";

/** Pixels at most: browsers round places further down. */
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

  /** Notes the first line that is drawn; `above`: pixels of the lines before it, which are not. */
  drawn(key: string | undefined, above: number): void {
    this.#top = key === undefined ? undefined : { key, above: this.#height + above };
  }

  /** The lines have changed: the space becomes as high as what is missing now above the line that was drawn first. */
  fit(index: ReadonlyMap<string, number>, heights: LineHeights): void {
    const at = this.#top && index.get(this.#top.key);
    const missing = at === undefined ? 0 : this.#top!.above - heights.sum(0, at);
    this.#height = Math.min(Math.max(missing, 0), MOST);
  }

  /** Removes the space. Answers whether there was any. */
  drop(): boolean {
    const had = this.#height > 0;
    this.#height = 0;
    return had;
  }
}
