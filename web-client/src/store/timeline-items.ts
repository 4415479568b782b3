import { startOfDay } from "../text/time.ts";
import { describeNotice, isMessage } from "./describe.ts";
import { repliesTo } from "./relations.ts";
import type { Room } from "./room.ts";
import { isRedacted, type Entry, type Timeline } from "./timeline.ts";

interface Line {
  key: string;
  /** Milliseconds of the day that begins with this line, when another day went before. */
  day?: number;
  /** True for the first line that is new since the last visit. */
  firstUnread?: boolean;
  /** Readers (not us) whose receipt is on this line, newest first. */
  readers: string[];
}

export interface MessageItem extends Line {
  kind: "message";
  entry: Entry;
  /** False when the message goes on where its sender's last one left off. */
  header: boolean;
}

export interface NoticeItem extends Line {
  kind: "notice";
  /** What happened, in words, oldest first. */
  notices: { eventId: string; ts: number; text: string }[];
}

export type TimelineItem = MessageItem | NoticeItem;

/** Lines are made anew whenever anything happens in the room. What else may change of one is in its version. */
export function looksDifferent(item: MessageItem, before: MessageItem | undefined): boolean {
  return (
    item.entry !== before?.entry ||
    item.header !== before.header ||
    item.readers.join() !== before.readers.join()
  );
}

const versions = new WeakMap<object, number>();
let lastVersion = 0;

/** A number for an event as it is now: it is replaced by another when it is read, edited or taken back. */
function numberOf(event: object | undefined): number {
  if (event === undefined) return 0;
  const known = versions.get(event);
  if (known !== undefined) return known;
  versions.set(event, ++lastVersion);
  return lastVersion;
}

/** Changes when a message may look different, whatever the reason. */
export function versionOf(room: Room, { entry }: MessageItem): string {
  const { event, pending } = entry;
  const { relations, threads } = room.record;
  const answered = repliesTo(event);
  const quoted = answered === undefined ? undefined : room.record.find(answered)?.event;
  const thread = threads.of(event.event_id);
  const unread = room.threadCounts.get(event.event_id)?.notifications;
  return [
    room.stateVersion,
    numberOf(event),
    pending?.state,
    relations.versionOf(event.event_id),
    numberOf(quoted),
    answered && relations.versionOf(answered),
    thread?.count,
    numberOf(thread?.latest),
    unread,
  ].join(" ");
}

/** A sender's messages stand under one name for so long. */
const GROUP_MS = 5 * 60_000;

function continues(before: MessageItem | undefined, entry: Entry): boolean {
  if (before === undefined) return false;
  const [a, b] = [before.entry.event, entry.event];
  return (
    a.sender === b.sender &&
    Math.abs(b.origin_server_ts - a.origin_server_ts) < GROUP_MS &&
    repliesTo(b) === undefined
  );
}

