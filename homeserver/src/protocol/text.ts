import { fitsIdLength } from "./identifiers.ts";

/** True when the store takes the text: well-formed Unicode without the NUL character. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** True for texts that may be a key of an index: storable, and of at most 255 bytes in UTF-8. */
export function isIndexable(value: unknown): value is string {
  return typeof value === "string" && fitsIdLength(value) && isStorable(value);
}
