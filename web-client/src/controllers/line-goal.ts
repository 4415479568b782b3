/** Where in the window a line is to stand that somebody is led to. */
export type Align = "start" | "center" | "nearest";

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
