import { authorise, authTypesFor } from "../../src/protocol/auth/index.ts";
import { Rejection } from "../../src/protocol/errors.ts";
import type { RoomEvent } from "../../src/protocol/events/event.ts";
import { type EventId, roomIdOfCreateEvent } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { RoomVersion } from "../../src/protocol/room-versions.ts";
import { type StateMap, stateTuple } from "../../src/protocol/state-map.ts";
import { resolveStateMaps } from "../../src/protocol/state-res/index.ts";
import { eventFrom } from "./abridged-event.ts";

export const FOUNDER = "@founder:alpha";
export const USERS = [FOUNDER, "@alice:alpha", "@bob:beta", "@carol:gamma", "@dan:beta"];
const JOIN_RULES = ["public", "invite", "knock", "restricted", "knock_restricted", "private"];
const LEVELS = [0, 25, 50, 75, 100];

export interface Move {
  readonly type: string;
  readonly stateKey?: string;
  readonly sender: string;
  readonly content: JsonObject;
}

/** Choices that a seed decides: `choose(n)` gives an integer from 0 to n - 1 (mulberry32). */
export function choicesOf(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
}

/** An event that somebody tried to send, and whether the rules let it pass. */
export interface Attempt {
  readonly event: RoomEvent;
  readonly before: StateMap;
  readonly allowed: boolean;
}

/**
 * A room in which several servers act at random on different branches: everything is decided by
 * `choose(n)`, which gives an integer from 0 to n - 1.
 */
export class ForkedRoom {
  readonly version: RoomVersion;
  readonly events = new Map<EventId, RoomEvent>();
  readonly stateAfter = new Map<EventId, StateMap>();
  readonly attempts: Attempt[] = [];
  readonly #choose: (n: number) => number;
  #roomId = "!room:alpha";
  #clock = 1_000;
  #serial = 0;

  constructor(version: RoomVersion, choose: (n: number) => number) {
    this.version = version;
    this.#choose = choose;
    this.#open();
  }

  readonly lookUp = (eventId: EventId): RoomEvent | undefined => this.events.get(eventId);

