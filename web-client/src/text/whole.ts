import { msg } from "@lit/localize";
import { text, type Content } from "../api/types.ts";
import { plainName, plainText } from "./names.ts";
import { decoded, PIECES, UNSEEN, withoutQuotation } from "./plain.ts";

/** Elements that are open in one another, at most: what is deeper is not shown in a conversation either. */
const MAX_DEPTH = 100;
/** Of these, so many are told of at the beginning of each line. */
const MAX_WITHIN = 8;
/** Line breaks around what stands on lines of its own. */
const BREAKS: Readonly<Record<string, number>> = {
  ...{ p: 2, h1: 2, h2: 2, h3: 2, h4: 2, h5: 2, h6: 2, blockquote: 2, pre: 2, table: 2, hr: 2 },
  ...{ div: 1, ul: 1, ol: 1, li: 1, tr: 1, caption: 1, details: 1, summary: 1 },
};
const VOID = new Set(["br", "hr", "img"]);

interface Open {
  readonly kind: string;
  /** What stands behind its words. */
  readonly close: (() => string) | undefined;
}

/** Lines of plain text, written word by word. */
class Page {
  readonly #parts: string[] = [];
  #last = "";
  #breaks = 0;
  /** What the line that is being written began with. */
  #before = "";
  /** What stands before the first word of a line of a list. */
  #sign = "";
  /** In what the lines stand: a quotation, lists. */
  readonly within: string[] = [];

