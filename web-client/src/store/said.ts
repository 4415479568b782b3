import { msg, str } from "@lit/localize";
import { object, text, type Content, type MatrixEvent } from "../api/types.ts";
import { plainName } from "../text/names.ts";
import { answered } from "../text/plain.ts";
import { wholeWords } from "../text/whole.ts";
import { captionOf, describeNotice, isMessage, type Names } from "./describe.ts";
import { isPoll, pollOf } from "./polls.ts";
import { isRedacted } from "./redactions.ts";

/** All that a message says to its readers, as plain text with its lines. `content` is that of its newest edit. */
export function wholeMessage(
  names: Names,
  event: MatrixEvent,
  content: Content = event.content,
): string {
  if (isRedacted(event)) return msg("Message deleted");
  if (event.type === "m.room.encrypted") return msg("Encrypted message");
  if (event.type === "m.sticker") return msg("Sticker");
  if (isPoll(event)) return wholePoll(content);
  // The relation stands in the message itself, also where it was edited.
  const words = wholeWords(content, answered(event.content) !== undefined);
  const file = plainName(text(content, "filename") ?? text(content, "body")) ?? msg("File");
  const caption = captionOf(content) === undefined ? "" : `\n${words}`;
  switch (text(content, "msgtype")) {
    case "m.image":
      return msg(str`Image: ${file}`) + caption;
    case "m.video":
      return msg(str`Video: ${file}`) + caption;
    case "m.audio":
      return msg(str`Audio: ${file}`) + caption;
    case "m.file":
      return msg(str`File: ${file}`) + caption;
    case "m.emote":
      return `${names.displayName(event.sender)} ${words}`;
    default:
      return words.trim() === "" ? msg("Empty message") : words;
  }
}

function wholePoll(content: Content): string {
  const poll = pollOf(content);
  if (poll === undefined) return msg("Poll");
  const question = msg(str`Poll: ${poll.question}`);
  return [question, ...poll.answers.map((answer) => `• ${answer.text}`)].join("\n");
}

/**
 * What an event says, in words: of a message all of it, of another what happened. Undefined for what is worth no line in a
 * conversation.
 */
export function wholeEvent(names: Names, event: MatrixEvent): string | undefined {
  if (!isMessage(event)) return describeNotice(names, event);
  const relation = object(event.content, "m.relates_to");
  const edited = object(event.content, "m.new_content");
  if (text(relation, "rel_type") !== "m.replace" || edited === undefined)
    return wholeMessage(names, event);
  const words = wholeMessage(names, event, edited);
  return msg(str`Changed to: ${words}`);
}
