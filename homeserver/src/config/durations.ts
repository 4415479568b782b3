const UNITS = { m: 60, h: 3600, d: 86_400, w: 7 * 86_400, y: 365 * 86_400 };

/** "30d" in ms; "none" is undefined. The schema has checked it. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+)([mhdwy])$/.exec(text);
  return match === null
    ? undefined
    : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] * 1000;
}
