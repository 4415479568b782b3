import { fitsIdLength } from "./identifiers.ts";

/** True when the store takes the text: well-formed Unicode without the NUL character. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/**
 * The text in a form that every JSON parser accepts, cut to a maximum of UTF-16 code units:
 * surrogate pairs are not cut apart, and lone surrogates become U+FFFD.
 */
export function wellFormed(text: string, max: number): string {
  const cut = text.slice(0, max);
  const last = cut.charCodeAt(max - 1);
  const isCutThrough = text.length > max && last >= 0xd800 && last <= 0xdbff;
  return (isCutThrough ? cut.slice(0, -1) : cut).toWellFormed();
}

/** True for texts that may be a key of an index: storable, and of at most 255 bytes in UTF-8. */
export function isIndexable(value: unknown): value is string {
  return typeof value === "string" && fitsIdLength(value) && isStorable(value);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it stands in HTML and XML, also within the quotes of an attribute. */
export function escapeMarkup(text: string): string {
  return text.replaceAll(/[&<>"']/g, (found) => ENTITIES[found]!);
}
