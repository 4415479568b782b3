import { msg, str } from "@lit/localize";
import { atom } from "nanostores";
import { object, text, type Content, type MatrixEvent, type SyncResponse } from "../api/types.ts";
import { describeMessage, isMessage } from "./describe.ts";
import { PresenceStore } from "./presence.ts";
import { Room, type Membership } from "./room.ts";
import { unreadIn } from "./unread.ts";
import { directPartner, roomAvatar, roomName } from "./room-name.ts";

/** A room as the list shows it. */
export interface RoomSummary {
  roomId: string;
  name: string;
  avatarUrl: string | undefined;
  membership: Membership;
  /** The one this room is with, when it is a direct chat. */
  partner: string | undefined;
  preview: string;
  /** Milliseconds of the last activity; 0 when nothing is known. */
  ts: number;
  unread: number;
  highlights: number;
  favourite: boolean;
  isSpace: boolean;
}

/** All rooms of the person who is signed in, and the list made of them. */
export class RoomStore {
  readonly me: string;
  readonly rooms = new Map<string, Room>();
  readonly presence = new PresenceStore();
  readonly accountData = new Map<string, Content>();
  readonly $list = atom<readonly RoomSummary[]>([]);
  readonly #summaries = new Map<string, RoomSummary>();
  #directs = new Map<string, string>();

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

  /**
   * Merges a `/sync` response. Answers the ids of the rooms it touched. With `whole` it is the answer to a sync that
   * begins anew: what it does not name is gone.
   */
  apply(response: SyncResponse, now: number, whole = false): Set<string> {
    const touched = new Set<string>();
    if (whole) this.#leaveAll(touched);
    for (const event of response.account_data?.events ?? []) {
      this.accountData.set(event.type, event.content);
      if (event.type === "m.direct") this.#readDirects(event.content, touched);
    }
    for (const [roomId, data] of Object.entries(response.rooms?.join ?? {})) {
      const room = this.ensure(roomId);
      if (room.membership !== "join") room.clearState();
      room.membership = "join";
      room.changed(...room.apply(data));
      touched.add(roomId);
    }
    this.#applyInvites(response, touched);
    for (const [roomId, data] of Object.entries(response.rooms?.leave ?? {})) {
      const room = this.rooms.get(roomId);
      if (room === undefined) continue;
      room.apply(data);
      const own = room.stateEvent("m.room.member", this.me);
      room.membership = text(own?.content, "membership") === "ban" ? "ban" : "leave";
      room.changed("$timeline", "$state");
      touched.add(roomId);
    }
    this.presence.apply(response.presence?.events ?? [], now);
    this.refresh(touched);
    return touched;
  }

  #leaveAll(touched: Set<string>): void {
    for (const [roomId, room] of this.rooms) {
      if (room.membership === "leave") continue;
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

  /** Makes the summaries of these rooms anew and sorts the list. */
  refresh(roomIds: Iterable<string>): void {
    for (const roomId of roomIds) {
      const room = this.rooms.get(roomId);
      const listed = room !== undefined && room.membership !== "leave" && room.membership !== "ban";
      if (listed) this.#summaries.set(roomId, this.#summarise(room));
      else this.#summaries.delete(roomId);
    }
    this.$list.set([...this.#summaries.values()].toSorted((a, b) => b.ts - a.ts));
  }

  #summarise(room: Room): RoomSummary {
    const last = lastMessage(room);
    const partner = this.partnerOf(room);
    const unread = unreadIn(room, this.me, this.accountData.get("m.push_rules"));
    return {
      roomId: room.roomId,
      name: roomName(room, this.me),
      avatarUrl: roomAvatar(room, partner),
      membership: room.membership,
      partner,
      preview: last === undefined ? "" : previewOf(room, last, this.me, partner !== undefined),
      ts: last?.origin_server_ts ?? newestTime(room),
      unread: unread.notifications,
      highlights: unread.highlights,
      favourite: object(room.tags(), "m.favourite") !== undefined,
      isSpace: text(room.stateEvent("m.room.create")?.content, "type") === "m.space",
    };
  }
}

function lastMessage(room: Room): MatrixEvent | undefined {
  const pending = room.timeline.pending.findLast(
    (entry) => !entry.hidden && isMessage(entry.event),
  );
  const entry =
    pending ?? room.timeline.entries.findLast((one) => !one.hidden && isMessage(one.event));
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
