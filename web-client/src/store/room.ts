import type { Schema } from "@weft/spec/types";
import { atom } from "nanostores";
import {
  object,
  text,
  type Content,
  type EventType,
  type JoinedRoomSync,
  type MatrixEvent,
  type StrippedEvent,
  type Unchecked,
} from "../api/types.ts";
import { looksLikeId, looksOf, plainName, plainText } from "../text/names.ts";
import { Receipts } from "./receipts.ts";
import type { Removal } from "./removal.ts";
import { threadOf } from "./relations.ts";
import { RoomRecord } from "./room-record.ts";
import { Timeline } from "./timeline.ts";
import type { Unread } from "./unread.ts";

export type Membership = Schema<"Membership">;

export interface Member {
  userId: string;
  membership: Membership;
  displayName: string | undefined;
  avatarUrl: string | undefined;
}

/** A state event as the room keeps it: invites have only stripped ones, without ids and times. */
export type StateEvent = StrippedEvent &
  Partial<Pick<MatrixEvent, "event_id" | "origin_server_ts" | "unsigned">>;

/** The same, with the keys that the contents of its type have. */
export type StateOf<Type extends EventType> = Omit<StateEvent, "content"> & {
  content: Unchecked<Type>;
};

/** Counters that go up by one when their part of the room has changed; elements watch these. */
function signals() {
  return { $timeline: atom(0), $state: atom(0), $typing: atom(0), $receipts: atom(0) };
}

export type Aspect = keyof ReturnType<typeof signals>;

/** One room: its state, its loaded history and what is in the air in it. */
export class Room {
  readonly roomId: string;
  readonly record = new RoomRecord();
  /** What is loaded of the newest. */
  readonly timeline = new Timeline(this.record);
  readonly receipts = new Receipts();
  readonly accountData = new Map<string, Content>();
  readonly signals = signals();
  membership: Membership = "leave";
  /** How somebody else put one out of it, while what was said before stays to be read. */
  removal: Removal | undefined;
  /** Shown without being in it, as everybody may read it. */
  isPeeked = false;
  typing: readonly string[] = [];
  heroes: string[] = [];
  joinedCount: number | undefined;
  invitedCount: number | undefined;
  /** Its server counts what is unread. */
  isCounted = false;
  notificationCount = 0;
  highlightCount = 0;
  /** What its server counts as unread in threads, by their roots. */
  threadCounts: ReadonlyMap<string, Unread> = new Map();
  /** Everyone in the room is known: an answer of `/members` was taken in, and sync has had no gap since. */
  membersLoaded = false;
  /** While everyone is asked for. */
  membersLoading: Promise<void> | undefined;
  /** How often it was lost who is in the room. */
  gaps = 0;
  /**
   * How the room is encrypted: the content of its first `m.room.encryption`. A room stays encrypted, whatever its server
   * says of its state later.
   */
  encryption: Unchecked<"m.room.encryption"> | undefined;
  /** Goes up when names, pictures or rights may have changed. */
  stateVersion = 0;
  readonly #state = new Map<string, Map<string, StateEvent>>();
  #nameCounts: Map<string, number> | undefined;

  constructor(roomId: string) {
    this.roomId = roomId;
  }

  changed(...aspects: Aspect[]): void {
    for (const aspect of aspects) this.signals[aspect].set(this.signals[aspect].get() + 1);
  }

  stateEvent<Type extends EventType>(type: Type, stateKey?: string): StateOf<Type> | undefined;
  stateEvent(type: string, stateKey?: string): StateEvent | undefined;
  stateEvent(type: string, stateKey = ""): StateEvent | undefined {
    return this.#state.get(type)?.get(stateKey);
  }

  stateOf(type: string): ReadonlyMap<string, StateEvent> {
    return this.#state.get(type) ?? new Map();
  }

