/** Characters of a message that are looked at for one line of it. */
const MAX_LOOKED_AT = 4000;
/** Characters of that line. */
export const MAX_LINE = 400;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};
const BLOCK = /^\/?(?:p|div|li|ul|ol|br|hr|tr|td|th|table|blockquote|pre|h[1-6])$/i;

function decode(entity: string): string {
  const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(entity);
  if (code === null) return ENTITIES[entity.toLowerCase()] ?? `&${entity};`;
  const point = code[1] === undefined ? Number(code[2]) : Number.parseInt(code[1], 16);
  return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : "";
}

/**
 * What a message's HTML says, on one line and without its marks: for previews. What is hidden stays hidden. It is only ever shown as
 * text.
 */
export function lineOf(html: string): string {
  let said = "";
  /** How many elements are open within a spoiler or a quotation of an answer, which are left out. */
  let skipping = 0;
  for (const match of html
    .slice(0, MAX_LOOKED_AT)
    .matchAll(/<(\/?[a-z][\w-]*)([^<>]{0,1000})>|([^<]+|<)/gi)) {
    const [, tag, attributes = "", words] = match;
    if (tag === undefined) {
      if (skipping === 0)
        said += words!.replace(/&(#?\w{1,8});/g, (_, entity: string) => decode(entity));
      continue;
    }
    const isVoid = /^(?:br|hr|img)$/i.test(tag);
    if (skipping > 0) {
      if (!isVoid) skipping += tag.startsWith("/") ? -1 : 1;
    } else if (/^mx-reply$/i.test(tag)) skipping = 1;
    else if (/\bdata-mx-spoiler\b/.test(attributes)) {
      said += "▒▒▒▒";
      skipping = 1;
    } else if (/^img$/i.test(tag)) said += /\balt="([^"]*)"/i.exec(attributes)?.[1] ?? "";
    else if (BLOCK.test(tag)) said += " ";
  }
  return said.replace(/\s+/g, " ").trim();
}
