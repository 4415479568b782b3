import { JsonError } from "./json-value.ts";

/** What a JSON text may hold before anybody parses it. */
export interface Bounds {
  /** Objects, arrays and their members, all together. */
  readonly values: number;
  /** Numbers that canonical JSON forbids: each is kept as it was written, which costs much. */
  readonly unusualNumbers: number;
  /** Levels of objects and arrays. */
  readonly nesting: number;
}

/** A double holds one digit less than this exactly. */
const DIGITS = 16;

const [QUOTE, BACKSLASH, COMMA, DOT, ZERO, NINE] = [0x22, 0x5c, 0x2c, 0x2e, 0x30, 0x39];
const [SMALL_E, BIG_E] = [0x65, 0x45];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Bytes of a string, or of what follows an escaped quotation mark, that are looked at one by one. */
const SHORT = 64;

/** Limits: bytes of an event; events and EDUs of a transaction. */
const [EVENT_BYTES, EVENTS, EDUS] = [65_536, 50, 100];

/**
 * Of a transaction: whatever its events may hold, since one of them must not keep the others from
 * being heard. A digit and a comma are a value, `-0` and a comma a number that is no integer, a
 * bracket at each end a level.
 */
export const TRANSACTION_BOUNDS: Bounds = {
  values: (EVENTS * EVENT_BYTES) / 2 + EDUS * 10_000,
  unusualNumbers: (EVENTS * EVENT_BYTES) / 3,
  nesting: EVENT_BYTES / 2 + 10,
};

/** So many values cost nothing, however short the text: `{}` has one in two bytes. */
const FREE_VALUES = 10_000;

/**
 * The bounds of other texts that may have `limit` bytes: a member of ordinary JSON takes over four
 * in a long text.
 */
export function boundsOf(limit: number): Bounds {
  const values = Math.min(Math.max(limit / 4, FREE_VALUES), 1_000_000);
  return { values, unusualNumbers: 50_000, nesting: 1_000 };
}

/**
 * Looks once through the bytes of a JSON text, at a nanosecond or two for each, so that what would
 * take long to parse is refused before. Whether it is JSON at all is not said.
 * @throws JsonError "forbidden"
 */
export function checkBounds(bytes: Uint8Array, bounds: Bounds): void {
  let depth = 0;
  let values = 0;
  let unusual = 0;
  /** Digits of the number that is being read. */
  let digits = 0;
  const { length } = bytes;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at]!;
    if (byte >= ZERO && byte <= NINE) {
      digits += 1;
      if (digits === DIGITS) unusual += 1;
      continue;
    }
    const followsDigit = digits > 0;
    digits = 0;
    if (byte === QUOTE) {
      at = endOfString(bytes, at + 1);
    } else if (byte === COMMA) {
      values += 1;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      values += 1;
      depth += 1;
      if (depth > bounds.nesting) throw tooMuch(`nested over ${bounds.nesting} deep`);
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth -= 1;
    } else if (followsDigit && (byte === DOT || byte === SMALL_E || byte === BIG_E)) {
      unusual += 1;
    }
  }
  if (values > bounds.values) throw tooMuch(`of more than ${Math.floor(bounds.values)} values`);
  if (unusual > bounds.unusualNumbers) {
    throw tooMuch(`with more than ${bounds.unusualNumbers} numbers that are no integers`);
  }
}

/**
 * Where the string ends that begins at `from`: at its closing quotation mark, or at the text's end.
 */
function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = from, looked = 0; ; at++, looked++) {
    if (looked === SHORT) {
      // A long text is searched by the machine; what an escape hides is looked at one by one.
      const quote = bytes.indexOf(QUOTE, at);
      if (quote === -1) return bytes.length;
      let escape = quote;
      while (escape > at && bytes[escape - 1] === BACKSLASH) escape--;
      if ((quote - escape) % 2 === 0) return quote;
      [at, looked] = [quote + 1, 0];
    }
    const byte = bytes[at];
    if (byte === QUOTE || byte === undefined) return at;
    if (byte === BACKSLASH) at++;
  }
}

function tooMuch(what: string): JsonError {
  return new JsonError("forbidden", `The body is JSON ${what}`);
}
