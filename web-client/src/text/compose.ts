import type { EventContent } from "../api/types.ts";
import { matrixTo } from "./links.ts";

/** A name in the composer's text that stands for a person. */
export interface Mention {
  userId: string;
  /** As it stands in the text, without the "@". */
  name: string;
}

type MessageContent = EventContent<"m.room.message">;

export interface Draft {
  body: string;
  mentions: readonly Mention[];
  /** The event that is answered. */
  replyTo?: { eventId: string; sender: string };
  /** The event of ours that is edited. */
  edits?: string;
  /** The thread that it is written in: its root, and the newest event in it, for clients that know no threads. */
  thread?: { root: string; latest: string };
}

/** How a message is told that belongs to another: in its thread, or as the answer to it. */
export function relationOf(
  draft: Pick<Draft, "replyTo" | "thread">,
): MessageContent["m.relates_to"] | undefined {
  const { replyTo, thread } = draft;
  if (thread === undefined) {
    return replyTo === undefined ? undefined : { "m.in_reply_to": { event_id: replyTo.eventId } };
  }
  return {
    rel_type: "m.thread",
    event_id: thread.root,
    is_falling_back: replyTo === undefined,
    "m.in_reply_to": { event_id: replyTo?.eventId ?? thread.latest },
  };
}

/** Turns Markdown into HTML, or answers undefined where it would change nothing. Loaded when first needed. */
export type Renderer = (markdown: string) => string | undefined;

/** Characters: what is pasted may be such that the work grows with the square of its length. */
const MAX_MARKDOWN = 20_000;

export async function loadRenderer(): Promise<Renderer> {
  const { default: MarkdownIt } = await import("markdown-it");
  const markdown = new MarkdownIt({ html: false, linkify: false, breaks: true });
  return (source) => {
    if (source.length > MAX_MARKDOWN) return undefined;
    const html = markdown.render(source).trim();
    // One paragraph needs no wrapping; and without any tag left the plain body says it all.
    const single = /^<p>([\s\S]*)<\/p>$/.exec(html);
    const inner = single !== null && !single[1]!.includes("<p>") ? single[1]! : html;
    return /<(?!br\s*\/?>)/.test(inner) ? inner : undefined;
  };
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()<>#+\-.!|~]/g, "\\$&");
}

/** Mentioned names become links to the people, as other clients show them. */
function withMentionLinks(body: string, mentions: readonly Mention[]): string {
  let linked = body;
  for (const { name, userId } of mentions) {
    linked = linked.replaceAll(`@${name}`, `[${escapeMarkdown(name)}](${matrixTo(userId)})`);
  }
  return linked;
}

/** The content of a text message: Markdown, mentions, `/me` and `/plain`. */
function messageContent(draft: Draft, render: Renderer): MessageContent {
  const emote = draft.body.startsWith("/me ");
  const plain = draft.body.startsWith("/plain ");
  const body = emote ? draft.body.slice(4) : plain ? draft.body.slice(7) : draft.body;
  const present = draft.mentions.filter((mention) => body.includes(`@${mention.name}`));
  const html = plain ? undefined : render(withMentionLinks(body, present));
  const ids = new Set(present.map((mention) => mention.userId));
  if (draft.replyTo !== undefined) ids.add(draft.replyTo.sender);
  const room = /(^|\s)@room\b/.test(body);
  return {
    msgtype: emote ? "m.emote" : "m.text",
    body,
    ...(html === undefined ? {} : { format: "org.matrix.custom.html", formatted_body: html }),
    "m.mentions": {
      ...(ids.size > 0 ? { user_ids: [...ids] } : {}),
      ...(room ? { room: true } : {}),
    },
  };
}

/** What is sent for a draft: a message, an answer or an edit. */
export function contentOf(draft: Draft, render: Renderer, me: string): MessageContent {
  const content = messageContent(draft, render);
  const mentions = content["m.mentions"];
  if (mentions?.user_ids !== undefined) {
    const others = mentions.user_ids.filter((userId) => userId !== me);
    if (others.length > 0) mentions.user_ids = others;
    else delete mentions.user_ids;
  }
  if (draft.edits !== undefined) {
    const fallback: MessageContent = { ...content, body: `* ${content.body}` };
    if (content.formatted_body !== undefined)
      fallback.formatted_body = `* ${content.formatted_body}`;
    // People who were mentioned already are not called again by the edit.
    fallback["m.mentions"] = {};
    return {
      ...fallback,
      "m.new_content": content,
      "m.relates_to": { rel_type: "m.replace", event_id: draft.edits },
    };
  }
  const relation = relationOf(draft);
  return relation === undefined ? content : { ...content, "m.relates_to": relation };
}
