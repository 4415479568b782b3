import {
  forbiddenNumber,
  type Json,
  JsonError,
  type JsonObject,
  LONE_SURROGATE,
  markForbidden,
  nestedTooDeep,
  type RawNumber,
} from "./json-value.ts";

export interface ScanOptions {
  /**
   * Throws at the first forbidden thing, JsonError "forbidden"; otherwise it is marked and kept.
   */
  readonly strict: boolean;
  /** Deepest nesting that is not forbidden. */
  readonly maxNesting: number;
  /**
   * Fractions, exponents and big integers are numbers like others (rounded), unless they are not
   * finite.
   */
  readonly fractions?: boolean;
}

/** An object or array that is being read. */
interface Frame {
  readonly value: Json[] | JsonObject;
  readonly isArray: boolean;
  /** Of the object's member that is being read. */
  key: string;
  /** How many objects and arrays are nested in it, as far as it is read. */
  height: number;
  reason: string | undefined;
}

/** A number that many values hold is one object. */
const NUMBERS_SHARED = 1000;
const SAFE_DIGITS = 15;
/**
 * On this many levels it is recorded what is forbidden in them: events of answers and transactions
 * are above that.
 */
const MARKED = 4;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Reads text that JSON.parse has already accepted, once more, noticing what it hides: duplicate
 * keys, numbers that do not survive, lone surrogates, deep nesting. Whatever holds such a thing is
 * marked (`forbiddenIn`) on the four uppermost levels; numbers are kept as written (`RawNumber`).
 * Linear in the text, whatever its depth.
 */
export function scan(text: string, options: ScanOptions): Json {
  return new Scanner(text, options).read();
}

class Scanner {
  readonly #text: string;
  readonly #options: ScanOptions;
  readonly #numbers = new Map<string, RawNumber>();
  #at = 0;
  /** Why the scalar that was just read is forbidden. */
  #reason: string | undefined;

  constructor(text: string, options: ScanOptions) {
    this.#text = text;
    this.#options = options;
  }

  read(): Json {
    const frames: Frame[] = [];
    for (;;) {
      let value: Json;
      let height = 0;
      this.#reason = undefined;
      this.#skipSpace();
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === OPEN_OBJECT || unit === OPEN_LIST) {
        const frame = open(unit === OPEN_LIST);
        frames.push(frame);
        if (frames.length > this.#options.maxNesting) this.#refuse(nestedTooDeep(this.#options));
        this.#at++;
        this.#skipSpace();
        if (!this.#isEnd()) {
          if (!frame.isArray) this.#key(frame);
          continue;
        }
        this.#at++;
        frames.pop();
        height = 1;
        ({ value } = frame);
      } else {
        value = this.#scalar(unit);
      }
      // The value is whole: it goes into what holds it, and ends that perhaps.
      let reason: string | undefined = this.#reason;
      for (;;) {
        const frame = frames.at(-1);
        if (frame === undefined) return value;
        put(frame, value);
        if (height > frame.height) frame.height = height;
        frame.reason ??= reason;
        this.#skipSpace();
        const next = this.#text.charCodeAt(this.#at++);
        if (next === COMMA) {
          if (!frame.isArray) this.#key(frame);
          break;
        }
        frames.pop();
        ({ value } = frame);
        height = frame.height + 1;
        reason = frame.reason;
        if (height > this.#options.maxNesting) reason ??= nestedTooDeep(this.#options);
        if (reason !== undefined && frames.length < MARKED) markForbidden(value, reason);
      }
    }
  }

  #isEnd(): boolean {
    const unit = this.#text.charCodeAt(this.#at);
    return unit === CLOSE_OBJECT || unit === CLOSE_LIST;
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at++;
  }

  /** Notes that what is being read is forbidden; throws where nothing forbidden is kept. */
  #refuse(reason: string): void {
    if (this.#options.strict) throw new JsonError("forbidden", `Forbidden JSON: ${reason}`);
    this.#reason ??= reason;
  }

  /** The next key, and the colon behind it. */
  #key(frame: Frame): void {
    this.#skipSpace();
    this.#reason = undefined;
    const key = this.#string();
    if (Object.hasOwn(frame.value, key)) this.#refuse(`the key ${shown(key)} occurs twice`);
    frame.reason ??= this.#reason;
    frame.key = key;
    this.#skipSpace();
    this.#at++;
  }

  #scalar(unit: number): Json {
    switch (unit) {
      case QUOTE:
        return this.#string();
      case 0x74:
        this.#at += 4;
        return true;
      case 0x66:
        this.#at += 5;
        return false;
      case 0x6e:
        this.#at += 4;
        return null;
      default:
        return this.#number();
    }
  }

  #number(): Json {
    const start = this.#at;
    let isInteger = true;
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit >= ZERO && unit <= NINE) this.#at++;
      else if (unit === MINUS && this.#at === start) this.#at++;
      else if (isPartOfNumber(unit)) {
        isInteger = false;
        this.#at++;
      } else break;
    }
    const written = this.#text.slice(start, this.#at);
    const value = Number(written);
    const isSafe = written.length <= SAFE_DIGITS || Number.isSafeInteger(value);
    if (isInteger && isSafe && written !== "-0") return value;
    if (this.#options.fractions === true && Number.isFinite(value)) return value;
    this.#refuse(forbiddenNumber(written));
    return this.#rawNumber(written) as unknown as JsonObject;
  }

  #rawNumber(written: string): RawNumber {
    let kept = this.#numbers.get(written);
    if (kept === undefined) {
      kept = JSON.rawJSON(written);
      if (this.#numbers.size < NUMBERS_SHARED) this.#numbers.set(written, kept);
    }
    return kept;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let isEscaped = false;
    let end = text.indexOf('"', start + 1);
    while (end > 0 && isBehindEscape(text, start, end)) {
      isEscaped = true;
      end = text.indexOf('"', end + 1);
    }
    if (end < 0) throw new RangeError("scan() wants text that JSON.parse accepts");
    this.#at = end + 1;
    const inner = text.slice(start + 1, end);
    const value =
      isEscaped || inner.includes("\\")
        ? (JSON.parse(text.slice(start, end + 1)) as string)
        : inner;
    if (!value.isWellFormed()) this.#refuse(LONE_SURROGATE);
    return value;
  }
}

function open(isArray: boolean): Frame {
  return { value: isArray ? [] : {}, isArray, key: "", height: 0, reason: undefined };
}

/** Plain assignment would set the prototype for the key "__proto__". */
function put(frame: Frame, value: Json): void {
  if (frame.isArray) (frame.value as Json[]).push(value);
  else if (frame.key !== "__proto__") (frame.value as JsonObject)[frame.key] = value;
  else {
    const property = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(frame.value, frame.key, property);
  }
}

/** The quotation mark at `end` has an odd number of backslashes before it. */
function isBehindEscape(text: string, start: number, end: number): boolean {
  let at = end - 1;
  while (at > start && text.charCodeAt(at) === BACKSLASH) at--;
  return (end - at) % 2 === 0;
}

function isPartOfNumber(unit: number): boolean {
  return unit === 0x2e || unit === 0x65 || unit === 0x45 || unit === 0x2b || unit === MINUS;
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 100));
}
