import { msg, str } from "@lit/localize";
import { object, strings, text, type MatrixEvent, type Unchecked } from "../api/types.ts";
import { isPoll, pollOf } from "./polls.ts";
import { repliesTo } from "./relations.ts";
import { localName, type Room } from "./room.ts";
import { isRedacted, MESSAGE_TYPES } from "./timeline.ts";
import { plainName } from "../text/names.ts";
import { plainLine, withoutQuotation } from "../text/plain.ts";

/** The content that is shown: of the newest edit, or the event's own. */
export function shownContent(room: Room, event: MatrixEvent): Unchecked<"m.room.message"> {
  const edit = isRedacted(event) ? undefined : room.timeline.relations.editOf(event);
  return object(edit?.content, "m.new_content") ?? event.content;
}

/** A plain body without the quotation that old clients put in front of an answer. */
export function bodyWithoutFallback(event: MatrixEvent, body: string): string {
  return repliesTo(event) === undefined ? body : withoutQuotation(body);
}

const ATTACHMENTS = new Set(["m.image", "m.video", "m.audio", "m.file"]);

/** True for a message that is a file, with or without words. */
export function isAttachment(event: MatrixEvent): boolean {
  return event.type === "m.room.message" && ATTACHMENTS.has(text(event.content, "msgtype") ?? "");
}

/** The words that go with a file; undefined when its body is but its name. */
export function captionOf(content: Unchecked<"m.room.message">): string | undefined {
  const [name, body] = [text(content, "filename"), text(content, "body")];
  return name !== undefined && body !== undefined && body !== name ? body : undefined;
}

/** One line that says what a message holds: for the room list, quotes and screen readers. `limit` is that of its words, in characters. */
export function describeMessage(room: Room, event: MatrixEvent, limit?: number): string {
  if (isRedacted(event)) return msg("Message deleted");
  if (event.type === "m.room.encrypted") return msg("Encrypted message");
  if (event.type === "m.sticker") return msg("Sticker");
  const content = shownContent(room, event);
  if (isPoll(event)) {
    const question = pollOf(content)?.question;
    return question === undefined ? msg("Poll") : msg(str`Poll: ${question}`);
  }
  const body = plainLine(content, repliesTo(event) !== undefined, limit);
  switch (text(content, "msgtype")) {
    case "m.image":
      return msg(str`Image: ${body}`);
    case "m.video":
      return msg(str`Video: ${body}`);
    case "m.audio":
      return msg(str`Audio: ${body}`);
    case "m.file":
      return msg(str`File: ${body}`);
    case "m.emote":
      return `${room.displayName(event.sender)} ${body}`;
    default:
      return body || msg("Empty message");
  }
}

/** Whose names are known: those of a room, or nobody's. */
export interface Names {
  displayName(userId: string): string;
  /** Undefined for whom nothing is known of. */
  member(userId: string): unknown;
}

function memberChange(room: Names, event: MatrixEvent): string | undefined {
  const target = event.state_key ?? "";
  const content: Unchecked<"m.room.member"> = event.content;
  const replaced: Unchecked<"m.room.member"> | undefined = event.unsigned?.prev_content;
  const now = text(content, "membership");
  const before = text(replaced, "membership") ?? "leave";
  const name = plainName(text(content, "displayname")) ?? plainName(text(replaced, "displayname"));
  const who =
    name ?? (room.member(target) !== undefined ? room.displayName(target) : localName(target));
  const actor = room.displayName(event.sender);
  if (now === "join")
    return before === "join" ? profileChange(event, who) : msg(str`${who} joined`);
  if (now === "invite") return msg(str`${actor} invited ${who}`);
  if (now === "ban") return msg(str`${actor} banned ${who}`);
  if (now === "knock") return msg(str`${who} asked to join`);
  if (before === "ban") return msg(str`${actor} unbanned ${who}`);
  if (target === event.sender) {
    return before === "invite" ? msg(str`${who} declined the invitation`) : msg(str`${who} left`);
  }
  return before === "invite"
    ? msg(str`${actor} took back the invitation of ${who}`)
    : msg(str`${actor} removed ${who}`);
}

function profileChange(event: MatrixEvent, who: string): string | undefined {
  const content: Unchecked<"m.room.member"> = event.content;
  const before: Unchecked<"m.room.member"> | undefined = event.unsigned?.prev_content;
  const oldName = plainName(text(before, "displayname"));
  const newName = plainName(text(content, "displayname"));
  if (oldName !== newName) {
    const from = oldName ?? localName(event.state_key ?? "");
    return newName === undefined
      ? msg(str`${from} removed their name`)
      : msg(str`${from} is now called ${newName}`);
  }
  if (text(before, "avatar_url") !== text(content, "avatar_url")) {
    return msg(str`${who} changed their picture`);
  }
  return undefined;
}

/** What happened, in words, for events that are no messages; undefined for those not worth a line. */
export function describeNotice(room: Names, event: MatrixEvent): string | undefined {
  const actor = room.displayName(event.sender);
  switch (event.type) {
    case "m.room.member":
      return memberChange(room, event);
    case "m.room.create":
      return msg(str`${actor} created this room`);
    case "m.room.name": {
      const name = plainName(text<Unchecked<"m.room.name">>(event.content, "name"));
      return name
        ? msg(str`${actor} named the room “${name}”`)
        : msg(str`${actor} removed the room’s name`);
    }
    case "m.room.topic": {
      const topic = plainName(text<Unchecked<"m.room.topic">>(event.content, "topic"));
      return topic
        ? msg(str`${actor} set the topic: ${topic}`)
        : msg(str`${actor} removed the topic`);
    }
    case "m.room.avatar":
      return msg(str`${actor} changed the room’s picture`);
    case "m.room.message": {
      if (!isVerificationRequest(event)) return undefined;
      const asked = text(event.content, "to");
      return asked === undefined
        ? msg(str`${actor} asked to verify`)
        : msg(str`${actor} asked to verify ${room.displayName(asked)}`);
    }
    case "m.room.encryption":
      return msg(str`${actor} turned on encryption`);
    case "m.room.tombstone":
      return msg("This room has been replaced");
    case "m.room.pinned_events":
      return msg(str`${actor} changed the pinned messages`);
    case "m.room.power_levels":
      return msg(str`${actor} changed who may do what`);
    case "m.room.canonical_alias": {
      const content: Unchecked<"m.room.canonical_alias"> = event.content;
      const alias = plainName(text(content, "alias") ?? strings(content, "alt_aliases")[0]);
      return alias
        ? msg(str`${actor} set the room’s address to ${alias}`)
        : msg(str`${actor} changed the room’s address`);
    }
    case "m.room.join_rules":
      return text<Unchecked<"m.room.join_rules">>(event.content, "join_rule") === "public"
        ? msg(str`${actor} made the room public`)
        : msg(str`${actor} changed who may join`);
    case "m.room.server_acl":
      return msg(str`${actor} changed which servers may take part`);
    default:
      return undefined;
  }
}

/** A request to verify goes as a message, with words for clients that don't know it. */
function isVerificationRequest(event: MatrixEvent): boolean {
  return (
    event.type === "m.room.message" &&
    text(event.content, "msgtype") === "m.key.verification.request"
  );
}

/** True for what is shown as a message by someone, and not as a note. */
export function isMessage(event: MatrixEvent): boolean {
  if (isVerificationRequest(event)) return false;
  return MESSAGE_TYPES.has(event.type) && event.state_key === undefined;
}