  allState(): StateEvent[] {
    return [...this.#state.values()].flatMap((ofType) => [...ofType.values()]);
  }

  setState(event: StateEvent): void {
    const ofType = this.#state.get(event.type) ?? new Map<string, StateEvent>();
    ofType.set(event.state_key, event);
    this.#state.set(event.type, ofType);
    this.stateVersion++;
    if (event.type === "m.room.member") this.#nameCounts = undefined;
    if (event.type === "m.room.encryption" && event.state_key === "") this.#encrypt(event.content);
  }

  #encrypt(content: Unchecked<"m.room.encryption">): void {
    const isOff = typeof content.algorithm !== "string";
    if (!isOff || this.encryption === undefined) this.encryption = content;
  }

  #loseMembers(): void {
    this.membersLoaded = false;
    this.gaps += 1;
  }

  clearState(): void {
    this.#loseMembers();
    this.#state.clear();
    this.#nameCounts = undefined;
  }

  member(userId: string): Member | undefined {
    const event = this.stateEvent("m.room.member", userId);
    return event === undefined ? undefined : memberOf(event);
  }

  /** Those who are in, or invited, as far as they are loaded. */
  members(...memberships: Membership[]): Member[] {
    return [...this.stateOf("m.room.member").values()]
      .map(memberOf)
      .filter((member) => memberships.includes(member.membership));
  }

  /** A member's name, with the full id behind it when two people here bear one that looks the same. */
  displayName(userId: string): string {
    const member = this.member(userId);
    const name = member?.displayName ?? localName(userId);
    if (member === undefined) return name;
    this.#nameCounts ??= countNames(this.stateOf("m.room.member").values());
    const isDoubtful = (this.#nameCounts.get(looksOf(name)) ?? 0) > 1 || looksLikeId(name);
    return isDoubtful ? `${name} (${plainText(userId)})` : name;
  }

  /** Merges one `/sync` entry. Answers which aspects changed. */
  apply(data: JoinedRoomSync): Set<Aspect> {
    const changed = new Set<Aspect>();
    const stateAfter = data.state_after ?? data["org.matrix.msc4222.state_after"];
    const events = data.timeline?.events ?? [];
    for (const event of (stateAfter ?? data.state)?.events ?? []) this.#applyState(event);
    if (stateAfter === undefined) for (const event of events) this.#applyState(event);
    for (const hero of data.heroes ?? []) this.#meetHero(hero);
    const isGap = this.timeline.append(events, {
      limited: data.timeline?.limited === true,
      prevToken: data.timeline?.prev_batch,
    });
    this.#tellStretches(events, isGap);
    if (isGap) this.#loseMembers();
    if (events.length > 0) changed.add("$timeline").add("$state");
    if ((stateAfter ?? data.state)?.events?.length) changed.add("$state");
    if (this.#applySummary(data)) changed.add("$state");
    for (const event of events) this.#readByOwnWords(event);
    for (const aspect of this.#applyEphemeral(data)) changed.add(aspect);
    for (const event of data.account_data?.events ?? []) {
      this.accountData.set(event.type, event.content);
      changed.add("$state");
    }
    return changed;
  }

  /** Other stretches that end at the newest event go on with what came. */
  #tellStretches(events: readonly MatrixEvent[], limited: boolean): void {
    for (const stretch of this.record.stretches) {
      if (stretch === this.timeline || stretch.nextToken !== undefined) continue;
      if (limited) stretch.isBehind = true;
      else if (stretch.thread === undefined) stretch.append(events, { limited });
      else
        stretch.append(
          events.filter((one) => threadOf(one) === stretch.thread),
          { limited },
        );
    }
  }

  #applyState(event: MatrixEvent): void {
    if (typeof event.state_key === "string")
      this.setState({ ...event, state_key: event.state_key });
  }

  /** One after whom the room is called is known by name until their member event comes. */
  #meetHero({ user_id: userId, displayname, avatar_url: avatar }: Schema<"SlidingHero">): void {
    if (this.stateEvent("m.room.member", userId) !== undefined) return;
    // Whether they are in the room it does not say: nobody gets keys by it.
    const content: Unchecked<"m.room.member"> = {};
    if (displayname !== undefined) content.displayname = displayname;
    if (avatar !== undefined) content.avatar_url = avatar;
    this.setState({ type: "m.room.member", state_key: userId, sender: userId, content });
  }

  /** Who writes has read what stood before. */
  #readByOwnWords(event: MatrixEvent): void {
    const thread = threadOf(event);
    const known = this.receipts.of(event.sender, thread);
    if (known === undefined || event.origin_server_ts >= known.ts) {
      const receipt = { eventId: event.event_id, ts: event.origin_server_ts };
      this.receipts.set(event.sender, receipt, thread);
    }
  }

  #applySummary(data: JoinedRoomSync): boolean {
    const { summary, unread_notifications: unread } = data;
    if (summary?.["m.heroes"] !== undefined) this.heroes = summary["m.heroes"];
    this.joinedCount = summary?.["m.joined_member_count"] ?? this.joinedCount;
    this.invitedCount = summary?.["m.invited_member_count"] ?? this.invitedCount;
    if (unread !== undefined) this.isCounted = true;
    this.notificationCount = unread?.notification_count ?? this.notificationCount;
    this.highlightCount = unread?.highlight_count ?? this.highlightCount;
    if (data.unread_thread_notifications !== undefined) {
      this.threadCounts = countsOf(data.unread_thread_notifications);
    } else if (unread !== undefined) {
      this.threadCounts = new Map();
    }
    return summary !== undefined || unread !== undefined;
  }

  #applyEphemeral(data: JoinedRoomSync): Aspect[] {
    const changed: Aspect[] = [];
    for (const event of data.ephemeral?.events ?? []) {
      if (event.type === "m.typing") {
        const { user_ids: users }: Unchecked<"m.typing"> = event.content;
        this.typing = Array.isArray(users) ? users.filter((user) => typeof user === "string") : [];
        changed.push("$typing");
      } else if (event.type === "m.receipt") {
        this.receipts.apply(event.content);
        changed.push("$receipts");
      }
    }
    return changed;
  }

  /** The event up to which the person has read, as their other devices know it too. */
  get fullyRead(): string | undefined {
    return text<Unchecked<"m.fully_read">>(this.accountData.get("m.fully_read"), "event_id");
  }

  tags(): Content {
    return object<Unchecked<"m.tag">>(this.accountData.get("m.tag"), "tags") ?? {};
  }
}

