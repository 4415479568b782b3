import type { Json } from "@weft/spec/types";

/** Canonical JSON of what holds texts, whole numbers and objects of them, as it is signed. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  // Keys that are signed here are ASCII, so that the order of UTF-16 is that of code points.
  const keys = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key]!)}`).join(",")}}`;
}
