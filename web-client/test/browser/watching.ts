import { expect } from "vitest";
import type { WeftTimeline } from "../../src/elements/timeline.ts";
import { eventually } from "../unit/eventually.ts";
import { settled } from "./support.ts";

/** A line that is being read, and how far it has moved since. */
export function lineInSight(timeline: WeftTimeline) {
  const rows = () => [...timeline.shadowRoot!.querySelectorAll<HTMLElement>(".row")];
  const box = timeline.getBoundingClientRect();
  const top = (row: HTMLElement): number => row.getBoundingClientRect().top;
  const line = rows().find((row) => top(row) > box.top + 20)!;
  const [label, before] = [line.getAttribute("aria-label"), top(line)];
  const row = () => rows().find((one) => one.getAttribute("aria-label") === label);
  return {
    label,
    before,
    row,
    moved: (): number => {
      const now = row();
      return now === undefined ? Number.NaN : top(now) - before;
    },
  };
}

/**
 * Notes in every frame how far the line that is read has moved, as it is painted: observers of intersections are told the geometry
 * that the paint takes, after everything else of the frame.
 */
export function watchLine(timeline: WeftTimeline) {
  const read = lineInSight(timeline);
  const moved: number[] = [];
  let isOver = false;
  const look = (): void => {
    if (isOver) return;
    const row = read.row();
    if (row === undefined) moved.push(Number.NaN);
    else {
      const seen = new IntersectionObserver(([entry]) => {
        moved.push(entry!.boundingClientRect.top - read.before);
        seen.disconnect();
      });
      seen.observe(row);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  return {
    label: read.label,
    /** Ends it. Answers the frames in which the line was elsewhere, or not there. */
    async strayed(): Promise<number[]> {
      await settled();
      await eventually(() => expect(moved.length).toBeGreaterThan(5));
      isOver = true;
      return moved.filter((by) => !(Math.abs(by) <= 1));
    },
  };
}

/** Chromium's own; TypeScript's library has no such type. */
type LayoutShift = PerformanceEntry & { readonly value: number };

/** Sums up how far lines jump that are in sight, as the browser counts it. */
export function watchShifts() {
  let sum = 0;
  const take = (entries: PerformanceEntryList): void => {
    for (const entry of entries) sum += (entry as LayoutShift).value;
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ type: "layout-shift" });
  return {
    /** Ends it. */
    sum(): number {
      take(observer.takeRecords());
      observer.disconnect();
      return sum;
    },
  };
}
