/** Heights that are kept of lines that left the page. */
const MAX_KEPT = 20_000;

export interface LineSizes {
  key(index: number): string;
  /** The height that a line will have, about, in pixels. */
  estimate(index: number): number;
}

/** How high lines are that are not on the page: as they were there, or else as they will be, about. */
export class LineHeights {
  readonly #lines: LineSizes;
  readonly #kept = new Map<string, number>();

  constructor(lines: LineSizes) {
    this.#lines = lines;
  }

  keep(key: string, height: number): void {
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(key, height);
  }

  readonly of = (index: number): number =>
    this.#kept.get(this.#lines.key(index)) ?? this.#lines.estimate(index);

  /** Of the lines from one up to another; as exact as they were measured, so that nothing moves when they come or go. */
  sum(from: number, to: number): number {
    let sum = 0;
    for (let at = from; at < to; at++) sum += this.of(at);
    return sum;
  }
}
