import { isQuiet } from "../text/quiet-hours.ts";
import type { Content } from "../api/types.ts";
import { plainName } from "../text/names.ts";
import { answered, plainLine } from "../text/plain.ts";

/** What the server pushes: flat, and written by strangers in part. (MSC4174.) */
export interface Pushed {
  ack_token?: unknown;
  room_id?: unknown;
  unread?: unknown;
  type?: unknown;
  sender?: unknown;
  sender_display_name?: unknown;
  room_name?: unknown;
  room_alias?: unknown;
  membership?: unknown;
  content?: unknown;
  /** Whose account it is, as the page told the server. */
  account?: unknown;
  /** Words in the person's language and their quiet hours, which the page gave the server for this. */
  words?: unknown;
  quiet?: unknown;
}

export interface Note {
  readonly title: string;
  readonly options: NotificationOptions;
}

/** The words that a note may need. */
interface NoteWords {
  readonly encrypted: string;
  readonly invites: string;
  readonly message: string;
}

/** Characters of a message that are shown. */
const SHOWN = 240;

function field(table: unknown, name: string): string | undefined {
  if (typeof table !== "object" || table === null) return undefined;
  const value = (table as Record<string, unknown>)[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The note about an event; undefined for what is about none. It says whose it is where there are `several` accounts. */
export function noteOf(data: Pushed, several = false, now = new Date()): Note | undefined {
  const roomId = field(data, "room_id");
  if (roomId === undefined) return undefined;
  const sender = plainName(field(data, "sender_display_name")) ?? field(data, "sender") ?? "";
  const room = plainName(field(data, "room_name")) ?? field(data, "room_alias");
  const said = wordsOf(data);
  const account = field(data, "account");
  const title = room ?? (sender || "Weft");
  return {
    title: several && account !== undefined ? `${title} · ${account}` : title,
    options: {
      body: room === undefined || sender === "" ? said : `${sender}: ${said}`,
      // One note for each room, also with those that the page shows by itself.
      tag: account === undefined ? roomId : `${account} ${roomId}`,
      icon: "./icon-192.png",
      data: { roomId, account },
      silent: isQuiet(data.quiet, now),
    },
  };
}

function wordsOf(data: Pushed): string {
  const words = (name: keyof NoteWords, otherwise: string) => field(data.words, name) ?? otherwise;
  if (data.type === "m.room.encrypted") return words("encrypted", "Encrypted message");
  if (data.membership === "invite") return words("invites", "Invites you");
  const content = (typeof data.content === "object" ? data.content : null) as Content | null;
  const said = content && plainLine(content, answered(content) !== undefined, SHOWN);
  return said || words("message", "New message");
}
