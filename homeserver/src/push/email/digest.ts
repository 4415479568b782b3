/** The mail that tells what is unread. */
import type { Block, Mail } from "../../mail/types.ts";
import type { JsonObject } from "../../protocol/json.ts";
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

/** Where links of a digest lead. */
interface Places {
  readonly baseUrl: string;
  readonly serverName: string;
  readonly unsubscribe: string;
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
  { baseUrl, serverName, unsubscribe }: Places,
): Mail {
  const rooms = [...Map.groupBy(events, ({ roomId }) => roomId).values()];
  const count = `${hasMore ? "more than " : ""}${events.length}`;
  const subject =
    rooms.length === 1
      ? `Unread in ${nameOf(rooms[0]![0]!)} on ${serverName}`
      : `Unread in ${rooms.length} rooms on ${serverName}`;
  const rest = rooms.length - MAX_ROOMS;
  const isOne = events.length === 1 && !hasMore;
  return {
    to,
    subject,
    blocks: [
      isOne
        ? "There is one notification that you have not seen."
        : `There are ${count} notifications that you have not seen.`,
      ...rooms.slice(0, MAX_ROOMS).flatMap((all) => roomBlocks(all, baseUrl)),
      ...(rest > 0 ? [`And ${rest} more rooms.`] : []),
      { link: unsubscribe, label: "Have no more of these mails", isSmall: true },
    ],
    headers: {
      "List-Unsubscribe": `<${unsubscribe}>`,
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
  };
}

function roomBlocks(events: readonly ToldEvent[], baseUrl: string): Block[] {
  const first = events[0]!;
  const list = events
    .slice(-MAX_PER_ROOM)
    .map((event) => ({ label: senderOf(event), text: textOf(event) }));
  const earlier = events.length - list.length;
  const more = earlier > 0 ? [{ text: `${earlier} before these` }] : [];
  const link = `${baseUrl}/#/room/${encodeURIComponent(first.roomId)}`;
  return [
    { heading: nameOf(first) },
    { list: [...more, ...list] },
    { link, label: first.isInvite ? "See the invite" : "Read on", isSmall: true },
  ];
}

const line = (text: string, max: number) =>
  wellFormed(text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, " ").trim(), max);

const senderOf = ({ senderName, sender }: ToldEvent) => line(senderName ?? sender, MAX_NAME);
const nameOf = (event: ToldEvent) =>
  event.roomName === undefined ? `a room with ${senderOf(event)}` : line(event.roomName, MAX_NAME);

function textOf({ type, content, isInvite }: ToldEvent): string {
  if (isInvite) return "invites you";
  if (type === "m.room.encrypted") return "an encrypted message";
  const { body } = content;
  if (typeof body !== "string" || line(body, MAX_TEXT) === "") return "something new";
  return line(body, MAX_TEXT);
}
