import {
  forbiddenNumber,
  isJsonObject,
  type Json,
  JsonError,
  type JsonObject,
  LONE_SURROGATE,
  MAX_NESTING,
  nestedTooDeep,
  type RawNumber,
} from "./json-value.ts";

/** Needs escaping, or is a surrogate (of a pair or not). */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SPECIAL = /["\\\u0000-\u001f\ud800-\udfff]/;
const SURROGATE = /[\ud800-\udfff]/;

/**
 * Canonical JSON: shortest form, keys in code point order. Throws JsonError "forbidden" for numbers
 * that are no integers within ±(2^53 - 1), lone surrogates and over 1000 levels. Members that are
 * undefined are left out, -0 becomes 0. (Appendices, "Canonical JSON".)
 */
export function canonicalJson(value: Json): string {
  return write(value, 1, true);
}

/**
 * Canonical JSON as room versions 1 to 5 tolerate it, and as whole requests are signed: numbers
 * that it forbids are written the way the first homeservers did, which all others had to follow
 * (big integers as they came, floats in their shortest form with a fraction or an exponent).
 */
export function canonicalJsonLoose(value: Json): string {
  return write(value, 1, false);
}

/**
 * JSON.stringify for values of any depth: what the stack does not reach is written as canonical
 * JSON.
 */
export function jsonText(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return canonicalJsonLoose(value);
    throw error;
  }
}

/** The text of a value `depth` levels below the root. */
export function writeCanonical(value: Json, depth: number, strict: boolean): string {
  return write(value, depth, strict);
}

/** A string with quotation marks and the escapes that canonical JSON wants. */
export function canonicalString(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) {
    throw new JsonError("forbidden", `Forbidden JSON: ${LONE_SURROGATE}`);
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
      if (depth > MAX_NESTING) return writeDeep(value, strict);
      if (Array.isArray(value)) return writeArray(value, depth, strict);
      if (JSON.isRawJSON(value)) return writeRawNumber(value, strict);
      return writeObject(value, depth, strict);
    default:
      throw new JsonError("forbidden", `Forbidden JSON: a ${typeof value}`);
  }
}

/** What lies deeper than the stack is sure to reach. Throws when that is forbidden. */
function writeDeep(deep: Json, strict: boolean): string {
  if (strict) {
    throw new JsonError(
      "forbidden",
      `Forbidden JSON: ${nestedTooDeep({ maxNesting: MAX_NESTING })}`,
    );
  }
  const written: string[] = [];
  /** What is still to be written, the next at the end: values, and texts between them. */
  const left: ({ readonly value: Json } | string)[] = [{ value: deep }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next === "string") {
      written.push(next);
      continue;
    }
    const { value } = next;
    if (Array.isArray(value)) {
      left.push("]");
      for (let at = value.length - 1; at >= 0; at--) {
        left.push({ value: value[at] as Json });
        if (at > 0) left.push(",");
      }
      written.push("[");
    } else if (isJsonObject(value)) {
      left.push("}");
      const keys = sortedKeys(value).filter((key) => value[key] !== undefined);
      for (let at = keys.length - 1; at >= 0; at--) {
        const key = keys[at] as string;
        left.push({ value: value[key] as Json }, `${at > 0 ? "," : ""}${canonicalString(key)}:`);
      }
      written.push("{");
    } else {
      written.push(write(value, 1, strict));
    }
  }
  return written.join("");
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
  if (strict) throw refusedNumber(String(value));
  return Number.isInteger(value) ? BigInt(value).toString() : writeFloat(value);
}

function writeRawNumber(value: RawNumber, strict: boolean): string {
  const written = value.rawJSON;
  if (strict) throw refusedNumber(written);
  if (/^-?\d+$/.test(written)) return written === "-0" ? "0" : written;
  return writeFloat(Number(written));
}

function refusedNumber(written: string): JsonError {
  return new JsonError("forbidden", `Forbidden JSON: ${forbiddenNumber(written)}`);
}

/**
 * Shortest digits; a fraction from 1e-4 up to 1e16, an exponent of two digits or more elsewhere.
 */
function writeFloat(value: number): string {
  if (!Number.isFinite(value)) throw refusedNumber(String(value));
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
