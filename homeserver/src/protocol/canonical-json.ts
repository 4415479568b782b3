import {
  type Json,
  JsonError,
  type JsonObject,
  MAX_NESTING,
  type RawNumber,
} from "./json-value.ts";

/** Needs escaping, or is a surrogate (of a pair or not). */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SPECIAL = /["\\\u0000-\u001f\ud800-\udfff]/;
const SURROGATE = /[\ud800-\udfff]/;

/**
 * Canonical JSON: shortest form, keys in code point order. Throws JsonError "forbidden" for numbers
 * that are no integers within ±(2^53 - 1), lone surrogates and over 100 levels. Members that are
 * undefined are left out, -0 becomes 0. (Appendices, "Canonical JSON".)
 */
export function canonicalJson(value: Json): string {
  return write(value, 1, true);
}

/**
 * Canonical JSON as room versions 1 to 5 tolerate it, and as whole requests are signed: numbers that
 * it forbids are written the way the first homeservers did, which all others had to follow (big
 * integers as they came, floats in their shortest form with a fraction or an exponent).
 */
export function canonicalJsonLoose(value: Json): string {
  return write(value, 1, false);
}

/** The text of a value `depth` levels below the root. */
export function writeCanonical(value: Json, depth: number, strict: boolean): string {
  return write(value, depth, strict);
}

/** A string with quotation marks and the escapes that canonical JSON wants. */
export function canonicalString(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) {
    throw new JsonError("forbidden", "Forbidden JSON: a string holds half of a surrogate pair");
  }
  return JSON.stringify(text);
}

/** Compares by code point: UTF-16 order differs where surrogates meet U+E000 to U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    const xIsSurrogate = x >= 0xd800 && x <= 0xdfff;
    const yIsSurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xIsSurrogate !== yIsSurrogate) return xIsSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** The object's keys in code point order. */
export function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  let sorted = true;
  let surrogates = false;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as string;
    if (at > 0 && (keys[at - 1] as string) > key) sorted = false;
    if (!surrogates && SURROGATE.test(key)) surrogates = true;
  }
  if (surrogates) return keys.toSorted(compareCodePoints);
  return sorted ? keys : keys.toSorted();
}

function write(value: Json, depth: number, strict: boolean): string {
  switch (typeof value) {
    case "string":
      return canonicalString(value);
    case "number":
      return writeNumber(value, strict);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth > MAX_NESTING && strict) {
        throw new JsonError("forbidden", `Forbidden JSON: it is nested over ${MAX_NESTING} deep`);
      }
      if (Array.isArray(value)) return writeArray(value, depth, strict);
      if (JSON.isRawJSON(value)) return writeRawNumber(value, strict);
      return writeObject(value, depth, strict);
    default:
      throw new JsonError("forbidden", `Forbidden JSON: a ${typeof value}`);
  }
}

function writeArray(items: readonly Json[], depth: number, strict: boolean): string {
  let text = "[";
  for (let at = 0; at < items.length; at++) {
    if (at > 0) text += ",";
    text += write(items[at] as Json, depth + 1, strict);
  }
  return `${text}]`;
}

function writeObject(object: JsonObject, depth: number, strict: boolean): string {
  let text = "{";
  for (const key of sortedKeys(object)) {
    const item = object[key];
    if (item === undefined) continue;
    if (text.length > 1) text += ",";
    text += `${canonicalString(key)}:${write(item, depth + 1, strict)}`;
  }
  return `${text}}`;
}

function writeNumber(value: number, strict: boolean): string {
  if (Number.isSafeInteger(value)) return value === 0 ? "0" : String(value);
  if (strict) throw forbiddenNumber(String(value));
  return Number.isInteger(value) ? BigInt(value).toString() : writeFloat(value);
}

function writeRawNumber(value: RawNumber, strict: boolean): string {
  const written = value.rawJSON;
  if (strict) throw forbiddenNumber(written.slice(0, 40));
  if (/^-?\d+$/.test(written)) return written === "-0" ? "0" : written;
  return writeFloat(Number(written));
}

function forbiddenNumber(written: string): JsonError {
  return new JsonError(
    "forbidden",
    `Forbidden JSON: the number ${written} is not an integer within ±(2^53 - 1)`,
  );
}

/** Shortest digits; a fraction from 1e-4 up to 1e16, an exponent of two digits or more elsewhere. */
function writeFloat(value: number): string {
  if (!Number.isFinite(value)) throw forbiddenNumber(String(value));
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa, exponentText] = value.toExponential().split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, "0");
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  const sign = value < 0 ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}
