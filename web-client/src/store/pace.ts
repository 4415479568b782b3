/** Events of a page at first, and at most. */
const PAGE = 40;
const MAX_PAGE = 320;
/** Milliseconds in which the next page is asked for by somebody who reads on quickly. */
const QUICK_MS = 2000;

/** Sizes of pages: who reads on quickly gets more at a time, and is not stopped at each page's end. */
export function createPace(now: () => number): (of: object) => number {
  const last = new WeakMap<object, { at: number; size: number }>();
  return (of) => {
    const before = last.get(of);
    const isQuick = before !== undefined && now() - before.at < QUICK_MS;
    const size = isQuick ? Math.min(before.size * 2, MAX_PAGE) : PAGE;
    last.set(of, { at: now(), size });
    return size;
  };
}