  /** What comes next stands on another line; 2: with an empty one between. */
  newLine(breaks: number): void {
    if (this.#last !== "") this.#breaks = Math.max(this.#breaks, breaks);
  }

  /** One line more. */
  lineBreak(): void {
    if (this.#last !== "") this.#breaks = Math.min(2, this.#breaks + 1);
  }

  item(sign: string): void {
    this.newLine(1);
    this.#sign = sign;
  }

  /** Words in a line: spaces between them are one. */
  words(words: string): void {
    const said = words.replace(/\s+/g, " ");
    this.write(this.#isAtStart() || this.#last === " " ? said.trimStart() : said);
  }

  /** Words as they stand, with their lines. */
  lines(words: string): void {
    const [first = "", ...others] = words.replace(/\r\n?/g, "\n").split("\n");
    // That the words begin on a line of their own is so already.
    const isBegun = first === "" && this.#isAtStart();
    this.write(first);
    for (const [at, line] of others.entries()) {
      if (!isBegun || at > 0) this.#breaks++;
      this.write(line);
    }
  }

  write(words: string): void {
    if (words === "") return;
    if (this.#isAtStart()) {
      const before = this.within.slice(0, MAX_WITHIN).join("");
      // An empty line between a quotation and what stands beside it is of neither.
      const shared = before.startsWith(this.#before) ? this.#before : before;
      for (let at = 1; at < this.#breaks; at++) this.#parts.push(`\n${shared.trimEnd()}`);
      this.#before = before;
      if (this.#breaks > 0) this.#parts.push("\n");
      this.#parts.push(before, this.#sign);
      this.#breaks = 0;
      this.#sign = "";
    }
    this.#parts.push(words);
    this.#last = words.at(-1)!;
  }

  get place(): number {
    return this.#parts.length;
  }

  /** What was written from a place on. */
  since(place: number): string {
    return this.#parts.slice(place).join("");
  }

  #isAtStart(): boolean {
    return this.#last === "" || this.#breaks > 0;
  }

  toString(): string {
    return this.#parts.join("").split("\n").map(withoutEnd).join("\n");
  }
}

/** A line without the spaces at its end. A pattern would look at each of them once for every one before it. */
function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === " " || line[end - 1] === "\t")) end -= 1;
  return line.slice(0, end);
}

/** An element's attribute; undefined: it has none of that name. */
type Attributes = (name: string) => string | undefined;

const written = (attributes: string, name: string): string | undefined => {
  const found = new RegExp(
    `(?:^|\\s)${name}(?:\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))|(?=\\s|$))`,
    "i",
  ).exec(attributes);
  return found === null ? undefined : decoded(found[1] ?? found[2] ?? found[3] ?? "");
};

/** Reads a message's HTML, from tag to tag. */
class Reader {
  readonly page = new Page();
  readonly #open: Open[] = [];
  /** The number of the next item in each list that is open; undefined: its items have none. */
  readonly #lists: (number | undefined)[] = [];
  #pre = 0;
  #cells = 0;

  said(words: string): void {
    if (this.#pre > 0) this.page.lines(words);
    else this.page.words(words);
  }

  begin(kind: string, attribute: Attributes): void {
    this.page.newLine(this.#breaksOf(kind));
    if (kind === "br") this.page.lineBreak();
    else if (kind === "hr") this.page.write("———");
    else if (kind === "img") this.page.words(attribute("alt") ?? attribute("title") ?? "");
    if (kind === "hr") this.page.newLine(2);
    if (VOID.has(kind) || this.#open.length >= MAX_DEPTH) return;
    const inner = this.#inside(kind, attribute);
    const isSpoiler = attribute("data-mx-spoiler") !== undefined;
    if (isSpoiler) this.page.write(spoilerBegins(attribute("data-mx-spoiler")));
    this.#open.push({
      kind,
      close: isSpoiler ? () => `${inner?.() ?? ""}]` : inner,
    });
  }

  /** What an element changes for the words in it. Answers what stands behind them, if anything does. */
  #inside(kind: string, attribute: Attributes): Open["close"] {
    const { page } = this;
    if (kind === "blockquote") page.within.push("> ");
    else if (kind === "pre") this.#pre++;
    else if (kind === "tr") this.#cells = 0;
    else if ((kind === "td" || kind === "th") && this.#cells++ > 0) page.write(" | ");
    else if (kind === "ul" || kind === "ol") {
      if (this.#lists.length > 0) page.within.push("  ");
      const start = Number(attribute("start") ?? 1);
      this.#lists.push(kind === "ol" ? (Number.isSafeInteger(start) ? start : 1) : undefined);
    } else if (kind === "li") {
      const number = this.#lists.at(-1);
      if (number !== undefined) this.#lists[this.#lists.length - 1] = number + 1;
      page.item(number === undefined ? "• " : `${number}. `);
    } else if (kind === "a") return this.#link(attribute("href"));
    return undefined;
  }

  /** Where a link leads is said, unless it is what one reads, or a person or a room. */
  #link(href: string | undefined): Open["close"] {
    if (href === undefined || !/^(?:https?|ftp|mailto|magnet):/i.test(href)) return undefined;
    if (/^https:\/\/matrix\.to\/#\/[@!#]/.test(href)) return undefined;
    const begin = this.page.place;
    return () => {
      const words = this.page.since(begin).trim();
      return words === "" || href.replace(/^mailto:/i, "") === words ? "" : ` (${href})`;
    };
  }

  end(kind: string): void {
    const at = this.#open.findLastIndex((one) => one.kind === kind);
    while (at >= 0 && this.#open.length > at) this.#close(this.#open.pop()!);
    this.page.newLine(this.#breaksOf(kind));
  }

  #close({ kind, close }: Open): void {
    const words = close?.() ?? "";
    if (words !== "") this.page.write(words);
    if (kind === "blockquote") this.page.within.pop();
    else if (kind === "pre") this.#pre--;
    else if (kind === "ul" || kind === "ol") {
      this.#lists.pop();
      if (this.#lists.length > 0) this.page.within.pop();
    }
    this.page.newLine(this.#breaksOf(kind));
  }

  /** Paragraphs of a list's item stand close to one another. */
  #breaksOf(kind: string): number {
    return kind === "p" && this.#lists.length > 0 ? 1 : (BREAKS[kind] ?? 0);
  }

  endAll(): void {
    while (this.#open.length > 0) this.#close(this.#open.pop()!);
  }
}

function spoilerBegins(reason: string | undefined): string {
  const why = plainName(reason);
  return why === undefined ? `[${msg("Spoiler")}: ` : `[${msg("Spoiler")} (${why}): `;
}

/** All that one reads of a message's HTML, as plain text with its lines; spoilers are marked as such. */
export function wholeText(html: string): string {
  const reader = new Reader();
  // A browser reads HTML as browsers do, so that nothing that others see is hidden here. It is no part of the page: nothing runs.
  if (typeof DOMParser === "function")
    readNodes(reader, new DOMParser().parseFromString(html, "text/html").body, 0);
  else readTags(reader, html);
  reader.endAll();
  return reader.page.toString();
}

function readNodes(reader: Reader, parent: Node, depth: number): void {
  for (const node of parent.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) reader.said(node.nodeValue ?? "");
    if (!(node instanceof Element) || depth >= MAX_DEPTH) continue;
    const kind = node.localName;
    if (UNSEEN.test(kind)) continue;
    reader.begin(kind, (name) => node.getAttribute(name) ?? undefined);
    readNodes(reader, node, depth + 1);
    if (!VOID.has(kind)) reader.end(kind);
  }
}

/** The same where there is no browser, tag by tag. */
function readTags(reader: Reader, html: string): void {
  let left = "";
  let skipping = 0;
  for (const [, tag, attributes = "", words] of html.matchAll(PIECES)) {
    if (tag === undefined) {
      if (skipping === 0) reader.said(decoded(words!));
      continue;
    }
    const isEnd = tag.startsWith("/");
    const kind = tag.slice(isEnd ? 1 : 0).toLowerCase();
    if (skipping > 0) {
      if (kind === left) skipping += isEnd ? -1 : 1;
    } else if (isEnd) reader.end(kind);
    else if (UNSEEN.test(kind)) [left, skipping] = [kind, 1];
    else reader.begin(kind, (name) => written(attributes, name));
  }
}

/** All words of a message as its readers see them, as plain text with its lines; spoilers are marked as such. */
export function wholeWords(content: Content, isAnswer: boolean): string {
  const isHtml = text(content, "format") === "org.matrix.custom.html";
  const html = isHtml ? text(content, "formatted_body") : undefined;
  const said = html === undefined ? "" : plainText(wholeText(html)).trim();
  if (said !== "") return said;
  const body = text(content, "body") ?? "";
  return plainText(isAnswer ? withoutQuotation(body) : body);
}
