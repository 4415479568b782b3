import type { LitElement, ReactiveController } from "lit";
import { LineFiller } from "./line-filler.ts";
import { goal, hasLeft, keepsPlace, leftBelow, lineAt, scrolledBy } from "./line-goal.ts";
import type { Align, Anchor } from "./line-goal.ts";
import { LineHeights, type LineSizes } from "./line-heights.ts";
import { around, FIRST, MOST, STEP, tidied } from "./line-range.ts";
import { LineRows } from "./line-rows.ts";

interface Lines extends LineSizes {
  count(): number;
  /** Whether anything comes before the first line, or after the last one, that is not loaded. */
  ends(): { reachedStart: boolean; nextToken: string | undefined };
  /** Told when the reader comes to the end, or leaves it; and after each move. */
  onMove(): void;
}

/** Lines on the page while the reader moves, where these fill windows enough: each of them costs something in every frame. */
const MOST_MOVING = 70;
/** Windows' heights that are drawn ahead of the reader before the next frame. */
const AHEAD = 1;
/** Within so many pixels of the end one counts as being there when something is added. */
const AT_END = 80;
/** Milliseconds after scrolling in which the reader counts as moving. */
const MOVING = 1000;

/**
 * Keeps of a long list those lines on the page that stand near the reader, in the ordinary flow, with empty space for the others.
 * Whatever changes its size, above, below or around: the line that is being read stays where it is, and the end stays the end.
 *
 * The host draws the lines from `first` to `last` as `.row`, between spaces of `above` and `below` pixels, in `.scroller`; before all
 * that a space of `filler` pixels.
 */
