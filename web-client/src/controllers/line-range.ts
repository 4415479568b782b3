/** The lines that are on the page: from the first up to the one behind the last. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** Lines that are drawn at first, and added at a time while the reader moves. */
export const FIRST = 24;
export const STEP = 6;
/** Lines that are kept on the page on either side of what is seen, for searching in the page and for screen readers. */
const SPARE = 50;
/** Beyond so many they are let go. */
const MOST_SPARE = 80;
/** So many lines on the page at most. */
export const MOST = 2 * MOST_SPARE + FIRST;

/** Those that are drawn first around a line. */
export function around(index: number, count: number): Range {
  const end = Math.min(count, index + FIRST / 2);
  const first = Math.max(0, Math.min(end - FIRST, index - FIRST / 2));
  return { first, last: Math.min(count, Math.max(end, first + FIRST)) };
}

/** Those that are wanted while nothing moves: some more than now, and none that is far from what is seen. */
export function tidied({ first, last }: Range, seen: Range, count: number): Range {
  const [above, below] = [seen.first - first, last - seen.last];
  const from = above < SPARE ? first - STEP : above > MOST_SPARE ? seen.first - SPARE : first;
  const to = below < SPARE ? last + STEP : below > MOST_SPARE ? seen.last + SPARE : last;
  return { first: Math.max(0, from), last: Math.min(count, to) };
}
