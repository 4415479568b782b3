import type { StateInline } from "markdown-it";
import type { Emoticon, Mention, Renderer } from "./compose.ts";
import { matrixTo } from "./links.ts";

type InlineRule = (state: StateInline, silent: boolean) => boolean;

/** What a message's rules know besides its text. */
interface Known {
  mentions: readonly Mention[];
  emoticons: ReadonlyMap<string, Emoticon>;
}

/** Characters: what is pasted may be such that the work grows with the square of its length. */
const MAX_MARKDOWN = 20_000;

/** Where a rule may begin: what stands between is text. */
const SPECIAL = /[\n!#$%&*+\-:<=>@[\\\]^_`{|}~]/g;

const plainText: InlineRule = (state, silent) => {
  SPECIAL.lastIndex = state.pos;
  const found = SPECIAL.exec(state.src)?.index ?? state.posMax;
  const end = Math.min(found, state.posMax);
  if (end === state.pos) return false;
  if (!silent) state.pending += state.src.slice(state.pos, end);
  state.pos = end;
  return true;
};

/** `||hidden until it is asked for||` */
const spoiler: InlineRule = (state, silent) => {
  const { src, pos, posMax } = state;
  if (!src.startsWith("||", pos)) return false;
  const end = src.indexOf("||", pos + 2);
  if (end < 0 || end + 2 > posMax || src.slice(pos + 2, end).trim() === "") return false;
  if (!silent) {
    state.push("spoiler_open", "span", 1).attrSet("data-mx-spoiler", "");
    state.pos = pos + 2;
    state.posMax = end;
    state.md.inline.tokenize(state);
    state.push("spoiler_close", "span", -1);
  }
  state.pos = end + 2;
  state.posMax = posMax;
  return true;
};

/** `$x^2$`, and `$$x^2$$` for a formula on a line of its own. Prices are left alone. */
const maths: InlineRule = (state, silent) => {
  const { src, pos, posMax } = state;
  if (src[pos] !== "$") return false;
  const fence = src[pos + 1] === "$" ? "$$" : "$";
  const from = pos + fence.length;
  const end = src.indexOf(fence, from);
  if (end < 0 || end + fence.length > posMax) return false;
  const formula = src.slice(from, end);
  const after = src[end + fence.length] ?? "";
  if (formula.trim() === "" || (fence === "$" && (/^\s|\s$|\n/.test(formula) || /\d/.test(after))))
    return false;
  if (!silent) {
    const token = state.push("maths", "", 0);
    token.content = formula.trim();
    token.block = fence === "$$" && src.trim() === `$$${formula}$$`;
  }
  state.pos = end + fence.length;
  return true;
};

/** `@Name` of somebody, and `#Name` of a room, that were chosen while writing. */
const mention: InlineRule = (state, silent) => {
  const { src, pos } = state;
  if (src[pos] !== "@" && src[pos] !== "#") return false;
  const { mentions } = state.env as unknown as Known;
  const found = mentions.find((one) => src.startsWith(textOf(one), pos));
  if (found === undefined || state.linkLevel > 0) return false;
  if (!silent) {
    state.push("link_open", "a", 1).attrSet("href", matrixTo(found.userId));
    state.push("text", "", 0).content = found.name;
    state.push("link_close", "a", -1);
  }
  state.pos = pos + textOf(found).length;
  return true;
};

/** Characters of an emoticon's code, with its pack's name. */
const MAX_CODE = 250;

/** `:name:` of an emoticon of the room or the person. */
const emoticon: InlineRule = (state, silent) => {
  const { src, pos } = state;
  if (src[pos] !== ":") return false;
  const end = src.indexOf(":", pos + 1);
  if (end < 0 || end - pos > MAX_CODE) return false;
  const found = (state.env as unknown as Known).emoticons.get(src.slice(pos + 1, end));
  if (found === undefined) return false;
  if (!silent) {
    state.push("emoticon", "", 0).meta = { ...found };
  }
  state.pos = end + 1;
  return true;
};

/** As somebody or a room stands in the text. */
const textOf = ({ userId, name }: Mention): string =>
  userId.startsWith("@") ? `@${name}` : `#${name}`;

export async function loadRenderer(): Promise<Renderer> {
  const { default: MarkdownIt } = await import("markdown-it");
  const markdown = new MarkdownIt({ html: false, linkify: false, breaks: true });
  const { escapeHtml } = markdown.utils;
  const { ruler } = markdown.inline;
  ruler.at("text", plainText);
  ruler.before("emphasis", "spoiler", spoiler);
  ruler.before("escape", "maths", maths);
  ruler.before("emphasis", "mention", mention);
  ruler.before("emphasis", "emoticon", emoticon);
  markdown.renderer.rules["maths"] = (tokens, at) => {
    const { content, block } = tokens[at]!;
    const tag = block ? "div" : "span";
    const formula = escapeHtml(content);
    return `<${tag} data-mx-maths="${formula}"><code>${formula}</code></${tag}>`;
  };
  markdown.renderer.rules["emoticon"] = (tokens, at) => {
    const { mxc, code, body } = tokens[at]!.meta as unknown as Emoticon;
    const [src, alt, title] = [mxc, body, code].map(escapeHtml);
    return `<img data-mx-emoticon src="${src}" alt="${alt}" title="${title}" height="32">`;
  };
  return (source, mentions = [], emoticons = new Map()) => {
    if (source.length > MAX_MARKDOWN) return undefined;
    const byLength = mentions.toSorted((a, b) => b.name.length - a.name.length);
    const html = markdown.render(source, { mentions: byLength, emoticons } satisfies Known).trim();
    // One paragraph needs no wrapping; and without any tag left the plain body says it all.
    const single = /^<p>([\s\S]*)<\/p>$/.exec(html);
    const inner = single !== null && !single[1]!.includes("<p>") ? single[1]! : html;
    return /<(?!br\s*\/?>)/.test(inner) ? inner : undefined;
  };
}
