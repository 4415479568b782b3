/** One random room: what becomes known of it to the tested server, and when; and what has to be stored in the end. */
import { expect } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { RoomVersion } from "../../../src/protocol/room-versions.ts";
import { splitTuple, stateTuple } from "../../../src/protocol/state-map.ts";
import type { StateMap } from "../../../src/protocol/state-map.ts";
import { rootOfBytes } from "../../../src/rooms/records/events.ts";
import { counted } from "../../../src/rooms/commands/extremities.ts";
import { readHead } from "../../../src/rooms/commands/head.ts";
import type { Actor, StateRoot } from "../../../src/rooms/index.ts";
import type { RoomStore } from "../../../src/rooms/state/store.ts";
import { choicesOf } from "../../protocol/forked-room.ts";
import { RandomHistory } from "../arrival/random-history.ts";
import type { Others } from "./others.ts";
import { PlainRoom } from "./plain-room.ts";
import { sealed } from "./sealed.ts";
import { SUBJECT } from "./subject.ts";
import type { Replica, Subject } from "./subject.ts";
import { eventually } from "../../support/wait.ts";

export interface Counts {
  histories: number;
  events: number;
  placed: number;
  outliers: number;
  rejected: number;
  forks: number;
  partial: number;
  purged: number;
}

const ROUNDS = 3;
const STEPS = 14;
const MOST_WAITS = 300;
const WAIT_MS = 100;
const SETTLED_MS = 600_000;
const US: Actor = { userId: `@us:${SUBJECT}` as UserId };
const STATUS = ["accepted", "soft-failed", "rejected"] as const;

export class RoomRun implements Others {
  readonly history: RandomHistory;
  readonly plain: PlainRoom;
  readonly choose: (n: number) => number;
  readonly omitsMembers: boolean;
  isHelpful = true;
  readonly #told = new Set<EventId>();
  #purged = false;

  private constructor(history: RandomHistory, choose: (n: number) => number) {
    this.history = history;
    this.choose = choose;
    this.plain = new PlainRoom(history.events);
    this.omitsMembers = choose(3) === 0;
  }

  static async begin(version: RoomVersion, seed: number): Promise<RoomRun> {
    const choose = choicesOf(seed * 12 + Number(version.id));
    const nonce = `r${seed}v${version.id}`;
    const roomId = `!${nonce}:alpha` as RoomId;
    const history = await RandomHistory.open(version, choose, { seal: sealed, roomId, nonce });
    return new RoomRun(history, choose);
  }

  get roomId(): RoomId {
    return this.history.roomId;
  }

  /** False where the room is closed to other servers. */
  async join({ replicas }: Subject): Promise<boolean> {
    for (let i = this.choose(3); i > 0; i--) await this.history.step();
    await this.history.deliverAll();
    const via = [this.history.peers[0]!.server.name];
    try {
      await replicas[0]!.rooms.members.join({ by: US, room: this.roomId, via });
    } catch (error) {
      // The room is closed to other servers, or to whoever is not invited.
      expect((error as Error).message).toMatch("forbids the join");
      return false;
    }
    for (const id of this.history.events.keys()) this.#told.add(id);
    return true;
  }

