export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [key: string]: Json | undefined;
}

/**
 * A number that canonical JSON forbids (float, exponent, -0, beyond ±(2^53 - 1)), kept as it was
 * written. Only `parseLoose` makes these, for room versions 1 to 5; JSON.stringify writes them as
 * they came. `numberOf` gives their value.
 */
export interface RawNumber {
  readonly rawJSON: string;
}

declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/** Text that is no JSON ("syntax") or that canonical JSON does not allow ("forbidden"). */
export class JsonError extends Error {
  readonly kind: "syntax" | "forbidden";

  constructor(kind: "syntax" | "forbidden", message: string) {
    super(message);
    this.name = "JsonError";
    this.kind = kind;
  }
}

/**
 * Objects and arrays of an event may be nested this deep. The specification has no limit; other
 * servers' limits are near this, so that their events can be accepted (docs/decisions/0019).
 */
export const MAX_NESTING = 1000;
/** The same for what a client sends. */
export const MAX_REQUEST_NESTING = 100;

/** Why a string is forbidden. */
export const LONE_SURROGATE = "a string holds half of a surrogate pair";

/** Why a number is forbidden, as it was written. */
export function forbiddenNumber(written: string): string {
  return `the number ${written.slice(0, 40)} is not an integer within ±(2^53 - 1)`;
}

/** Why an object or array is forbidden that has more levels in it. */
export function nestedTooDeep({ maxNesting }: { readonly maxNesting: number }): string {
  return `it is nested over ${maxNesting} deep`;
}

/** True when objects and arrays are nested over so many levels in a value, itself counted. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeperThan(each, levels - 1));
}

/** True for objects; false for arrays, null and kept numbers. */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)
  );
}

/** True for integers that canonical JSON allows. */
export function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** The number, also of a kept one (possibly rounded); undefined for anything else. */
export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : undefined;
}

const forbidden = new WeakMap<object, string>();

/** Remembers that this object or array holds, at any depth, what canonical JSON forbids. */
export function markForbidden(value: object, reason: string): void {
  if (!forbidden.has(value)) forbidden.set(value, reason);
}

/**
 * Why canonical JSON forbids this value as `parseLoose` read it (duplicate keys, numbers, lone
 * surrogates, nesting); undefined when it does not. Known for the parsed objects and arrays
 * themselves, on the four uppermost levels of a text, not for copies of them.
 */
export function forbiddenIn(value: unknown): string | undefined {
  if (JSON.isRawJSON(value)) return forbiddenNumber(value.rawJSON);
  return typeof value === "object" && value !== null ? forbidden.get(value) : undefined;
}