function countsOf(
  counts: NonNullable<JoinedRoomSync["unread_thread_notifications"]>,
): ReadonlyMap<string, Unread> {
  return new Map(
    Object.entries(counts).map(([root, { notification_count, highlight_count }]) => [
      root,
      { notifications: notification_count ?? 0, highlights: highlight_count ?? 0 },
    ]),
  );
}

const MEMBERSHIPS = new Set(["join", "invite", "leave", "ban", "knock"]);

function memberOf(event: StateOf<"m.room.member">): Member {
  const membership = text(event.content, "membership") ?? "leave";
  return {
    userId: event.state_key,
    membership: (MEMBERSHIPS.has(membership) ? membership : "leave") as Membership,
    displayName: plainName(text(event.content, "displayname")),
    avatarUrl: text(event.content, "avatar_url"),
  };
}

/** How many bear each name here, of names that look the same. */
function countNames(events: Iterable<StateEvent>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    const { membership, displayName, userId } = memberOf(event);
    if (membership !== "join" && membership !== "invite") continue;
    const looks = looksOf(displayName ?? localName(userId));
    counts.set(looks, (counts.get(looks) ?? 0) + 1);
  }
  return counts;
}

/** "@alice:example.org" → "alice". */
export function localName(userId: string): string {
  return plainName(/^@([^:]*)/.exec(userId)?.[1]) ?? plainText(userId);
}