/** Makes the lines of a room's timeline. Holds on to the keys of grouped notes while the history grows at both ends. */
export function createItemBuilder(
  room: Room,
  me: string,
  ignores: (userId: string) => boolean = () => false,
) {
  const noticeKeys = new Map<string, string>();

  function noticeKey(entries: readonly Entry[]): string {
    const known = entries
      .map((entry) => noticeKeys.get(entry.key))
      .find((key) => key !== undefined);
    const key = known ?? `notes ${entries[0]?.key ?? ""}`;
    for (const entry of entries) noticeKeys.set(entry.key, key);
    return key;
  }

  /** The lines of a stretch: with what is being sent, when it ends at the newest event. */
  function build(
    unreadAfter: string | undefined,
    stretch: Timeline = room.timeline,
  ): TimelineItem[] {
    const items: TimelineItem[] = [];
    const lineOf = new Map<string, TimelineItem>();
    let day: number | undefined;
    let notices: Entry[] = [];
    let unreadNext = false;

    const close = (): void => {
      const last = items.at(-1);
      if (last?.kind === "notice" && notices.length > 0) last.key = noticeKey(notices);
      notices = [];
    };

    for (const entry of entriesOf(room, stretch)) {
      const line = lineFor(entry);
      if (line === undefined) {
        const last = items.at(-1);
        if (last !== undefined) lineOf.set(entry.event.event_id, last);
      } else {
        const today = startOfDay(entry.event.origin_server_ts);
        const newDay = today !== day;
        day = today;
        const firstUnread = unreadNext && entry.event.sender !== me;
        const breaks = newDay || firstUnread;
        const last = items.at(-1);
        if (line.kind === "notice" && last?.kind === "notice" && !breaks) {
          last.notices.push(...line.notices);
          lineOf.set(entry.event.event_id, last);
        } else {
          close();
          if (newDay) line.day = today;
          if (firstUnread) line.firstUnread = true;
          if (line.kind === "message") {
            line.header = breaks || !continues(last?.kind === "message" ? last : undefined, entry);
          }
          items.push(line);
          lineOf.set(entry.event.event_id, line);
        }
        if (line.kind === "notice") notices.push(entry);
        unreadNext = false;
      }
      if (entry.event.event_id === unreadAfter) unreadNext = true;
    }
    close();
    placeReaders(lineOf, stretch.thread);
    return items;
  }

  function lineFor(entry: Entry): TimelineItem | undefined {
    const { event } = entry;
    // What is done to a room stays to be seen, whoever did it.
    const isUnheard = event.state_key === undefined && ignores(event.sender);
    if (entry.hidden || isUnheard) return undefined;
    if (isMessage(event))
      return { kind: "message", key: entry.key, entry, header: true, readers: [] };
    if (isRedacted(event)) return undefined;
    const words = describeNotice(room, event);
    if (words === undefined) return undefined;
    const notice = { eventId: event.event_id, ts: event.origin_server_ts, text: words };
    return { kind: "notice", key: entry.key, notices: [notice], readers: [] };
  }

  function placeReaders(
    lineOf: ReadonlyMap<string, TimelineItem>,
    thread: string | undefined,
  ): void {
    const byTime = [...room.receipts.in(thread)].toSorted((a, b) => b[1].ts - a[1].ts);
    for (const [userId, receipt] of byTime) {
      const line = userId === me ? undefined : lineOf.get(receipt.eventId);
      if (line === undefined || room.member(userId)?.membership === "leave") continue;
      if (line.kind === "message" && line.entry.event.sender === userId) {
        // The sender's own receipt on their own words says nothing.
        continue;
      }
      line.readers.push(userId);
    }
  }

  return { build };
}

/** The line on which an event stands, or -1. */
export function lineOf(items: readonly TimelineItem[], eventId: string): number {
  return items.findIndex((item) =>
    item.kind === "message"
      ? item.entry.event.event_id === eventId
      : item.notices.some((notice) => notice.eventId === eventId),
  );
}

/** What a stretch shows: what is said in threads stands in these, and not in the room. */
function entriesOf(room: Room, stretch: Timeline): readonly Entry[] {
  const isOpen = stretch.nextToken !== undefined;
  const { thread } = stretch;
  const own = stretch.entries.filter((one) => thread !== undefined || one.thread === undefined);
  if (isOpen) return own;
  return [...own, ...room.timeline.pending.filter((one) => one.thread === thread)];
}

/** Where reading stopped last time; undefined when nothing of others is loaded behind it. */
export function readUpTo(room: Room, me: string): string | undefined {
  const { entries } = room.timeline;
  const read = room.fullyRead;
  const at = entries.findIndex((entry) => entry.event.event_id === read);
  const news =
    at >= 0 &&
    entries
      .slice(at + 1)
      .some((entry) => !entry.hidden && entry.thread === undefined && entry.event.sender !== me);
  return news ? read : undefined;
}

export type ItemBuilder = ReturnType<typeof createItemBuilder>;
