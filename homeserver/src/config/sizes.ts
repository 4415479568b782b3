/** Sizes and times as settings write them: what they look like, and what they mean. */

/** A size, or none. */
export const SIZE = "^([1-9]\\d{0,8} ?[KMGT]iB|none)$";

const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** "10GiB" in bytes; "none" is 0. The schema has checked it. */
export function parseSize(text: string): number {
  const match = /^(\d+) ?([KMGT])iB$/.exec(text);
  return match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

/** A time, or none. */
export const DURATION = "^([1-9]\\d{0,4}[mhdwy]|none)$";
export const DURATION_MEND = "a time such as 30m, 12h, 90d, 4w or 2y, or none";

const SECONDS = { m: 60, h: 3600, d: 86_400, w: 7 * 86_400, y: 365 * 86_400 };

/** "30d" in ms; "none" is undefined. The schema has checked it. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+)([mhdwy])$/.exec(text);
  return match === null
    ? undefined
    : Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS] * 1000;
}
