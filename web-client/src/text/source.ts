import { text, type Content } from "../api/types.ts";
import type { Mention } from "./compose.ts";
import { parseMatrixLink } from "./links.ts";

/** What one wrote to make a message: its Markdown, and who is mentioned in it. */
export interface Source {
  text: string;
  mentions: Mention[];
}

const LINK = /<a\s[^>]{0,20}?href="([^"]{1,600})"[^>]{0,200}>([^<]{1,300})<\/a>/gi;
const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};
const decoded = (html: string): string =>
  html.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);

/** The text to open for changing a message of one's own, with the people that it mentions. */
export function sourceOf(content: Content): Source {
  let body = text(content, "body") ?? "";
  const html = text(content, "formatted_body");
  const mentions: Mention[] = [];
  for (const [, href, words] of (html ?? "").matchAll(LINK)) {
    const place = parseMatrixLink(decoded(href!));
    if (place?.kind !== "user") continue;
    const name = decoded(words!).replace(/^@/, "");
    // Other clients write the name alone.
    if (!body.includes(`@${name}`)) body = body.replace(name, `@${name}`);
    if (body.includes(`@${name}`)) mentions.push({ userId: place.userId, name });
  }
  if (text(content, "msgtype") === "m.emote") return { text: `/me ${body}`, mentions };
  // A slash that was meant is meant still.
  return { text: /^\/(\/|[a-z]+(?=\s|$))/i.test(body) ? `/${body}` : body, mentions };
}
