const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** "10GiB" in bytes; "none" is 0. The schema has checked it. */
export function parseSize(text: string): number {
  const match = /^(\d+) ?([KMGT])iB$/.exec(text);
  return match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
