/** The lines that are on the page now, in their order, with their keys. */
export class LineRows {
  #rows: readonly HTMLElement[] = [];
  #keys: readonly string[] = [];

  /** They were drawn anew. */
  drawn(rows: Iterable<HTMLElement>, keyOf: (at: number) => string): void {
    this.#rows = [...rows];
    this.#keys = this.#rows.map((_, at) => keyOf(at));
  }

  get keys(): readonly string[] {
    return this.#keys;
  }

  get length(): number {
    return this.#rows.length;
  }

  at(index: number): HTMLElement | undefined {
    return this.#rows.at(index);
  }

  of(key: string): HTMLElement | undefined {
    const at = this.#keys.indexOf(key);
    return at < 0 ? undefined : this.#rows[at];
  }

  /** The next line after another, or else the last before it, of those that are wanted; and how many pixels below an edge. */
  after(
    key: string,
    edge: number,
    isWanted: (key: string) => boolean,
  ): { key: string; below: number } | undefined {
    const at = this.#keys.indexOf(key);
    const next = this.#keys.slice(at + 1).find(isWanted) ?? this.#keys.findLast(isWanted);
    const row = next === undefined ? undefined : this.of(next);
    if (next === undefined || row === undefined) return undefined;
    return { key: next, below: row.getBoundingClientRect().top - edge };
  }

  /** The first line of which something holds that holds of all below it too; their number where it holds of none. */
  first(holds: (box: DOMRect) => boolean): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.#rows[middle]!.getBoundingClientRect())) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The first and the last line of which something is within a box. */
  within(box: DOMRect): { first: number; last: number } | undefined {
    const first = this.first((row) => row.bottom > box.top);
    const last = this.first((row) => row.top >= box.bottom) - 1;
    return first === this.length || last < 0 ? undefined : { first, last };
  }

  /**
   * The line that is being read, in a list whose upper edge is there: the first that begins below it, or else the last; and how many
   * pixels below it.
   */
  read(edge: number): { key: string; below: number } | undefined {
    const at = Math.min(
      this.first((box) => box.top >= edge),
      this.length - 1,
    );
    const [row, key] = [this.#rows[at], this.#keys[at]];
    if (row === undefined || key === undefined) return undefined;
    return { key, below: row.getBoundingClientRect().top - edge };
  }
}