  /** Some events are told live, some by the way, some never; others at once, in pieces, in any order. */
  async live(subject: Subject): Promise<void> {
    const { choose, history } = this;
    this.isHelpful = false;
    for (let round = 0; round < ROUNDS; round++) {
      for (let step = 0; step < STEPS; step++) await history.step();
      const fresh = [...history.events.values()].filter(({ eventId }) => !this.#told.has(eventId));
      const told = fresh.filter(() => choose(10) < 7);
      if (choose(4) === 0) shuffle(told, choose);
      for (const { eventId } of fresh) this.#told.add(eventId);
      const underWay: Promise<unknown>[] = [];
      for (let at = 0; at < told.length;) {
        const some = told.slice(at, (at += 1 + choose(4)));
        const replica = this.#pick(subject.replicas);
        const sending = this.#receive(replica, some);
        if (choose(3) === 0) await sending;
        else underWay.push(sending);
        if (choose(8) === 0) underWay.push(this.#act(this.#pick(subject.replicas)));
      }
      await Promise.all(underWay);
    }
  }

  /** Everything comes in the end, what waits is tried again, and the history before is filled in. */
  async settle({ replicas }: Subject, waiting: (roomId: RoomId) => Promise<number>): Promise<void> {
    this.isHelpful = true;
    const all = [...this.history.events.values()];
    for (let at = 0; at < all.length; at += 20) {
      await this.#receive(this.#pick(replicas), all.slice(at, at + 20));
    }
    let left = Infinity;
    let tries = 0;
    const isSettled = async () => {
      const now = await waiting(this.roomId);
      tries = now < left ? 0 : tries + 1;
      left = now;
      return now === 0 || tries > MOST_WAITS;
    };
    await eventually("nothing waits any more, or nothing goes on", isSettled, {
      ...{ within: SETTLED_MS, every: WAIT_MS },
    });
    const replica = this.#pick(replicas);
    for (let from: string | undefined, pages = 0; pages < 5; pages++) {
      const options = { dir: "b", limit: 100, ...(from === undefined ? {} : { from }) } as const;
      const page = await replica.run((rooms) =>
        rooms.history.messages(US, this.roomId, options).catch(() => undefined),
      );
      if (page?.end === undefined) break;
      from = page.end;
    }
  }

  async purge(replica: Replica): Promise<void> {
    const ids = [...this.history.events.keys()];
    const eventId = ids[Math.floor(ids.length / 2)]!;
    try {
      const state = await replica.run(async ({ purges }) => {
        const id = await purges.history(this.roomId, { eventId }, { localEvents: true });
        return eventually("the purge is over", async () => {
          const state = (await purges.one(id))?.state;
          return state === "complete" || state === "failed" ? state : undefined;
        });
      });
      // Undefined: the process has died meanwhile.
      this.#purged = state !== undefined;
    } catch {
      // The event has no place here.
    }
  }

  async #receive(replica: Replica, events: readonly RoomEvent[]): Promise<void> {
    const origin = this.#pick(this.history.peers).server.name;
    const pdus = events.map((event) => JSON.parse(event.json()) as JsonObject);
    await replica.run((rooms) => rooms.federation.receive(origin, pdus).catch(() => undefined));
  }

  /** Something that the server's own user does. */
  async #act(replica: Replica): Promise<void> {
    const { roomId } = this;
    const content = { n: this.choose(1_000) };
    const deed = this.choose(3);
    await replica
      .run(async (rooms): Promise<unknown> => {
        const by = US;
        if (deed === 0) return rooms.history.messages(by, roomId, { dir: "b", limit: 30 });
        if (deed === 1) {
          return rooms.send.message({ by, roomId, type: "m.room.message", content });
        }
        const type = "org.example.own";
        return rooms.send.state({ by, roomId, type, stateKey: by.userId, content });
      })
      .catch(() => undefined);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.choose(items.length)]!;
  }

  /** Where what is stored is not what the plain algorithm gives. */
  async differences(store: RoomStore, counts: Counts): Promise<string[]> {
    const { history, plain } = this;
    const room = (await store.registry.byId(this.roomId))!;
    const rows = await storedStates(store, room.nid);
    const found: string[] = [];
    const readState = stateReader(store);
    const compare = async (what: string, root: StateRoot, should: StateMap): Promise<void> => {
      found.push(...differing(await readState(root), should).map((line) => `${what}: ${line}`));
    };
    counts.histories += 1;
    counts.events += history.events.size;
    if (this.#purged) counts.purged += 1;
    if (this.omitsMembers) counts.partial += 1;
    for (const { id, status, before, after, at } of rows) {
      if (before === null && after === null && at === null) {
        counts.outliers += 1;
        continue;
      }
      const { event, reason, ...should } = plain.of(id);
      const name = `${id} (${event.type} ${event.stateKey ?? ""} of ${event.sender})`;
      await compare(`the state before ${name}`, rootOfBytes(before), should.before);
      await compare(`the state after ${name}`, rootOfBytes(after), should.after);
      const isRejected = STATUS[status] === "rejected";
      if (isRejected !== (reason !== undefined))
        found.push(`${name} is ${STATUS[status]}: ${reason}`);
      counts.placed += 1;
      if (isRejected) counts.rejected += 1;
      if (event.prevEventIds.length > 1) counts.forks += 1;
    }
    const head = await readHead(store, room);
    const ends = counted(head.extremities).map(({ event }) => event.eventId);
    await compare("the current state", head.stateRoot, plain.resolved(ends));
    return found;
  }
}

interface StoredStates {
  readonly id: EventId;
  readonly status: number;
  readonly before: Buffer | null;
  readonly after: Buffer | null;
  readonly at: number | null;
}

async function storedStates(store: RoomStore, roomNid: number): Promise<StoredStates[]> {
  return store.sql<StoredStates[]>`
    SELECT event_id AS id, status, state_before AS before, state_after AS after, position AS at
    FROM events WHERE room_nid = ${roomNid} ORDER BY depth, event_nid`;
}

/** Reads stored states, each once; a number that no event has stays a number. */
function stateReader(store: RoomStore): (root: StateRoot) => Promise<ReadonlyMap<string, string>> {
  const known = new Map<StateRoot, ReadonlyMap<string, string>>();
  return async (root) => {
    let state = known.get(root);
    if (state === undefined) {
      const entries = await store.tree.entries(root);
      const keys = await store.tuples.keys(entries.map(([tuple]) => tuple));
      const events = await store.events.byNids(entries.map(([, nid]) => nid));
      state = new Map(
        entries.map(([tuple, nid]) => [
          stateTuple(...keys.get(tuple)!),
          events.get(nid)?.event.eventId ?? `${nid}`,
        ]),
      );
      known.set(root, state);
    }
    return state;
  };
}

function differing(
  stored: ReadonlyMap<string, string>,
  should: ReadonlyMap<string, string>,
): string[] {
  const keys = new Set([...stored.keys(), ...should.keys()]);
  return [...keys]
    .filter((key) => stored.get(key) !== should.get(key))
    .map((key) => {
      return `${splitTuple(key).join(" ")} is ${stored.get(key)}, not ${should.get(key)}`;
    });
}

function shuffle(list: unknown[], choose: (n: number) => number): void {
  for (let left = list.length; left > 1; left--) {
    const at = choose(left);
    [list[at], list[left - 1]] = [list[left - 1], list[at]];
  }
}
