/** Where in the window a line is to stand that somebody is led to. */
export type Align = "start" | "center" | "nearest";

/** Where the reader is: at the end, or with a line in sight, so many pixels below the beginning of all; or led to a line. */
export type Anchor =
  | { at: "end" }
  | { at: "line"; key: string; from: number }
  | { at: "goal"; key: string; align: Align };

/** How far below the upper edge a line is to stand that somebody is led to. */
export function goal(
  scroller: HTMLElement,
  row: HTMLElement,
  offset: number,
  align: Align,
): number {
  const spare = scroller.clientHeight - row.offsetHeight;
  if (align === "start" || spare < 0) return 8;
  if (align === "center") return spare / 2;
  return Math.min(Math.max(offset, 8), spare - 8);
}

/** The line that stands so many pixels below the beginning, by the heights of all before it. */
export function lineAt(from: number, count: number, heightOf: (index: number) => number): number {
  let left = from;
  for (let index = 0; index < count - 1; index++) {
    left -= heightOf(index);
    if (left < 0) return index;
  }
  return count - 1;
}

/** Pixels from what is seen to the end. */
export const leftBelow = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement): number =>
  scrollHeight - scrollTop - clientHeight;

/** Whether a reader who was at the end has scrolled up since `before`. Where the size has changed, the end is elsewhere without that. */
export function hasLeft(
  { scrollTop, scrollHeight, clientHeight }: HTMLElement,
  before: { top: number; all: number; seen: number },
  isScroll: boolean,
): boolean {
  const isSame = scrollHeight === before.all && clientHeight === before.seen;
  const isUp = scrollTop < before.top - 1 && scrollHeight - scrollTop - clientHeight > 2;
  return isUp && (isScroll || isSame);
}

/** Browsers that keep what is in sight where it is when something above changes, but not at the very beginning. The others are helped. */
export const keepsPlace = (): boolean => CSS.supports("overflow-anchor", "auto");

/** Scrolls by so many pixels, as near as whole ones come to that. Answers what is left, which the next time is to make good. */
export function scrolledBy(scroller: HTMLElement, by: number): number {
  const before = scroller.scrollTop;
  if (Math.abs(by) > 0.5) scroller.scrollTop += by;
  const left = by - (scroller.scrollTop - before);
  // More than that is beyond the end.
  return Math.abs(left) <= 1 ? left : 0;
}
