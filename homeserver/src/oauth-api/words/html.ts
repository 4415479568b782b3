import { escapeMarkup } from "../../protocol/text.ts";
import type { Language } from "../../users/common/languages.ts";
import { GERMAN } from "./german.ts";
import { germanProblem } from "./german-problems.ts";

/** What stands in HTML; text is escaped. */
export type Part = Html | Said | string | number | undefined | false | readonly Part[];
/** Text that may be in the reader's language. */
export type Text = string | Said;

/** HTML whose parts were escaped, or written here. Which language it is in is decided when it is written. */
export class Html {
  readonly #pieces: readonly string[];
  readonly #parts: readonly Part[];

  constructor(pieces: readonly string[], parts: readonly Part[] = []) {
    this.#pieces = pieces;
    this.#parts = parts;
  }

  in(language: Language): string {
    const written = (piece: string, at: number) => piece + textOf(this.#parts[at], language);
    return this.#pieces.map(written).join("");
  }
}

/** Words for people: by the English ones, with {0}, {1} … where something is put in, they are found in other languages. */
export class Said {
  readonly #english: string;
  readonly #parts: readonly Part[];

  constructor(english: string, parts: readonly Part[]) {
    this.#english = english;
    this.#parts = parts;
  }

  in(language: Language): string {
    const words = language === "de" ? (GERMAN[this.#english] ?? this.#english) : this.#english;
    return escapeMarkup(words).replaceAll(/\{(\d)\}/g, (_, at: string) =>
      textOf(this.#parts[Number(at)], language),
    );
  }
}

/** The message of an error of this server. */
class Told extends Said {
  readonly #message: string;

  constructor(message: string) {
    super(message, []);
    this.#message = message;
  }

  override in(language: Language): string {
    return escapeMarkup(language === "de" ? germanProblem(this.#message) : this.#message);
  }
}

/** The language that this is written in, as HTML names it. */
export const LANGUAGE = new Said("en", []);

/** A piece of HTML: what is put into it is escaped, unless it is HTML itself. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings, parts);
}

/** Words for people. What is put into them is escaped, unless it is HTML itself. Each has its German in `german.ts`. */
export function say(strings: TemplateStringsArray, ...parts: readonly Part[]): Said {
  return new Said(keyOf(strings), parts);
}

/** What went wrong, where something did: the message of an error. */
export function told(message: string): Said;
export function told(message: string | undefined): Said | undefined;
export function told(message: string | undefined): Said | undefined {
  return message === undefined ? undefined : new Told(message);
}

/** How catalogues name words: {0}, {1} … stand for what is put in. */
export function keyOf(strings: readonly string[]): string {
  const text = strings.reduce((all, each, at) => `${all}{${at - 1}}${each}`);
  return text.replaceAll(/\s+/g, " ").trim();
}

function textOf(part: Part, language: Language): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html || part instanceof Said) return part.in(language);
  if (typeof part === "object") return part.map((each) => textOf(each, language)).join("");
  return escapeMarkup(String(part));
}
