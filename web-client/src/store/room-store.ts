import { msg, str } from "@lit/localize";
import { atom } from "nanostores";
import {
  object,
  text,
  type Content,
  type JoinedRoomSync,
  type MatrixEvent,
  type SyncResponse,
} from "../api/types.ts";
import { describeMessage, isMessage } from "./describe.ts";
import { OWN_PRESENCE, PresenceStore } from "./presence.ts";
import { Room, type Membership } from "./room.ts";
import { notifyLevels, type NotifyLevel } from "./notify-level.ts";
import { removalOf, type Removal } from "./removal.ts";
import { tagOrder, type OrderedTag } from "./room-tags.ts";
import { isMarkedUnread } from "./unread-mark.ts";
import { countHere, inAll, unreadIn } from "./unread.ts";
import { directPartner, roomAvatar, roomName } from "./room-name.ts";

/** A room as the list shows it. */
export interface RoomSummary {
  roomId: string;
  name: string;
  avatarUrl: string | undefined;
  membership: Membership;
  /** The one this room is with, when it is a direct chat. */
  partner: string | undefined;
  /** Who invites, as they are called. */
  inviter: string | undefined;
  preview: string;
  /** Milliseconds of the last activity; 0 when nothing is known. */
  ts: number;
  unread: number;
  highlights: number;
  favourite: boolean;
  isSpace: boolean;
  /** The tag that puts it in a part of the list of its own, and its place there. */
  tag: OrderedTag | undefined;
  order: number | undefined;
  markedUnread: boolean;
  notify: NotifyLevel;
  /** How one was put out of it, while it is kept to be read. */
  removal: Removal | undefined;
}

/** All rooms of the person who is signed in, and the list made of them. */
export class RoomStore {
  readonly me: string;
  readonly rooms = new Map<string, Room>();
  readonly presence = new PresenceStore();
  readonly accountData = new Map<string, Content>();
  readonly $list = atom<readonly RoomSummary[]>([]);
  /** True while the list is shown, as it was kept, and not all of its rooms are read. */
  isFilling = false;
  readonly #summaries = new Map<string, RoomSummary>();
  #directs = new Map<string, string>();
  #ignored: ReadonlySet<string> = new Set();
  #levels = new Map<string, NotifyLevel>();

  constructor(me: string) {
    this.me = me;
  }

  room(roomId: string): Room | undefined {
    return this.rooms.get(roomId);
  }

  /** The room, made when it isn't there yet (a join that is not synced). */
  ensure(roomId: string): Room {
    const known = this.rooms.get(roomId);
    if (known !== undefined) return known;
    const room = new Room(roomId);
    this.rooms.set(roomId, room);
    return room;
  }

  /** Takes account data that was written here, as if sync had brought it. */
  takeAccountData(type: string, content: Content): void {
    this.apply({ next_batch: "", account_data: { events: [{ type, content }] } }, Date.now());
  }

  /**
   * Merges a `/sync` response. Answers the ids of the rooms it touched. `all` are the rooms that there are, when a sync that
   * began anew has told of them all: others are gone.
   */
  apply(response: SyncResponse, now: number, all?: ReadonlySet<string>): Set<string> {
    const touched = new Set<string>();
    if (all !== undefined) this.#leaveOthers(all, touched);
    for (const event of response.account_data?.events ?? []) {
      this.accountData.set(event.type, event.content);
      if (event.type === "m.direct") this.#readDirects(event.content, touched);
      if (event.type === "m.ignored_user_list") this.#readIgnored(event.content, touched);
      if (event.type === "m.push_rules") this.#readLevels(event.content, touched);
      if (event.type === OWN_PRESENCE) this.presence.readOwn(event.content);
    }
    this.#applyInvites(response, touched);
    const joined: Record<string, JoinedRoomSync> = response.rooms?.join ?? {};
    for (const [roomId, data] of Object.entries(joined)) {
      const room = isBeside(data) ? this.rooms.get(roomId) : this.ensure(roomId);
      if (room === undefined) continue;
      touched.add(roomId);
      if (isBeside(data)) {
        room.changed(...room.apply(data));
        continue;
      }
      if (data.initial === true) room.isCounted = false;
      if (room.membership !== "join" || data.initial === true) room.clearState();
      room.membership = "join";
      room.removal = undefined;
      room.isPeeked = false;
      room.changed(...room.apply(data));
    }
    for (const [roomId, data] of Object.entries(response.rooms?.leave ?? {})) {
      const room = this.rooms.get(roomId);
      if (room === undefined) continue;
      this.#leave(room, data);
      touched.add(roomId);
    }
    this.presence.apply(response.presence?.events ?? [], now);
    this.refresh(touched);
    return touched;
  }

