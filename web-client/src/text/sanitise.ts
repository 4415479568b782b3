import createDOMPurify from "dompurify";
import { splitLinks } from "./links.ts";

const TAGS = [
  "del",
  "h1",
  "h2",
  "h3",
  "h4",
  "h5",
  "h6",
  "blockquote",
  "p",
  "a",
  "ul",
  "ol",
  "sup",
  "sub",
  "li",
  "b",
  "i",
  "u",
  "strong",
  "em",
  "s",
  "code",
  "hr",
  "br",
  "div",
  "table",
  "thead",
  "tbody",
  "tr",
  "th",
  "td",
  "caption",
  "pre",
  "span",
  "img",
  "details",
  "summary",
];
const ATTRIBUTES = [
  "data-mx-bg-color",
  "data-mx-color",
  "data-mx-spoiler",
  "data-mx-maths",
  "data-mx-emoticon",
  "data-mxc",
  "target",
  "rel",
  "href",
  "width",
  "height",
  "alt",
  "title",
  "start",
  "class",
];
const LINKS = /^(https?|ftp|mailto|magnet|matrix):/i;
const COLOUR = /^#[0-9a-f]{6}$/i;
const MXC = /^mxc:\/\/[^/?#\s]+\/[\w-]+$/;
/** Deeper markup than this is cut: no one reads it, and browsers choke on it. */
const MAX_DEPTH = 100;

type Purifier = ReturnType<typeof createDOMPurify>;
let purifier: Purifier | undefined;

function keepOnly(node: Element, attribute: string, valid: RegExp): void {
  const value = node.getAttribute(attribute);
  if (value !== null && !valid.test(value)) node.removeAttribute(attribute);
}

function dress(node: Element): void {
  if (node.hasAttribute("class")) {
    const classes = [...node.classList].filter(
      (name) => node.tagName === "CODE" && /^language-[\w+-]+$/.test(name),
    );
    if (classes.length > 0) node.setAttribute("class", classes.join(" "));
    else node.removeAttribute("class");
  }
  if (node.tagName === "A") {
    keepOnly(node, "href", LINKS);
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  } else {
    for (const name of ["href", "target", "rel"]) node.removeAttribute(name);
  }
  keepOnly(node, "data-mx-color", COLOUR);
  keepOnly(node, "data-mx-bg-color", COLOUR);
  for (const name of ["width", "height"]) {
    if (node.tagName === "IMG") keepOnly(node, name, /^\d{1,4}$/);
    else node.removeAttribute(name);
  }
}

function tooDeep(node: Node): boolean {
  let depth = 0;
  for (let at: Node | null = node; at !== null; at = at.parentNode)
    if (++depth > MAX_DEPTH) return true;
  return false;
}

function makePurifier(): Purifier {
  const made = createDOMPurify(window);
  made.addHook("uponSanitizeElement", (node) => {
    if (node.nodeName === "MX-REPLY" || tooDeep(node)) node.parentNode?.removeChild(node);
  });
  made.addHook("beforeSanitizeAttributes", (node) => {
    if (node.tagName !== "IMG") return;
    // The address is moved aside, so that nothing is ever fetched but by us, with the token.
    const source = node.getAttribute("src") ?? "";
    node.removeAttribute("data-mxc");
    if (MXC.test(source)) node.setAttribute("data-mxc", source);
    node.removeAttribute("src");
    if (!node.hasAttribute("alt")) node.setAttribute("alt", node.getAttribute("title") ?? "");
  });
  made.addHook("afterSanitizeAttributes", dress);
  return made;
}

const REPLY_BEGINS = /<mx-reply>/gi;
const REPLY_ENDS = /<\/mx-reply>/gi;

/** Without the quotations in front of answers; looks at every character once. */
function withoutQuotation(html: string): string {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    REPLY_BEGINS.lastIndex = at;
    const begin = REPLY_BEGINS.exec(html);
    if (begin === null) break;
    REPLY_ENDS.lastIndex = REPLY_BEGINS.lastIndex;
    const end = REPLY_ENDS.exec(html);
    if (end === null) break;
    kept.push(html.slice(at, begin.index));
    at = REPLY_ENDS.lastIndex;
  }
  return kept.join("") + html.slice(at);
}

/** Elements that a browser opens again in every block, until somebody closes them. (HTML, 13.2.4.3.) */
const FORMATTING = /<(b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])(\s*>)?/gi;
const TAG = /<[a-z/]/gi;
/** A browser looks through all that is open at every tag: the square of ten thousand takes a second. */
const MAX_TAGS = 5_000;
/** Of those that are alike a browser opens three. */
const ALIKE = 3;
/** Elements, by estimate. */
const MAX_ELEMENTS = 300_000;

/**
 * Whether a browser might make more elements of it than it can cope with: twenty kilobytes of unclosed elements, and
 * paragraphs in which each of them is opened again, are millions; and where thousands lie inside one another it takes
 * seconds. A page of text has some hundreds. Looks at every character once.
 */
export function isMarkupBomb(html: string): boolean {
  const bare = new Map<string, number>();
  let reopened = 0;
  for (const [, name, end] of html.matchAll(FORMATTING)) {
    const kind = name!.toLowerCase();
    const before = end === undefined ? 0 : (bare.get(kind) ?? 0);
    if (end !== undefined) bare.set(kind, before + 1);
    if (before < ALIKE) reopened += 1;
  }
  const tags = html.match(TAG)?.length ?? 0;
  return tags > MAX_TAGS || tags * reopened > MAX_ELEMENTS;
}

