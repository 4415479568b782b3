import type { Content, MatrixEvent } from "../api/types.ts";
import { decryptionOf, withDecryption } from "../encryption/decryption.ts";
import type { Shield } from "../encryption/port.ts";
import type { Receipt } from "./receipts.ts";
import type { Removal } from "./removal.ts";
import type { Membership, Room, StateEvent } from "./room.ts";
import type { RoomStore } from "./room-store.ts";
import type { Unread } from "./unread.ts";

/** A room as it is kept between visits. */
export interface StoredRoom {
  roomId: string;
  membership: Membership;
  state: StateEvent[];
  events: (MatrixEvent | ReadEvent)[];
  /** How it is encrypted, whatever its state says. */
  encryption?: Content;
  removal?: Removal;
  prevToken?: string;
  reachedStart: boolean;
  heroes: string[];
  counts: [joined?: number, invited?: number];
  unread: [notifications: number, highlights: number];
  /** Its server does not count what is unread. */
  isUncounted?: true;
  accountData: [string, Content][];
  receipts: [string, Receipt][];
  /** What is unread in threads, and the person's own receipts there. Absent in what older versions wrote. */
  threads?: [root: string, unread: Unread | undefined, read: Receipt | undefined][];
}

/** An event that was read, beside its encrypted form. */
interface ReadEvent {
  wire: MatrixEvent;
  clear: { type: string; content: Content; shield: Shield };
}

const KEPT_EVENTS = 30;
/** Big rooms' members are asked for again rather than kept. */
const KEPT_MEMBERS = 200;

function pack(event: MatrixEvent): MatrixEvent | ReadEvent {
  const known = decryptionOf(event);
  if (known?.state !== "readable") return event;
  const { type, content } = event;
  return { wire: known.wire, clear: { type, content, shield: known.shield } };
}

function unpack(stored: MatrixEvent | ReadEvent): MatrixEvent {
  if (!("wire" in stored)) return stored;
  const { wire, clear } = stored;
  const { type, content, shield } = clear;
  return withDecryption({ ...wire, type, content }, { state: "readable", wire, shield });
}

/** Threads of which is kept what is unread. */
const KEPT_THREADS = 100;

function threadsOf(room: Room, me: string): NonNullable<StoredRoom["threads"]> {
  const read = new Map(room.receipts.threadsOf(me));
  const roots = new Set([...room.threadCounts.keys(), ...[...read.keys()].reverse()]);
  return [...roots]
    .slice(0, KEPT_THREADS)
    .map((root) => [root, room.threadCounts.get(root), read.get(root)]);
}

function restoreThreads(room: Room, threads: StoredRoom["threads"], me: string): void {
  const counts = new Map<string, Unread>();
  for (const [root, unread, read] of threads ?? []) {
    if (unread !== undefined) counts.set(root, unread);
    if (read !== undefined) room.receipts.set(me, read, root);
  }
  room.threadCounts = counts;
}

/** What is kept of a room. */
export function snapshot(room: Room, me: string): StoredRoom {
  const tail = room.timeline.tail(KEPT_EVENTS);
  const speakers = new Set(tail.events.map((event) => event.sender));
  let members = 0;
  const state = room.allState().filter((event) => {
    if (event.type !== "m.room.member" || speakers.has(event.state_key)) return true;
    return room.heroes.includes(event.state_key) || members++ < KEPT_MEMBERS;
  });
  return {
    roomId: room.roomId,
    membership: room.membership,
    state,
    ...tail,
    events: tail.events.map(pack),
    ...(room.encryption === undefined ? {} : { encryption: { ...room.encryption } }),
    ...(room.removal === undefined ? {} : { removal: room.removal }),
    heroes: room.heroes,
    counts: [room.joinedCount, room.invitedCount],
    unread: [room.notificationCount, room.highlightCount],
    ...(room.isCounted ? {} : { isUncounted: true }),
    accountData: [...room.accountData],
    receipts: [...room.receipts.byUser].slice(-KEPT_MEMBERS),
    threads: threadsOf(room, me),
  };
}

/** Takes in a room as it was kept. */
export function restore(store: RoomStore, stored: StoredRoom): void {
  const room = store.ensure(stored.roomId);
  room.membership = stored.membership;
  room.removal = stored.removal;
  if (stored.encryption !== undefined) room.encryption = stored.encryption;
  for (const event of stored.state) room.setState(event);
  room.timeline.append(stored.events.map(unpack), { limited: false, prevToken: stored.prevToken });
  room.timeline.reachedStart = stored.reachedStart;
  room.heroes = stored.heroes;
  [room.joinedCount, room.invitedCount] = stored.counts;
  [room.notificationCount, room.highlightCount] = stored.unread;
  room.isCounted = stored.isUncounted !== true;
  for (const [type, content] of stored.accountData) room.accountData.set(type, content);
  for (const [userId, receipt] of stored.receipts) room.receipts.set(userId, receipt);
  restoreThreads(room, stored.threads, store.me);
}
