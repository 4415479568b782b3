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

/** Objects and arrays may be nested this deep, in a request and in an event. */
export const MAX_NESTING = 100;

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
 * themselves, not for copies of them.
 */
export function forbiddenIn(value: unknown): string | undefined {
  return typeof value === "object" && value !== null ? forbidden.get(value) : undefined;
}