  /** Sends one event at random on one to three of the latest events, if the rules allow it. */
  step(): void {
    const latest = [...this.events.keys()].slice(-8);
    const heads = new Set<EventId>();
    for (let count = 1 + this.#choose(3); count > 0; count--) heads.add(this.#pick(latest));
    this.send([...heads], this.#move(this.#pick(USERS)));
  }

  /** Lets one user do something at random after an event; undefined when the rules forbid it. */
  stepAs(sender: string, head: EventId): EventId | undefined {
    return this.send([head], this.#move(sender));
  }

  /** The event sent last. */
  get last(): EventId {
    return [...this.events.keys()].at(-1)!;
  }

  /** The states after some of the latest events, at least two. */
  branches(): StateMap[] {
    const latest = [...this.events.keys()].slice(-10);
    const heads = new Set<EventId>([this.last]);
    for (let count = 1 + this.#choose(4); count > 0; count--) heads.add(this.#pick(latest));
    return [...heads].map((head) => this.stateAfter.get(head)!);
  }

  resolve(stateSets: readonly StateMap[]): StateMap {
    return resolveStateMaps(this.version, stateSets, this.lookUp);
  }

  stateEvent(state: StateMap, type: string, stateKey: string): RoomEvent | undefined {
    const eventId = state.get(stateTuple(type, stateKey));
    return eventId === undefined ? undefined : this.events.get(eventId);
  }

  #open(): void {
    const creator = this.version.creatorInContent ? { creator: FOUNDER } : {};
    const content = { room_version: this.version.id, ...creator };
    this.send([], { type: "m.room.create", stateKey: "", sender: FOUNDER, content });
    const users: JsonObject = { "@alice:alpha": 100, "@bob:beta": 50 };
    if (!this.version.privilegedCreators) users[FOUNDER] = 100;
    const opening: Move[] = [
      memberMove(FOUNDER, FOUNDER, "join"),
      { type: "m.room.power_levels", stateKey: "", sender: FOUNDER, content: { users } },
      {
        type: "m.room.join_rules",
        stateKey: "",
        sender: FOUNDER,
        content: { join_rule: "public" },
      },
      ...USERS.slice(1, 4).map((user) => memberMove(user, user, "join")),
    ];
    for (const move of opening) this.send([this.last], move);
  }

  /** Sends an event after others; undefined when the rules do not allow it. */
  send(prev: readonly EventId[], move: Move): EventId | undefined {
    const before = this.resolve(prev.map((id) => this.stateAfter.get(id)!));
    const auth = authTypesFor(move, this.version)
      .map((pair) => before.get(stateTuple(...pair)))
      .filter((id) => id !== undefined);
    this.#clock += this.#choose(3);
    const skew = this.#choose(4) === 0 ? this.#choose(40) - 20 : 0;
    const isMessage = move.stateKey === undefined;
    const event = eventFrom(
      {
        ...move,
        // Versions 1 and 2 name events themselves.
        eventId: this.version.eventIdFormat === "opaque" ? this.#opaqueId(move.sender) : undefined,
        roomId: this.#roomId,
        prevEvents: prev,
        authEvents: auth,
        depth: 1 + Math.max(0, ...prev.map((id) => this.events.get(id)!.depth)),
        originServerTs: this.#clock + skew,
      },
      this.version,
    );
    if (this.version.roomIdIsCreateHash && move.type === "m.room.create") {
      this.#roomId = roomIdOfCreateEvent(event.eventId);
    }
    const allowed = this.#isAllowed(event, before);
    this.attempts.push({ event, before, allowed });
    if (!allowed || this.events.has(event.eventId)) return undefined;
    this.events.set(event.eventId, event);
    const after = new Map(before);
    if (!isMessage) after.set(stateTuple(event.type, event.stateKey!), event.eventId);
    this.stateAfter.set(event.eventId, after);
    return event.eventId;
  }

  #isAllowed(event: RoomEvent, state: StateMap): boolean {
    try {
      authorise(event, { get: (type, stateKey) => this.stateEvent(state, type, stateKey) });
      return true;
    } catch (error) {
      if (error instanceof Rejection) return false;
      throw error;
    }
  }

  #move(sender: string): Move {
    const target = this.#pick(USERS);
    switch (this.#choose(12)) {
      case 0:
      case 1:
        return memberMove(sender, sender, "join", this.#voucher());
      case 2:
        return memberMove(sender, target, "invite");
      case 3:
        return memberMove(sender, sender, this.#choose(2) === 0 ? "leave" : "knock");
      case 4:
        return memberMove(sender, target, "leave");
      case 5:
        return memberMove(sender, target, "ban");
      case 6:
      case 7:
        return { type: "m.room.power_levels", stateKey: "", sender, content: this.#levels() };
      case 8: {
        const content = { join_rule: this.#pick(JOIN_RULES) };
        return { type: "m.room.join_rules", stateKey: "", sender, content };
      }
      case 9: {
        const stateKey = this.#choose(2) === 0 ? sender : "";
        return { type: "org.example.state", stateKey, sender, content: { n: this.#serial++ } };
      }
      case 10:
        return { type: "m.room.message", sender, content: { n: this.#serial++ } };
      default:
        return {
          type: "m.room.topic",
          stateKey: "",
          sender,
          content: { topic: `${this.#serial++}` },
        };
    }
  }

  #voucher(): JsonObject {
    if (this.#choose(3) !== 0) return {};
    return { join_authorised_via_users_server: this.#pick(USERS) };
  }

  #levels(): JsonObject {
    const users: JsonObject = {};
    for (const user of USERS) {
      const mayBeListed = user !== FOUNDER || !this.version.privilegedCreators;
      if (mayBeListed && this.#choose(3) !== 0) users[user] = this.#pick(LEVELS);
    }
    const content: JsonObject = { users };
    if (this.#choose(3) === 0) content.ban = this.#pick(LEVELS);
    if (this.#choose(3) === 0) content.invite = this.#pick(LEVELS);
    if (this.#choose(4) === 0) content.state_default = this.#pick(LEVELS);
    if (this.#choose(4) === 0) content.users_default = this.#pick(LEVELS);
    if (this.#choose(4) === 0) content.events = { "m.room.topic": this.#pick(LEVELS) };
    if (this.#choose(4) === 0) content.notifications = { room: this.#pick(LEVELS) };
    return content;
  }

  #opaqueId(sender: string): string {
    return `$${this.#serial++}x${this.#choose(1_000)}:${sender.slice(sender.indexOf(":") + 1)}`;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#choose(items.length)]!;
  }
}

export function memberMove(
  sender: string,
  target: string,
  membership: string,
  more?: JsonObject,
): Move {
  const content = { membership, ...more };
  return { type: "m.room.member", stateKey: target, sender, content };
}
