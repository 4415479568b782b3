import { Parser } from "htmlparser2";

/** What a page says of itself; texts in one line, of bounded length. */
export interface PageFacts {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly siteName?: string | undefined;
  readonly type?: string | undefined;
  readonly locale?: string | undefined;
  readonly url?: string | undefined;
  readonly image?: string | undefined;
  readonly imageAlt?: string | undefined;
  /** To which its addresses are relative; undefined: to its own. */
  readonly base?: string | undefined;
  /** What the page allows robots. */
  readonly robots?: string | undefined;
}

/** Elements within one another, beyond which a page is not read on. */
const MAX_DEPTH = 500;
/** Characters that are parsed at once. */
const PIECE = 16_384;
/** Characters of what is shown, and of an address. */
const MAX_TEXT = 500;
const MAX_ADDRESS = 2_048;
/** Characters of a title that are looked at. */
const MAX_TITLE = 4_000;

/** The names under which pages say a thing, the best first. (Open Graph protocol, Twitter cards.) */
const NAMES = {
  title: ["og:title", "twitter:title"],
  description: ["og:description", "twitter:description", "description"],
  siteName: ["og:site_name", "application-name"],
  type: ["og:type"],
  locale: ["og:locale"],
  url: ["og:url"],
  image: [
    ...["og:image:secure_url", "og:image", "og:image:url"],
    ...["twitter:image", "twitter:image:src"],
  ],
  imageAlt: ["og:image:alt", "twitter:image:alt"],
  robots: ["weftpreview", "robots"],
} as const;
const ADDRESSES: ReadonlySet<string> = new Set(["url", "image"]);
const WANTED: ReadonlySet<string> = new Set(Object.values(NAMES).flat());

/** Reads a page, of whatever quality. The time grows with its length and nothing else. */
export function pageFacts(html: string): PageFacts {
  const metas = new Map<string, string>();
  let base: string | undefined;
  let title: string | undefined;
  let [inTitle, depth, isTooDeep] = [false, 0, false];
  const parser = new Parser({
    onopentag(name, attributes) {
      depth += 1;
      isTooDeep ||= depth > MAX_DEPTH;
      if (name === "meta") takeMeta(metas, attributes);
      else if (name === "base") base ??= attributes.href;
      else if (name === "title" && title === undefined) [inTitle, title] = [true, ""];
    },
    onclosetag(name) {
      depth -= 1;
      if (name === "title") inTitle = false;
    },
    ontext(text) {
      if (inTitle && title!.length < MAX_TITLE) title += text.slice(0, MAX_TITLE);
    },
  });
  for (let at = 0; at < html.length && !isTooDeep; at += PIECE) {
    parser.write(html.slice(at, at + PIECE));
  }
  if (!isTooDeep) parser.end();
  const facts = Object.entries(NAMES).map(([key, names]) => {
    const isAddress = ADDRESSES.has(key);
    const said = names.map((name) => metas.get(name) ?? "");
    const shown = said.map((text) => (isAddress ? address(text) : oneLine(text)));
    return [key, shown.find((text) => text !== undefined)];
  });
  const found = Object.fromEntries(facts) as PageFacts;
  return { ...found, title: found.title ?? oneLine(title ?? ""), base: address(base ?? "") };
}

/** The first of each name counts. */
function takeMeta(metas: Map<string, string>, attributes: Record<string, string>): void {
  const { content } = attributes;
  const name = (attributes.property ?? attributes.name ?? "").trim().toLowerCase();
  if (content === undefined || !WANTED.has(name) || metas.has(name)) return;
  metas.set(name, content.slice(0, MAX_TITLE));
}

/** A text as it can be shown; undefined when there is none. */
function oneLine(text: string): string | undefined {
  const plain = text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    // Nothing turns the direction of what follows.
    .replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, "")
    .trim();
  if (plain === "") return undefined;
  const letters = Array.from(plain);
  return letters.length <= MAX_TEXT ? plain : `${letters.slice(0, MAX_TEXT - 1).join("")}…`;
}

function address(text: string): string | undefined {
  const trimmed = text.trim();
  return trimmed === "" || trimmed.length > MAX_ADDRESS ? undefined : trimmed;
}
