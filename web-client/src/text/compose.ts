import type { EventContent } from "../api/types.ts";

/** A name in the composer's text that stands for a person, or for a room. */
export interface Mention {
  /** The id of the person or the room. */
  userId: string;
  /** As it stands in the text, without the "@" or "#". */
  name: string;
}

/** A picture that stands in a line of text. */
export interface Emoticon {
  mxc: string;
  /** What it is called, and what it shows. */
  code: string;
  body: string;
}

type MessageContent = EventContent<"m.room.message">;

export interface Draft {
  body: string;
  mentions: readonly Mention[];
  /** Pictures that may stand in it, by name. */
  emoticons?: ReadonlyMap<string, Emoticon>;
  /** The event that is answered. */
  replyTo?: { eventId: string; sender: string };
  /** The event of ours that is edited, and its content where it is a file with words. */
  edits?: string;
  edited?: MessageContent;
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
export type Renderer = (
  markdown: string,
  mentions?: readonly Mention[],
  emoticons?: ReadonlyMap<string, Emoticon>,
) => string | undefined;

/** What a command makes of a message: its sort, its words, and whether they are taken as they stand. */
interface Spoken {
  msgtype: "m.text" | "m.emote";
  body: string;
  plain?: boolean;
}

const BEFORE: Readonly<Record<string, string>> = {
  shrug: "¯\\_(ツ)_/¯",
  tableflip: "(╯°□°)╯︵ ┻━┻",
  unflip: "┬──┬ ノ( ゜-゜ノ)",
};

/** The commands that are messages. (Those that do something are in `store/commands.ts`.) */
export const SPOKEN = new Set(["me", "plain", "spoiler", ...Object.keys(BEFORE)]);

/** The command at the beginning of a text: its name, and what follows. Undefined for other text. */
export function commandIn(text: string): { name: string; rest: string } | undefined {
  const match = /^\/([a-z]+)(?=\s|$)/i.exec(text);
  if (match === null) return undefined;
  return { name: match[1]!.toLowerCase(), rest: text.slice(match[0].length).trim() };
}

function spoken(text: string): Spoken {
  if (text.startsWith("//")) return { msgtype: "m.text", body: text.slice(1) };
  const { name, rest } = commandIn(text) ?? { name: "", rest: text };
  if (name === "me") return { msgtype: "m.emote", body: rest };
  if (name === "plain") return { msgtype: "m.text", body: rest, plain: true };
  if (name === "spoiler") return { msgtype: "m.text", body: `||${rest}||` };
  const before = BEFORE[name];
  if (before === undefined) return { msgtype: "m.text", body: text };
  return { msgtype: "m.text", body: `${before} ${rest}`.trim(), plain: true };
}

/** The words of a message with what they mean to clients: Markdown, mentions, and commands such as `/me`. */
function wordsOf(draft: Draft, render: Renderer): MessageContent {
  const { msgtype, body, plain } = spoken(draft.body);
  const present = draft.mentions.filter(({ userId, name }) =>
    body.includes(`${userId.startsWith("@") ? "@" : "#"}${name}`),
  );
  const html = plain === true ? undefined : render(body, present, draft.emoticons);
  const people = present.map(({ userId }) => userId).filter((userId) => userId.startsWith("@"));
  const ids = new Set(people);
  if (draft.replyTo !== undefined) ids.add(draft.replyTo.sender);
  const room = /(^|\s)@room\b/.test(body);
  return {
    msgtype,
    body,
    ...(html === undefined ? {} : { format: "org.matrix.custom.html", formatted_body: html }),
    "m.mentions": {
      ...(ids.size > 0 ? { user_ids: [...ids] } : {}),
      ...(room ? { room: true } : {}),
    },
  };
}

/** The new words of a file that had some: the file stays. */
function withFile(words: MessageContent, file: MessageContent | undefined): MessageContent {
  if (file === undefined) return words;
  const { formatted_body: _old, format: _format, "m.relates_to": _relation, ...kept } = file;
  const { msgtype: _sort, ...said } = words;
  return { ...kept, ...said, filename: file.filename ?? file.body };
}

/** What is sent for a draft: a message, an answer or an edit. */
export function contentOf(draft: Draft, render: Renderer, me: string): MessageContent {
  const content = withFile(wordsOf(draft, render), draft.edited);
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