export class LineWindow implements ReactiveController {
  first = 0;
  /** Behind the last line on the page. */
  last = 0;
  readonly #host: LitElement;
  readonly #lines: Lines;
  readonly #rows = new LineRows();
  readonly #heights: LineHeights;
  readonly #filler = new LineFiller();
  #index = new Map<string, number>();
  #anchor: Anchor = { at: "end" };
  #scrollTop = 0;
  /** When the reader moved last. */
  scrolledAt = 0;
  /** Where it was scrolled to before the lines were drawn anew. */
  #scrollTopBefore = 0;
  #size = { all: 0, seen: 0 };
  #edge = 0;
  #observer: ResizeObserver | undefined;
  #frame = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(host: LitElement, lines: Lines) {
    this.#host = host;
    this.#lines = lines;
    this.#heights = new LineHeights(lines);
    host.addController(this);
  }

  get #scroller(): HTMLElement | null {
    return this.#host.renderRoot?.querySelector<HTMLElement>(".scroller") ?? null;
  }

  get atEnd(): boolean {
    return this.#anchor.at === "end";
  }

  /** Near enough to the end to go along with what is added there. */
  get isNearEnd(): boolean {
    const scroller = this.#scroller;
    if (this.atEnd || scroller === null) return this.atEnd;
    return this.last === this.#lines.count() && leftBelow(scroller) < AT_END;
  }

  get #isStill(): boolean {
    return performance.now() - this.scrolledAt > MOVING;
  }

  /** For lines above that were let go of while the reader moves. */
  get filler(): number {
    return this.#filler.height;
  }

  get above(): number {
    return this.#heights.sum(0, this.first);
  }

  get below(): number {
    return this.#heights.sum(this.last, this.#lines.count());
  }

  hostDisconnected(): void {
    this.#observer?.disconnect();
    this.#observer = undefined;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }

  /** The lines have changed: keeps those on the page that were there, as far as they still exist. */
  changed(): void {
    const count = this.#lines.count();
    const before = this.#rows.keys;
    const follows = this.isNearEnd;
    this.#index = new Map();
    for (let at = 0; at < count; at++) this.#index.set(this.#lines.key(at), at);
    if (this.#isStill || this.#lines.ends().reachedStart) this.#filler.drop();
    else this.#filler.fit(this.#index, this.#heights);
    if (follows && this.#anchor.at !== "goal") this.#anchor = { at: "end" };
    const kept = before.map((key) => this.#index.get(key)).filter((at) => at !== undefined);
    const read = this.#anchor.at === "end" ? undefined : this.#anchor.key;
    if (read !== undefined && !this.#index.has(read)) this.#holdNext(read);
    const anchored = this.#anchor.at === "end" ? count : this.#index.get(this.#anchor.key)!;
    if (kept.length === 0) return this.#around(anchored);
    this.first = Math.min(...kept);
    this.last = this.atEnd ? count : Math.max(...kept) + 1;
    if (this.last - this.first > MOST) this.#around(anchored);
  }

  /** The line that was read is gone: the next one on the page stays where it is. */
  #holdNext(gone: string): void {
    const scroller = this.#scroller;
    const edge = scroller?.getBoundingClientRect().top ?? 0;
    const next = this.#rows.after(gone, edge, (key) => this.#index.has(key));
    if (scroller === null || next === undefined) this.#anchor = { at: "end" };
    else this.#anchor = { at: "line", key: next.key, from: next.below + scroller.scrollTop };
  }

  #around(index: number): void {
    ({ first: this.first, last: this.last } = around(index, this.#lines.count()));
  }

  hostUpdate(): void {
    // Before lines leave the page their heights are noted: the space that stands for them is as high.
    this.#rows.keys.forEach((key, at) => {
      const index = this.#index.get(key);
      const stays = index !== undefined && index >= this.first && index < this.last;
      const row = this.#rows.at(at);
      if (stays || row === undefined) return;
      this.#heights.keep(key, row.getBoundingClientRect().height);
      // The keyboard stays in the list when the line leaves that it was on.
      if (row.matches(":focus-within")) this.#scroller?.focus({ preventScroll: true });
    });
    // Only for who reads amid the lines: it has the browser lay out all that has changed so far.
    if (this.#anchor.at === "line") this.#scrollTopBefore = this.#scroller?.scrollTop ?? 0;
  }

  hostUpdated(): void {
    const scroller = this.#scroller;
    if (scroller === null) return;
    const drawn = scroller.querySelectorAll<HTMLElement>(".row");
    this.#rows.drawn(drawn, (at) => this.#lines.key(this.first + at));
    this.#filler.drawn(this.#rows.keys[0], this.above);
    if (this.#observer === undefined) {
      this.#observer = new ResizeObserver(() => this.#resized());
      this.#observer.observe(scroller);
      for (const part of scroller.children) this.#observer.observe(part);
      this.#edge = scroller.getBoundingClientRect().top;
    }
    void this.#settle();
  }

  /** Lines draw themselves a moment after the host does: still before the paint all stands where it should. */
  async #settle(): Promise<void> {
    const lines = [...this.#host.renderRoot.querySelectorAll<LitElement>(".line")];
    await Promise.all(lines.filter((line) => !line.hasUpdated).map((line) => line.updateComplete));
    if (!this.#host.isConnected) return;
    const grown = this.#grown();
    const scroller = this.#scroller;
    if (grown === undefined || scroller === null) this.#restore();
    else {
      // Nobody scrolls within a task: what it moved by since is what the browser saw to.
      const left = grown - (scroller.scrollTop - this.#scrollTopBefore);
      this.#note(scroller, scrolledBy(scroller, left));
    }
    this.#moved();
  }

  #resized(): void {
    const scroller = this.#scroller;
    if (scroller === null) return;
    const edge = scroller.getBoundingClientRect().top;
    const moved = edge - this.#edge;
    this.#edge = edge;
    this.#restore();
    // What is read stays where it is in the window, though the list begins elsewhere.
    if (moved !== 0 && this.#anchor.at === "line") {
      scroller.scrollTop += moved;
      this.#scrollTop = scroller.scrollTop;
      this.#capture(scroller);
    }
    this.#moved();
  }

  /** Scrolls so that the reader is where they were. */
  #restore(isScroll = false): void {
    const scroller = this.#scroller;
    if (scroller === null) return;
    const anchor = this.#anchor;
    const grown = this.#grown();
    let drift = 0;
    if (anchor.at === "end") {
      const before = { top: this.#scrollTop, ...this.#size };
      if (!hasLeft(scroller, before, isScroll)) scroller.scrollTop = scroller.scrollHeight;
    } else if (grown !== undefined) drift = this.#correct(scroller, grown, isScroll);
    else if (anchor.at === "goal") {
      const row = this.#rows.of(anchor.key);
      if (row !== undefined) {
        const offset = row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
        scroller.scrollTop += offset - goal(scroller, row, offset, anchor.align);
      }
    }
    this.#note(scroller, drift);
  }

  /** Notes where all stands. Nobody stays at the very beginning while something may be added above. */
  #note(scroller: HTMLElement, drift = 0): void {
    const isStart = this.first === 0 && this.#lines.ends().reachedStart;
    if (scroller.scrollTop < 1 && !isStart) scroller.scrollTop = 1;
    this.#scrollTop = scroller.scrollTop;
    this.#size = { all: scroller.scrollHeight, seen: scroller.clientHeight };
    this.#capture(scroller, drift);
  }

  /** How many pixels were added above the line that is being read; undefined where none is. */
  #grown(): number | undefined {
    const [anchor, scroller] = [this.#anchor, this.#scroller];
    const row = anchor.at === "line" ? this.#rows.of(anchor.key) : undefined;
    if (anchor.at !== "line" || scroller === null || row === undefined) return undefined;
    const offset = row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    return offset + scroller.scrollTop - anchor.from;
  }

  /** Follows a line that is being read, when so many pixels were added above it. Answers those that are left to do. */
  #correct(scroller: HTMLElement, grown: number, isScroll: boolean): number {
    const moved = Math.abs(scroller.scrollTop - this.#scrollTop) > 0.5;
    // Where something moved the browser has seen to it, together with what the reader scrolled meanwhile.
    if (Math.abs(grown) > 0.5 && keepsPlace() && (isScroll || moved)) return 0;
    return scrolledBy(scroller, grown);
  }

  /** Notes which line is being read, and where it stands; one that goes on being read, where it would but for whole pixels. */
  #capture(scroller: HTMLElement, drift = 0): void {
    const isLast = this.last === this.#lines.count() && this.#lines.ends().nextToken === undefined;
    if (isLast && leftBelow(scroller) < 2) return void (this.#anchor = { at: "end" });
    const edge = scroller.getBoundingClientRect().top;
    const read = this.#rows.read(edge);
    if (read === undefined) return;
    const isSame = this.#anchor.at === "line" && this.#anchor.key === read.key;
    const from = read.below + scroller.scrollTop - (isSame ? drift : 0);
    this.#anchor = { at: "line", key: read.key, from };
  }

  readonly onScroll = (): void => {
    this.scrolledAt = performance.now();
    this.#restore(true);
    this.#moved();
  };

  #moved(): void {
    this.#lines.onMove();
    this.#fill();
  }

  /** Has more lines drawn where the reader comes near to those that are not. */
  #fill(): void {
    const scroller = this.#scroller;
    const rows = this.#rows;
    const count = this.#lines.count();
    if (scroller === null || count === 0 || rows.length === 0) return;
    const box = scroller.getBoundingClientRect();
    const top = rows.at(0)!.getBoundingClientRect().top - box.top;
    const bottom = rows.at(-1)!.getBoundingClientRect().bottom - box.top;
    const ahead = box.height * AHEAD;
    if (top > box.height || bottom < 0) {
      this.#jump(scroller, box.height);
      return;
    }
    const wantsAbove = this.first > 0 && top > -ahead;
    const wantsBelow = this.last < count && bottom < box.height + ahead;
    if (wantsAbove || wantsBelow) {
      const isBare = top > 0 || bottom < box.height;
      const step = isBare ? STEP * 2 : STEP;
      this.#draw(wantsAbove ? step : 0, wantsBelow ? step : 0);
    } else this.#idle ??= setTimeout(() => this.#tidy(), 250);
  }

  #draw(above: number, below: number): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const seen = this.visible();
      const most = seen === undefined ? 0 : 3 * (seen.last - seen.first) + FIRST;
      this.first = Math.max(0, this.first - above);
      this.last = Math.min(this.#lines.count(), this.last + below);
      // As many leave at the other side: those are far away.
      const spare = Math.max(0, this.last - this.first - Math.max(MOST_MOVING, most));
      if (above > below) this.last -= spare;
      else this.first += spare;
      this.#host.requestUpdate();
    });
  }

  /** The scroll bar was drawn to where no line is on the page. */
  #jump(scroller: HTMLElement, height: number): void {
    const from = scroller.scrollTop - this.filler + height / 3;
    const index = lineAt(from, this.#lines.count(), this.#heights.of);
    this.#around(index);
    this.#anchor = { at: "goal", key: this.#lines.key(index), align: "center" };
    this.#host.requestUpdate();
  }

  /** While nothing moves: draws some lines more, and lets go of those far away. */
  #tidy(): void {
    this.#idle = undefined;
    const seen = this.visible();
    if (seen === undefined) return;
    const { first, last } = tidied(this, seen, this.#lines.count());
    const drops = this.#isStill && this.#filler.drop();
    if (drops || first !== this.first || last !== this.last) {
      [this.first, this.last] = [first, last];
      this.#host.requestUpdate();
    } else if (this.filler > 0) this.#idle = setTimeout(() => this.#tidy(), 250);
  }

  /** The first and the last line of which something is in the window. */
  visible(): { first: number; last: number } | undefined {
    const box = this.#scroller?.getBoundingClientRect();
    const seen = box && this.#rows.within(box);
    return seen && { first: this.first + seen.first, last: this.first + seen.last };
  }

  /** Brings a line into the window. */
  scrollTo(index: number, align: Align): void {
    if (index < this.first || index >= this.last) this.#around(index);
    this.#anchor = { at: "goal", key: this.#lines.key(index), align };
    this.#host.requestUpdate();
  }

  scrollToEnd(): void {
    this.#anchor = { at: "end" };
    if (this.last < this.#lines.count()) this.#around(this.#lines.count());
    this.#host.requestUpdate();
  }
}