/** Addresses in the text become links, but in code and in what is a link already. */
function linkTexts(root: DocumentFragment): void {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode() !== null) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    if (!/[@#:.]/.test(text.data)) continue;
    if (text.parentElement?.closest("a, pre, code, [data-mx-maths]")) continue;
    const parts = splitLinks(text.data);
    if (!parts.some(({ href }) => href !== undefined)) continue;
    text.replaceWith(
      ...parts.map(({ text: words, href }) => {
        if (href === undefined) return words;
        const link = root.ownerDocument.createElement("a");
        link.href = href;
        link.target = "_blank";
        link.rel = "noopener noreferrer nofollow";
        link.textContent = words;
        return link;
      }),
    );
  }
}

const BLOCKS = new Set(["P", "LI", "BR", "TR", "DIV", "H1", "H2", "H3", "H4", "H5", "H6", "HR"]);

/** Leaves the beginning of a text: so many characters and lines. Answers whether something was cut. */
function shorten(root: DocumentFragment, characters: number, lines: number): boolean {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  let [left, rows, isCut] = [characters, lines, false];
  while (walker.nextNode() !== null) {
    const node = walker.currentNode;
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node as Text;
      rows -= text.data.split("\n").length - 1;
      if (left < text.data.length) {
        text.data = text.data.slice(0, left).toWellFormed();
        isCut = true;
      }
      left -= text.data.length;
    } else if (BLOCKS.has(node.nodeName)) rows -= 1;
    if (left <= 0 || rows <= 0) return dropAfter(root, node) || isCut;
  }
  return false;
}

/** Takes away all that comes behind a node. Answers whether there was something. */
function dropAfter(root: DocumentFragment, node: Node): boolean {
  let dropped = false;
  for (let at: Node = node; at !== root && at.parentNode !== null; at = at.parentNode) {
    while (at.nextSibling !== null) {
      dropped ||= (at.nextSibling.textContent ?? "").trim() !== "";
      at.nextSibling.remove();
    }
  }
  return dropped;
}

/** Characters and lines that are shown of a long message until somebody wants all of it. */
const FOLDED = { characters: 3000, lines: 40 };

/** The beginning of a plain text that is long, or undefined. */
export function beginningOf(text: string): string | undefined {
  let end = 0;
  for (let line = 0; line < FOLDED.lines; line++) {
    const next = text.indexOf("\n", end);
    if (next < 0) {
      end = text.length;
      break;
    }
    end = next + 1;
  }
  // What is but a little longer is not worth a button.
  const cut = Math.min(end, FOLDED.characters);
  return text.length - cut < 400 ? undefined : text.slice(0, cut).trimEnd().toWellFormed();
}

/**
 * A stranger's `formatted_body` as harmless HTML: the specification's tags and attributes, links that open apart,
 * and images only by `data-mxc`, to be filled in by us. The quotation in front of an answer (`mx-reply`) is dropped.
 */
export function sanitise(html: string): string {
  return asHtml(clean(html));
}

/** The same, whole and as far as it is shown until somebody wants all of it; the latter only where that is less. */
export function sanitiseFolded(html: string): { whole: string; beginning: string | undefined } {
  const fragment = clean(html);
  const whole = asHtml(fragment);
  if (whole.length < FOLDED.characters / 2) return { whole, beginning: undefined };
  const copy = fragment.cloneNode(true) as DocumentFragment;
  const isCut = shorten(copy, FOLDED.characters, FOLDED.lines);
  return { whole, beginning: isCut ? asHtml(copy) : undefined };
}

function asHtml(fragment: DocumentFragment): string {
  const holder = fragment.ownerDocument.createElement("div");
  holder.append(fragment.cloneNode(true));
  return holder.innerHTML;
}

function clean(html: string): DocumentFragment {
  purifier ??= makePurifier();
  const fragment = purifier.sanitize(withoutQuotation(html), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: LINKS,
    ADD_URI_SAFE_ATTR: [
      "data-mx-bg-color",
      "data-mx-color",
      "data-mx-spoiler",
      "data-mx-maths",
      "data-mx-emoticon",
      "data-mxc",
      "target",
      "rel",
      "start",
      "class",
      "width",
      "height",
    ],
    RETURN_DOM_FRAGMENT: true,
  });
  linkTexts(fragment);
  return fragment;
}

let setter: Purifier | undefined;

/** Coloured code, as `typeset` makes it: letters in coloured spans, and nothing else. */
export function sanitiseCode(html: string): string {
  setter ??= createDOMPurify(window);
  return setter.sanitize(html, { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"] });
}

/** A formula in MathML, as `typeset` makes it, without its source. */
export function sanitiseMaths(html: string): string {
  setter ??= createDOMPurify(window);
  const from = html.indexOf("<math");
  return setter.sanitize(html.slice(from), {
    USE_PROFILES: { mathMl: true },
    ADD_FORBID_CONTENTS: ["annotation"],
    FORBID_ATTR: ["href", "style", "class"],
  });
}
