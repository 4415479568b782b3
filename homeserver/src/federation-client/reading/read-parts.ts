import { type Json, parseLoose } from "../../protocol/json.ts";
import { AnswerTooLarge } from "./read-body.ts";

/**
 * A part of another server's answer: an item of one of the lists on its top level, or the value of
 * another key.
 */
export interface AnswerPart {
  readonly key: string;
  readonly value: Json;
}

/**
 * Takes parts of an answer as they arrive; nothing more is read from the other server until it is
 * done.
 */
export type TakeParts = (parts: readonly AnswerPart[]) => Promise<void>;

export interface PartLimits {
  /** Bytes of the whole. */
  readonly maxBytes: number;
  /** Bytes of one item, key or other value. */
  readonly maxPartBytes: number;
}

/** The text is no JSON object, or ends before its end. */
export class BrokenAnswer extends Error {
  override readonly name = "BrokenAnswer";
}

/**
 * Reads a JSON object of any size from its bytes: the items of its lists one by one. Parts
 * completed by one chunk are given together. Throws AnswerTooLarge, BrokenAnswer, JsonError.
 */
export async function* readParts(
  body: AsyncIterable<Uint8Array>,
  { maxBytes, maxPartBytes }: PartLimits,
): AsyncGenerator<AnswerPart[]> {
  const reader = new PartReader(maxPartBytes);
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new AnswerTooLarge(`the answer is longer than ${maxBytes} bytes`);
    const parts = reader.take(chunk);
    if (parts.length > 0) yield parts;
  }
  if (!reader.isWhole) throw new BrokenAnswer("the answer ends before its end");
}

/** What is expected next on the object's top level. */
type Expected = "object" | "key" | "colon" | "value" | "item" | "comma" | "item comma" | "nothing";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

class PartReader {
  readonly #maxPartBytes: number;
  #expected: Expected = "object";
  #key = "";
  /** The value that is being read: chunks before this one. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isInside = false;
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  /** A list or object may end here: it is empty, or a comma has not been read. */
  #mayEnd = true;

  constructor(maxPartBytes: number) {
    this.#maxPartBytes = maxPartBytes;
  }

  get isWhole(): boolean {
    return this.#expected === "nothing";
  }

  take(chunk: Uint8Array): AnswerPart[] {
    const parts: AnswerPart[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#isInside) at = this.#inside(chunk, at, parts);
      else if ((chunk[at] as number) <= 0x20) at += 1;
      else at = this.#between(chunk, at);
    }
    return parts;
  }

  /** Punctuation of the top level, and where values begin. */
  #between(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] as number;
    switch (this.#expected) {
      case "object":
        return this.#punctuation(byte === OPEN_OBJECT, "key", at, true);
      case "key":
        if (byte === CLOSE_OBJECT && this.#mayEnd) return this.#punctuation(true, "nothing", at);
        if (byte !== QUOTE) throw new BrokenAnswer("a key is missing");
        this.#isInside = true;
        return at;
      case "colon":
        return this.#punctuation(byte === COLON, "value", at);
      case "value":
        if (byte === OPEN_LIST) return this.#punctuation(true, "item", at, true);
        this.#isInside = true;
        return at;
      case "item":
        if (byte === CLOSE_LIST && this.#mayEnd) return this.#punctuation(true, "comma", at);
        this.#isInside = true;
        return at;
      case "item comma":
        if (byte === CLOSE_LIST) return this.#punctuation(true, "comma", at);
        return this.#punctuation(byte === COMMA, "item", at);
      case "comma":
        if (byte === CLOSE_OBJECT) return this.#punctuation(true, "nothing", at);
        return this.#punctuation(byte === COMMA, "key", at);
      case "nothing":
        throw new BrokenAnswer("something follows the answer");
    }
  }

  #punctuation(isRight: boolean, next: Expected, at: number, mayEnd = false): number {
    if (!isRight) throw new BrokenAnswer("the answer is no JSON object");
    this.#expected = next;
    this.#mayEnd = mayEnd;
    return at + 1;
  }

  /** Continues to the end of the value, or of the chunk. */
  #inside(chunk: Uint8Array, from: number, parts: AnswerPart[]): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#isString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) {
          this.#isString = false;
          if (this.#depth === 0) return this.#finish(chunk, from, at + 1, parts);
        }
      } else if (byte === QUOTE) this.#isString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        // The end of a number or a word.
        if (this.#depth === 0) return this.#finish(chunk, from, at, parts);
        this.#depth -= 1;
        if (this.#depth === 0) return this.#finish(chunk, from, at + 1, parts);
      } else if (byte === COMMA && this.#depth === 0) return this.#finish(chunk, from, at, parts);
    }
    this.#hold(chunk.subarray(from));
    return at;
  }

  #hold(bytes: Uint8Array): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#maxPartBytes) {
      throw new AnswerTooLarge(`a part of the answer is longer than ${this.#maxPartBytes} bytes`);
    }
    this.#held.push(bytes);
  }

  #finish(chunk: Uint8Array, from: number, to: number, parts: AnswerPart[]): number {
    this.#hold(chunk.subarray(from, to));
    const bytes = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#isInside = false;
    const value = parseLoose(bytes);
    if (this.#expected === "key") {
      this.#key = value as string; // it began with a quote
      this.#expected = "colon";
    } else {
      parts.push({ key: this.#key, value });
      this.#expected = this.#expected === "item" ? "item comma" : "comma";
    }
    return to;
  }
}
