import { object, text, type Content } from "../api/types.ts";
import { plainText } from "./names.ts";

/** Characters of a message that are looked at for one line of it. */
const MAX_LOOKED_AT = 4000;
/** Characters of that line. */
const MAX_LINE = 400;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};
/** In the place of what is hidden until it is wanted. */
const HIDDEN = "▒▒▒▒";
const BLOCK = /^\/?(?:p|div|li|ul|ol|br|hr|tr|td|th|table|blockquote|pre|h[1-6])$/i;

function decode(entity: string): string {
  const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(entity);
  if (code === null) return ENTITIES[entity.toLowerCase()] ?? `&${entity};`;
  const point = code[1] === undefined ? Number(code[2]) : Number.parseInt(code[1], 16);
  return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : "";
}

/** Tags of HTML as [, "/name" or "name", attributes], and the words between them as [, , , words]. */
export const PIECES = /<(\/?[a-z][\w-]*)([^<>]{0,1000})>|([^<]+|<)/gi;

/** Words of HTML, with their entities as they are read. */
export const decoded = (words: string): string =>
  words.replace(/&(#?\w{1,8});/g, (_, entity: string) => decode(entity));

/** Elements of which nothing is shown, whatever is in them; the first is the quotation of an answer. */
export const UNSEEN =
  /^(?:mx-reply|script|style|title|template|iframe|noscript|svg|math|audio|video)$/;

/**
 * What a message's HTML says, on one line and without its marks: for previews. What is hidden stays hidden. It is only ever shown as
 * text.
 */
export function lineOf(html: string): string {
  let said = "";
  /** The kind of element that is left out, a spoiler or what nobody sees, and how many of its kind are open. */
  let left = "";
  let skipping = 0;
  for (const match of html.slice(0, MAX_LOOKED_AT).matchAll(PIECES)) {
    const [, tag, attributes = "", words] = match;
    if (tag === undefined) {
      if (skipping === 0) said += decoded(words!);
      continue;
    }
    const kind = tag.replace("/", "").toLowerCase();
    const isSpoiler = /\bdata-mx-spoiler\b/i.test(attributes);
    if (skipping > 0) {
      if (kind === left) skipping += tag.startsWith("/") ? -1 : 1;
    } else if (isSpoiler || UNSEEN.test(tag.toLowerCase())) {
      if (isSpoiler) said += HIDDEN;
      left = kind;
      skipping = 1;
    } else if (/^img$/i.test(tag)) said += /\balt="([^"]*)"/i.exec(attributes)?.[1] ?? "";
    else if (BLOCK.test(tag)) said += " ";
  }
  return said.replace(/\s+/g, " ").trim();
}

/** The event that a message answers, by its content. */
export function answered(content: Content): string | undefined {
  const relation = object(content, "m.relates_to");
  if (text(relation, "rel_type") === "m.thread" && relation?.["is_falling_back"] === true) {
    return undefined;
  }
  return text(object(relation, "m.in_reply_to"), "event_id");
}

/** A plain body without the quotation that old clients put in front of an answer. */
export function withoutQuotation(body: string): string {
  if (!body.startsWith("> ")) return body;
  const lines = body.split("\n");
  const end = lines.findIndex((line) => !line.startsWith(">"));
  return end < 0 ? body : lines.slice(lines[end] === "" ? end + 1 : end).join("\n");
}

/** A message's words on one line of at most `limit` characters, without marks for their form. What is hidden stays hidden. */
export function plainLine(content: Content, isAnswer: boolean, limit = MAX_LINE): string {
  const isHtml = text(content, "format") === "org.matrix.custom.html";
  const html = isHtml ? text(content, "formatted_body") : undefined;
  const said = html === undefined ? "" : lineOf(html);
  const body = (text(content, "body") ?? "").slice(0, MAX_LOOKED_AT);
  const line = plainText(said !== "" ? said : isAnswer ? withoutQuotation(body) : body)
    .replace(/\s+/g, " ")
    .trim();
  return line.length > limit ? `${line.slice(0, limit).toWellFormed()}…` : line;
}
