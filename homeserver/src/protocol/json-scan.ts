import { type Json, type JsonObject, markForbidden, MAX_NESTING } from "./json-value.ts";

/** Levels that the scanner follows; what lies deeper becomes null (and its parents are marked). */
const MAX_FOLLOWED = 1000;

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING_END = /["\\]/g;

interface Scanned {
  readonly value: Json;
  /** How many objects and arrays are nested in it. */
  readonly height: number;
  readonly reason: string | undefined;
}

/**
 * Reads text that JSON.parse has already accepted, once more and slowly, noticing what it hides:
 * duplicate keys, numbers that do not survive, lone surrogates, deep nesting. Whatever holds such a
 * thing is marked (`forbiddenIn`); numbers are kept as written (`RawNumber`).
 */
export function scan(text: string): Scanned {
  return new Scanner(text).value(0);
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Scanned {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case "{":
        return depth >= MAX_FOLLOWED ? this.#skipDeep() : this.#object(depth);
      case "[":
        return depth >= MAX_FOLLOWED ? this.#skipDeep() : this.#array(depth);
      case '"': {
        const value = this.#string();
        return { value, height: 0, reason: surrogateReason(value) };
      }
      case "t":
        return this.#word(4, true);
      case "f":
        return this.#word(5, false);
      case "n":
        return this.#word(4, null);
      default:
        return this.#number();
    }
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at++;
  }

  #word(length: number, value: Json): Scanned {
    this.#at += length;
    return { value, height: 0, reason: undefined };
  }

  #number(): Scanned {
    NUMBER.lastIndex = this.#at;
    const written = NUMBER.exec(this.#text)?.[0] ?? "";
    this.#at += written.length;
    const value = Number(written);
    if (/^-?\d+$/.test(written) && Number.isSafeInteger(value) && written !== "-0") {
      return { value, height: 0, reason: undefined };
    }
    const kept = JSON.rawJSON(written);
    const reason = `the number ${written.slice(0, 40)} is not an integer within ±(2^53 - 1)`;
    markForbidden(kept, reason);
    return { value: kept as unknown as JsonObject, height: 0, reason };
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    for (;;) {
      STRING_END.lastIndex = end;
      const found = STRING_END.exec(this.#text);
      if (found === null) throw new RangeError("scan() wants text that JSON.parse accepts");
      end = found.index + (found[0] === '"' ? 1 : 2);
      if (found[0] === '"') break;
    }
    this.#at = end;
    const inner = this.#text.slice(start + 1, end - 1);
    return inner.includes("\\") ? (JSON.parse(this.#text.slice(start, end)) as string) : inner;
  }

  #array(depth: number): Scanned {
    const value: Json[] = [];
    let height = 0;
    let reason: string | undefined;
    this.#at++;
    for (this.#skipSpace(); this.#text[this.#at] !== "]"; this.#skipSpace()) {
      if (this.#text[this.#at] === ",") this.#at++;
      const item = this.value(depth + 1);
      value.push(item.value);
      height = Math.max(height, item.height);
      reason ??= item.reason;
    }
    this.#at++;
    return finish(value, height + 1, reason);
  }

  #object(depth: number): Scanned {
    const value: JsonObject = {};
    let height = 0;
    let reason: string | undefined;
    this.#at++;
    for (this.#skipSpace(); this.#text[this.#at] !== "}"; this.#skipSpace()) {
      if (this.#text[this.#at] === ",") this.#at++;
      this.#skipSpace();
      const key = this.#string();
      if (Object.hasOwn(value, key)) reason ??= `the key ${JSON.stringify(key)} occurs twice`;
      this.#skipSpace();
      this.#at++;
      const item = this.value(depth + 1);
      setOwn(value, key, item.value);
      height = Math.max(height, item.height);
      reason ??= item.reason ?? surrogateReason(key);
    }
    this.#at++;
    return finish(value, height + 1, reason);
  }

  /** Passes over an object or array by counting brackets. */
  #skipDeep(): Scanned {
    let open = 0;
    do {
      const unit = this.#text[this.#at];
      if (unit === '"') {
        this.#string();
        continue;
      }
      if (unit === "{" || unit === "[") open++;
      if (unit === "}" || unit === "]") open--;
      this.#at++;
    } while (open > 0);
    return { value: null, height: 1, reason: undefined };
  }
}

function finish(value: Json[] | JsonObject, height: number, inside: string | undefined): Scanned {
  const reason =
    inside ?? (height > MAX_NESTING ? `it is nested over ${MAX_NESTING} deep` : undefined);
  if (reason !== undefined) markForbidden(value, reason);
  return { value, height, reason };
}

function surrogateReason(text: string): string | undefined {
  return text.isWellFormed() ? undefined : "a string holds half of a surrogate pair";
}

/** Plain assignment would set the prototype for the key "__proto__". */
function setOwn(object: JsonObject, key: string, value: Json): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    object[key] = value;
  }
}
