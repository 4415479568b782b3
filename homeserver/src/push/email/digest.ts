/** The mail that tells what is unread. */
import type { Block, Mail } from "../../mail/types.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Language } from "../../users/common/languages.ts";
import { DIGEST_WORDS, type DigestWords } from "./words.ts";
import { wellFormed } from "../../protocol/text.ts";

/** An event that a digest may tell of. */
export interface ToldEvent {
  readonly roomId: string;
  readonly roomName: string | undefined;
  readonly sender: string;
  readonly senderName: string | undefined;
  readonly type: string;
  readonly content: JsonObject;
  readonly isInvite: boolean;
}

/** Where links of a digest lead, and what it is written in. */
interface Places {
  readonly baseUrl: string;
  readonly serverName: string;
  readonly unsubscribe: string;
  /** What its reader reads. */
  readonly language: Language;
}

const MAX_ROOMS = 10;
const MAX_PER_ROOM = 5;
const MAX_TEXT = 300;
const MAX_NAME = 80;

/**
 * @param events at least one, in the order in which they happened
 * @param hasMore there is more than these
 */
export function digestMail(
  to: string,
  events: readonly ToldEvent[],
  hasMore: boolean,
  { baseUrl, serverName, unsubscribe, language }: Places,
): Mail {
  const words = DIGEST_WORDS[language];
  const rooms = [...Map.groupBy(events, ({ roomId }) => roomId).values()];
  const subject =
    rooms.length === 1
      ? words.subjectOfOne(nameOf(rooms[0]![0]!, words), serverName)
      : words.subjectOfMore(rooms.length, serverName);
  const rest = rooms.length - MAX_ROOMS;
  const isOne = events.length === 1 && !hasMore;
  return {
    to,
    language,
    subject,
    blocks: [
      isOne ? words.one : words.more(events.length, hasMore),
      ...rooms.slice(0, MAX_ROOMS).flatMap((all) => roomBlocks(all, baseUrl, words)),
      ...(rest > 0 ? [words.otherRooms(rest)] : []),
      { link: unsubscribe, label: words.unsubscribe, isSmall: true },
    ],
    headers: {
      "List-Unsubscribe": `<${unsubscribe}>`,
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
  };
}

function roomBlocks(events: readonly ToldEvent[], baseUrl: string, words: DigestWords): Block[] {
  const first = events[0]!;
  const list = events
    .slice(-MAX_PER_ROOM)
    .map((event) => ({ label: senderOf(event), text: textOf(event, words) }));
  const earlier = events.length - list.length;
  const more = earlier > 0 ? [{ text: words.earlier(earlier) }] : [];
  const link = `${baseUrl}/#/room/${encodeURIComponent(first.roomId)}`;
  return [
    { heading: nameOf(first, words) },
    { list: [...more, ...list] },
    { link, label: first.isInvite ? words.seeInvite : words.readOn, isSmall: true },
  ];
}

const line = (text: string, max: number) =>
  wellFormed(text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, " ").trim(), max);

const senderOf = ({ senderName, sender }: ToldEvent) => line(senderName ?? sender, MAX_NAME);
const nameOf = (event: ToldEvent, words: DigestWords) =>
  event.roomName === undefined ? words.roomWith(senderOf(event)) : line(event.roomName, MAX_NAME);

function textOf({ type, content, isInvite }: ToldEvent, words: DigestWords): string {
  if (isInvite) return words.invites;
  if (type === "m.room.encrypted") return words.encrypted;
  const { body, formatted_body: html } = content;
  if (typeof html === "string" && html.includes("data-mx-spoiler")) return words.spoiler;
  if (typeof body !== "string" || line(body, MAX_TEXT) === "") return words.something;
  return line(body, MAX_TEXT);
}