  #leave(room: Room, data: JoinedRoomSync): void {
    const before = room.membership;
    room.apply(data);
    const own = room.stateEvent("m.room.member", this.me);
    room.membership = text(own?.content, "membership") === "ban" ? "ban" : "leave";
    const isTakenBack = before === "invite" && room.membership === "leave";
    room.removal = isTakenBack ? undefined : removalOf(room, this.me);
    room.notificationCount = 0;
    room.highlightCount = 0;
    room.changed("$timeline", "$state");
  }

  #leaveOthers(all: ReadonlySet<string>, touched: Set<string>): void {
    for (const [roomId, room] of this.rooms) {
      if (all.has(roomId)) continue;
      if (room.membership === "leave" || room.removal !== undefined) continue;
      room.membership = "leave";
      room.changed("$state");
      touched.add(roomId);
    }
  }

  #applyInvites(response: SyncResponse, touched: Set<string>): void {
    const invites = Object.entries(response.rooms?.invite ?? {}).map(
      ([roomId, data]) => [roomId, "invite", data.invite_state] as const,
    );
    const knocks = Object.entries(response.rooms?.knock ?? {}).map(
      ([roomId, data]) => [roomId, "knock", data.knock_state] as const,
    );
    for (const [roomId, membership, stripped] of [...invites, ...knocks]) {
      const room = this.ensure(roomId);
      if (room.membership !== membership) room.clearState();
      room.membership = membership;
      room.removal = undefined;
      for (const event of stripped?.events ?? []) room.setState(event);
      room.changed("$state", "$timeline");
      touched.add(roomId);
    }
  }

  #readDirects(content: Content, touched: Set<string>): void {
    const directs = new Map<string, string>();
    for (const userId of Object.keys(content)) {
      const roomIds = content[userId];
      if (!Array.isArray(roomIds)) continue;
      for (const roomId of roomIds) if (typeof roomId === "string") directs.set(roomId, userId);
    }
    const concerned = [...this.#directs.keys(), ...directs.keys()];
    this.#directs = directs;
    for (const roomId of concerned) if (this.rooms.has(roomId)) touched.add(roomId);
  }

  /** Whether this person ignores someone. */
  ignores(userId: string): boolean {
    return this.#ignored.has(userId);
  }

  /** What those who are ignored said goes from sight, where it stands loaded. */
  #readIgnored(content: Content, touched: Set<string>): void {
    const next = new Set(Object.keys(object(content, "ignored_users") ?? {}));
    const isSame = next.size === this.#ignored.size && [...next].every((one) => this.ignores(one));
    this.#ignored = next;
    if (isSame) return;
    for (const room of this.rooms.values()) {
      room.changed("$timeline");
      touched.add(room.roomId);
    }
  }

  /** Notes for which rooms there are rules of their own; what is unread in encrypted ones goes by rules, too. */
  #readLevels(content: Content, touched: Set<string>): void {
    const before = this.#levels;
    this.#levels = notifyLevels(content);
    for (const roomId of new Set([...before.keys(), ...this.#levels.keys()])) {
      const isOther = before.get(roomId) !== this.#levels.get(roomId);
      if (isOther && this.rooms.has(roomId)) touched.add(roomId);
    }
  }

  /** The room that is the direct chat with someone, when there is one. */
  directWith(userId: string): string | undefined {
    for (const [roomId, partner] of this.#directs) {
      if (partner === userId && this.rooms.get(roomId)?.membership === "join") return roomId;
    }
    return undefined;
  }

  partnerOf(room: Room): string | undefined {
    return directPartner(room, this.me, this.#directs);
  }

  summary(roomId: string): RoomSummary | undefined {
    return this.#summaries.get(roomId);
  }

  forget(roomId: string): void {
    this.rooms.delete(roomId);
    this.refresh([roomId]);
  }

  /** Shows the list as it was kept, while its rooms are being read. */
  foretell(list: readonly RoomSummary[]): void {
    for (const summary of list) this.#summaries.set(summary.roomId, summary);
    this.isFilling = true;
    this.#show();
  }

  /** All rooms that were kept are read. */
  filled(): void {
    this.isFilling = false;
    this.refresh(new Set([...this.#summaries.keys(), ...this.rooms.keys()]));
  }

  /** Makes the summaries of these rooms anew and sorts the list. What has not changed stays the same object. */
  refresh(roomIds: Iterable<string>): void {
    for (const roomId of roomIds) {
      const room = this.rooms.get(roomId);
      const isIn = room !== undefined && room.membership !== "leave" && room.membership !== "ban";
      const listed = isIn || room?.removal !== undefined;
      if (!listed) this.#summaries.delete(roomId);
      else {
        const summary = this.#summarise(room);
        const before = this.#summaries.get(roomId);
        if (!isSame(summary, before)) this.#summaries.set(roomId, summary);
      }
    }
    this.#show();
  }

  #show(): void {
    this.$list.set([...this.#summaries.values()].toSorted((a, b) => b.ts - a.ts));
  }

  #summarise(room: Room): RoomSummary {
    const last = lastMessage(room, (userId) => this.ignores(userId));
    const partner = this.partnerOf(room);
    const tag = tagOf(room);
    const rules = this.accountData.get("m.push_rules");
    if (room.membership === "join" && !room.isCounted) countHere(room, this.me, rules);
    const unread = inAll(unreadIn(room, this.me, rules));
    return {
      roomId: room.roomId,
      name: roomName(room, this.me),
      avatarUrl: roomAvatar(room, partner),
      membership: room.membership,
      partner,
      inviter: inviterOf(room, this.me),
      preview: last === undefined ? "" : previewOf(room, last, this.me, partner !== undefined),
      ts: last?.origin_server_ts ?? newestTime(room),
      unread: unread.notifications,
      highlights: unread.highlights,
      favourite: tag === "m.favourite",
      isSpace: text(room.stateEvent("m.room.create")?.content, "type") === "m.space",
      tag,
      order: tag === undefined ? undefined : tagOrder(room, tag),
      markedUnread: isMarkedUnread(room),
      notify: this.#levels.get(room.roomId) ?? "default",
      removal: room.removal,
    };
  }
}

/** What comes beside a room's own news does not say that one is in it: some servers tell of receipts where one is invited. */
const isBeside = (data: JoinedRoomSync): boolean =>
  Object.keys(data).every((key) => key === "ephemeral" || key === "account_data");

function isSame(a: RoomSummary, b: RoomSummary | undefined): boolean {
  return (
    b !== undefined && (Object.keys(a) as (keyof RoomSummary)[]).every((key) => a[key] === b[key])
  );
}

function inviterOf(room: Room, me: string): string | undefined {
  if (room.membership !== "invite") return undefined;
  const sender = room.stateEvent("m.room.member", me)?.sender;
  return sender === undefined || sender === me ? undefined : room.displayName(sender);
}

/** A favourite that is of low priority, too, is a favourite. */
function tagOf(room: Room): OrderedTag | undefined {
  const tags = room.tags();
  if (object(tags, "m.favourite") !== undefined) return "m.favourite";
  return object(tags, "m.lowpriority") === undefined ? undefined : "m.lowpriority";
}

function lastMessage(room: Room, ignores: (userId: string) => boolean): MatrixEvent | undefined {
  const pending = room.timeline.pending.findLast(
    (entry) => !entry.hidden && isMessage(entry.event),
  );
  const entry =
    pending ??
    room.timeline.entries.findLast(
      (one) => !one.hidden && isMessage(one.event) && !ignores(one.event.sender),
    );
  return entry?.event;
}

/** For rooms without a message: when the last thing happened, else when the room was made. */
function newestTime(room: Room): number {
  const last = room.timeline.last?.origin_server_ts;
  if (last !== undefined) return last;
  let newest = 0;
  for (const event of room.allState()) newest = Math.max(newest, event.origin_server_ts ?? 0);
  // Invites come without times; they stand in a section of their own.
  return newest;
}

function previewOf(room: Room, event: MatrixEvent, me: string, direct: boolean): string {
  const said = describeMessage(room, event);
  if (event.sender === me) return msg(str`You: ${said}`);
  if (direct || event.content["msgtype"] === "m.emote") return said;
  return `${room.displayName(event.sender)}: ${said}`;
}
