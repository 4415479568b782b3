import { isUtf8 } from "node:buffer";
import { scan, type ScanOptions } from "./json-scan.ts";
import { type Json, JsonError, MAX_NESTING, MAX_REQUEST_NESTING } from "./json-value.ts";

/**
 * Signs of what JSON.parse would hide: a fraction, an exponent, sixteen digits or "-0" where a
 * value begins; space between a key and its colon (which would spoil the count of keys); an escaped
 * surrogate. Inside strings these are false alarms and cost a slower reading, no more.
 */
const SUSPICIOUS = /[:,[][ \t\r\n]*(?:-?\d+[.eE]|-?\d{16}|-0)|"[ \t\r\n]+:|\\u[dD][89a-fA-F]/;

const STRICT: ScanOptions = { strict: true, maxNesting: MAX_REQUEST_NESTING };
const LOOSE: ScanOptions = { strict: false, maxNesting: MAX_NESTING };
const FRACTIONS: ScanOptions = { ...STRICT, fractions: true };

/**
 * Reads JSON for which canonical JSON holds: throws JsonError "syntax" for what is no JSON (or not
 * UTF-8), "forbidden" for duplicate keys, lone surrogates, over 100 levels of nesting, and numbers
 * that are no integers within ±(2^53 - 1). (Appendices, "Canonical JSON".)
 */
export function parseStrict(text: string | Uint8Array): Json {
  return parse(text, STRICT);
}

/**
 * The same for what never becomes part of an event: fractions and exponents are numbers, rounded as
 * JavaScript rounds them. Infinite ones are "forbidden".
 */
export function parseWithFractions(text: string | Uint8Array): Json {
  return parse(text, FRACTIONS);
}

/**
 * Reads any JSON; throws JsonError "syntax" alone. What canonical JSON forbids is kept as far as it
 * can be (the last of duplicate keys, numbers as `RawNumber`), and `forbiddenIn` tells it for every
 * object and array, so that a transaction's events are judged one by one.
 */
export function parseLoose(text: string | Uint8Array): Json {
  return parse(text, LOOSE);
}

/**
 * Reads JSON for which canonical JSON holds, as a first look tells; undefined when only a closer one
 * can say. Throws JsonError "syntax".
 */
export function parseClean(bytes: Uint8Array): Json | undefined {
  const source = decodeUtf8(bytes);
  const value = parsePlainly(source);
  return isClean(source, value, MAX_REQUEST_NESTING) ? value : undefined;
}

function parsePlainly(source: string): Json {
  try {
    return JSON.parse(source) as Json;
  } catch (error) {
    throw new JsonError("syntax", error instanceof Error ? error.message : "Not JSON");
  }
}

function parse(text: string | Uint8Array, options: ScanOptions): Json {
  const source = typeof text === "string" ? text : decodeUtf8(text);
  const value = parsePlainly(source);
  return isClean(source, value, options.maxNesting) ? value : scan(source, options);
}

/** UTF-8 bytes as text; throws JsonError "syntax" for invalid bytes. */
function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new JsonError("syntax", "Not UTF-8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** True when nothing was hidden for sure: every key of the text is in the value. */
function isClean(source: string, value: Json, maxNesting: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (SUSPICIOUS.test(source) || !source.isWellFormed()) return false;
  return countKeys(value, maxNesting) === countColons(source);
}

/** Keys in all objects; NaN when nested deeper than the given number of levels. */
function countKeys(value: Json[] | { [key: string]: Json | undefined }, levels: number): number {
  if (levels === 0) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === "object" && item !== null) count += countKeys(item, levels - 1);
    }
    return count;
  }
  for (const key in value) {
    count++;
    const item = value[key];
    if (typeof item === "object" && item !== null) count += countKeys(item, levels - 1);
  }
  return count;
}

/** Places where a quotation mark is followed by a colon: all keys, and perhaps bits of strings. */
function countColons(source: string): number {
  let count = 0;
  for (let at = source.indexOf('":'); at >= 0; at = source.indexOf('":', at + 2)) count++;
  return count;
}
