const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** "10GiB" in bytes; "none" is 0. The schema has checked it. */
export function parseSize(text: string): number {
  const match = /^(\d+) ?([KMGT])iB$/.exec(text);
  return match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

const DAY_MS = 86_400_000;

/** "30d" in ms; "none" is 0. The schema has checked it. */
export function parseDays(text: string): number {
  return text === "none" ? 0 : Number.parseInt(text, 10) * DAY_MS;
}
