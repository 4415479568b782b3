/**
 * Histories of a room in which several servers act at once, cut off from one another at random, some of them against
 * the rules; and the same events in other orders of arrival.
 */
import { authorise, authTypesFor } from "../../../src/protocol/auth/index.ts";
import { Rejection } from "../../../src/protocol/errors.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import {
  type EventId,
  type RoomId,
  roomIdOfCreateEvent,
} from "../../../src/protocol/identifiers.ts";
import { creatorsOf } from "../../../src/protocol/events/power-levels.ts";
import type { RoomVersion } from "../../../src/protocol/room-versions.ts";
import { stateTuple } from "../../../src/protocol/state-map.ts";
import type { StateRoot, StoredEvent } from "../../../src/rooms/index.ts";
import { eventFrom } from "../../protocol/abridged-event.ts";
import { createShared, MemoryServer } from "./memory-server.ts";
import type { Shared } from "./memory-server.ts";
import { type Choose, member, type Move, Moves, stateMove } from "./random-moves.ts";

const SERVERS = ["alpha", "beta", "gamma", "delta", "epsilon"];
const MAX_PREV_EVENTS = 10;

/** A server, the users who act there, and what has not reached it yet. */
interface Peer {
  readonly server: MemoryServer;
  readonly users: readonly string[];
  readonly waiting: Set<EventId>;
}

export interface HistoryOptions {
  /** Of the versions whose room ids are no hashes. */
  readonly roomId?: RoomId;
  /** Put into the create event, and into ids that servers choose, so that they are others. */
  readonly nonce?: string;
  /** The event as its server sends it. */
  readonly seal?: (event: RoomEvent) => RoomEvent;
}

export class RandomHistory {
  readonly version: RoomVersion;
  /** Every event, in the order in which they were made. */
  readonly events = new Map<EventId, RoomEvent>();
  readonly peers: readonly Peer[];
  readonly roomId: RoomId;
  readonly #shared: Shared;
  readonly #moves: Moves;
  readonly #choose: Choose;
  readonly #nonce: string;
  readonly #seal: (event: RoomEvent) => RoomEvent;
  readonly #create: RoomEvent;
  #clock = 1_000;
  #serial = 0;

  private constructor(version: RoomVersion, choose: Choose, options: HistoryOptions) {
    this.version = version;
    this.#choose = choose;
    this.#nonce = options.nonce ?? "";
    this.#seal = options.seal ?? ((event) => event);
    const names = SERVERS.slice(0, 2 + choose(4));
    const users = names.map((name, i) =>
      ["one", "two"].slice(0, i === 0 ? 2 : 1 + choose(2)).map((local) => `@${local}:${name}`),
    );
    this.#moves = new Moves(version, users.flat(), choose);
    const founder = users[0]![0]!;
    const { nonce, roomId = "!room:alpha" as RoomId } = options;
    const content = { ...this.#moves.create(), ...(nonce === undefined ? {} : { nonce }) };
    const create = { ...stateMove("m.room.create", founder), content };
    this.#create = this.#build(create, [], [], roomId);
    this.roomId = version.roomIdIsCreateHash ? roomIdOfCreateEvent(this.#create.eventId) : roomId;
    this.#shared = createShared({ nid: 1, roomId: this.roomId, version });
    this.peers = names.map((name, i) => ({
      server: new MemoryServer(name, this.#shared),
      users: users[i]!,
      waiting: new Set(),
    }));
  }

  /** A history of so many attempts to do something, not all of them known everywhere. */
  static async grow(version: RoomVersion, choose: Choose, steps: number): Promise<RandomHistory> {
    const history = await RandomHistory.open(version, choose);
    for (let step = 0; step < steps; step++) await history.step();
    return history;
  }

  /** The beginning: everybody is in the room. */
  static async open(
    version: RoomVersion,
    choose: Choose,
    options: HistoryOptions = {},
  ): Promise<RandomHistory> {
    const history = new RandomHistory(version, choose, options);
    await history.#open();
    return history;
  }

  /** An event that somebody else made, on top of what is known here: everybody hears of it at some time. */
  add(event: RoomEvent): void {
    if (this.events.has(event.eventId)) return;
    this.events.set(event.eventId, event);
    for (const { waiting } of this.peers) waiting.add(event.eventId);
  }

  /** What somebody who is not in it needs for an event of theirs on top of what a server knows. */
  async template(move: Move): Promise<RoomEvent> {
    const { server } = this.peers[0]!;
    const prev = server.extremities.slice(0, MAX_PREV_EVENTS).map(({ event }) => event.eventId);
    return this.#onState(server, move, prev, server.stateRoot);
  }

  get creators(): readonly string[] {
    return creatorsOf(this.#create);
  }

  /** Lets every server hear everything, each in an order of its own. */
  async deliverAll(): Promise<void> {
    for (const peer of this.peers) {
      for (const eventId of this.#shuffled(peer.waiting)) await this.#deliver(peer, eventId);
    }
  }

  /** A server that hears everything at the end, in an order of its own. */
  async latecomer(): Promise<MemoryServer> {
    const server = new MemoryServer("late", this.#shared);
    const peer = { server, users: [], waiting: new Set(this.events.keys()) };
    for (const eventId of this.#shuffled(peer.waiting)) await this.#deliver(peer, eventId);
    return server;
  }

  /**
   * An event on top of everything that was not rejected, by somebody whom the rules let; undefined where they let
   * nobody. It reaches nobody by itself.
   */
  async closing(server: MemoryServer): Promise<RoomEvent | undefined> {
    const leaves = new Set<EventId>();
    for (const event of this.events.values()) {
      if (server.stored(event.eventId)!.status === "rejected") continue;
      leaves.add(event.eventId);
      this.#ancestorsAcrossRejected(event, server).forEach((id) => leaves.delete(id));
    }
    const prev = [...leaves];
    const probe = new MemoryServer("probe", this.#shared);
    await this.#deliverTo(probe, prev);
    for (const sender of this.peers.flatMap(({ users }) => users)) {
      const move: Move = { type: "m.room.message", sender, content: { body: "closing" } };
      const before = await this.#stateBefore(probe, prev);
      const event = await this.#onState(probe, move, prev, before);
      if (await this.#isAllowed(probe, event, before)) {
        this.events.set(event.eventId, event);
        return event;
      }
    }
    return undefined;
  }

  async #deliverTo(server: MemoryServer, eventIds: Iterable<EventId>): Promise<void> {
    for (const eventId of eventIds) {
      await this.#deliver({ server, users: [], waiting: new Set() }, eventId);
    }
  }

  /** What an event stands on, through rejected ones. */
  #ancestorsAcrossRejected(event: RoomEvent, server: MemoryServer): EventId[] {
    const found = [...event.prevEventIds];
    for (const id of found) {
      if (server.stored(id)!.status === "rejected")
        found.push(...this.events.get(id)!.prevEventIds);
    }
    return found;
  }

  /** The state that several events leave, as the server's own placing finds it. */
  async #stateBefore(server: MemoryServer, prev: readonly EventId[]): Promise<StateRoot> {
    const nobody = { type: "m.room.message", sender: "@nobody:nowhere", content: {} };
    const event = this.#build(
      nobody,
      prev,
      this.version.createInAuthEvents ? [this.#create.eventId] : [],
    );
    return (await server.receive(event)).stateBefore;
  }

  async #open(): Promise<void> {
    const [founder, ...others] = this.peers.flatMap(({ users }) => users) as [string, ...string[]];
    const first = this.peers[0]!;
    await this.#publish(first, this.#create);
    const opening: Move[] = [
      member(founder, founder, "join"),
      {
        ...stateMove("m.room.power_levels", founder),
        content: this.#moves.firstLevels(this.creators),
      },
      { ...stateMove("m.room.join_rules", founder), content: { join_rule: "public" } },
      ...others.map((user) => member(user, user, "join")),
    ];
    for (const move of opening) await this.#act(first, move);
    await this.deliverAll();
  }

  /** An attempt to do something. */
  async step(): Promise<void> {
    const peer = this.#pick(this.peers);
    const sender = this.#pick(peer.users);
    const move = this.#moves.any(sender, this.creators, this.#redactable());
    if (this.#choose(6) === 0) await this.#actFreely(peer, move);
    else await this.#act(peer, move);
    // Some of what is on its way to somebody comes through.
    if (this.#choose(2) === 0) return;
    const other = this.#pick(this.peers);
    const share = 1 + this.#choose(4);
    for (const eventId of this.#shuffled(other.waiting)) {
      if (this.#choose(4) < share) await this.#deliver(other, eventId);
    }
  }

  /** On top of what the server knows, if the rules allow it. */
  async #act({ server, waiting }: Peer, move: Move): Promise<void> {
    const prev = server.extremities.slice(0, MAX_PREV_EVENTS).map(({ event }) => event.eventId);
    const event = await this.#onState(server, move, prev, server.stateRoot);
    if (!(await this.#isAllowed(server, event, server.stateRoot))) return;
    await this.#publish({ server, waiting, users: [] }, event);
  }

  /** Anywhere in what the server knows, allowed or not, by what was true there or elsewhere. */
  async #actFreely(peer: Peer, move: Move): Promise<void> {
    const { server } = peer;
    const known = [...this.events.keys()].flatMap((id) => server.stored(id) ?? []).slice(-12);
    const prev = new Set<StoredEvent>();
    for (let count = 1 + this.#choose(3); count > 0; count--) prev.add(this.#pick(known));
    const [first] = prev;
    const authorised = this.#choose(4) === 0 ? this.#pick(known) : first!;
    const ids = [...prev].map(({ event }) => event.eventId);
    await this.#publish(peer, await this.#onState(server, move, ids, authorised.stateAfter));
  }

  async #publish(peer: Peer, event: RoomEvent): Promise<void> {
    if (this.events.has(event.eventId)) return;
    this.events.set(event.eventId, event);
    await peer.server.receive(event);
    for (const other of this.peers) {
      if (other.server !== peer.server) other.waiting.add(event.eventId);
    }
  }

  /** An event comes, after whatever it builds on. */
  async #deliver(peer: Peer, eventId: EventId): Promise<void> {
    peer.waiting.delete(eventId);
    if (peer.server.stored(eventId) !== undefined) return;
    const event = this.events.get(eventId)!;
    for (const id of [...event.authEventIds, ...event.prevEventIds]) await this.#deliver(peer, id);
    await peer.server.receive(event);
  }

  async #onState(
    server: MemoryServer,
    move: Move,
    prev: readonly EventId[],
    root: StateRoot,
  ): Promise<RoomEvent> {
    const pairs = authTypesFor(move, this.version);
    const state = await server.state(root, pairs);
    const auth = pairs.flatMap((pair) => state.get(stateTuple(...pair))?.event.eventId ?? []);
    return this.#build(move, prev, auth);
  }

  async #isAllowed(server: MemoryServer, event: RoomEvent, root: StateRoot): Promise<boolean> {
    const pairs = [...authTypesFor(event, this.version), ["m.room.create", ""] as const];
    const state = await server.state(root, pairs);
    try {
      authorise(event, { get: (type, key) => state.get(stateTuple(type, key))?.event });
      return true;
    } catch (error) {
      if (error instanceof Rejection) return false;
      throw error;
    }
  }

  #build(
    move: Move,
    prev: readonly EventId[],
    auth: readonly EventId[],
    roomId: string = this.roomId,
  ): RoomEvent {
    this.#clock += this.#choose(3);
    const skew = this.#choose(4) === 0 ? this.#choose(40) - 20 : 0;
    const server = move.sender.slice(move.sender.indexOf(":") + 1);
    const depths = prev.map((id) => this.events.get(id)!.depth);
    const event = eventFrom(
      {
        ...move,
        // Versions 1 and 2 name events themselves.
        eventId:
          this.version.eventIdFormat === "opaque"
            ? `$${this.#choose(1_000)}x${this.#serial++}${this.#nonce}:${server}`
            : undefined,
        roomId,
        prevEvents: prev,
        authEvents: auth,
        depth: 1 + Math.max(0, ...depths),
        originServerTs: this.#clock + skew,
        redacts: this.version.redactsInContent ? undefined : move.redacts,
      },
      this.version,
    );
    return this.#seal(event);
  }

  /**
   * Up to version 10 a redaction takes something that the rules read out of members, levels and the create event, and
   * in every version out of third-party invites: what comes after is judged by less, in whatever order. That is the
   * versions' own flaw.
   */
  #redactable(): EventId[] {
    const spared = new Set(["m.room.third_party_invite"]);
    if (this.version.creatorInContent) {
      for (const type of ["m.room.create", "m.room.power_levels", "m.room.member"])
        spared.add(type);
    }
    return [...this.events.values()].flatMap(({ type, eventId }) =>
      spared.has(type) ? [] : [eventId],
    );
  }

  #shuffled(items: Iterable<EventId>): EventId[] {
    const list = [...items];
    for (let left = list.length; left > 1; left--) {
      const at = this.#choose(left);
      [list[at], list[left - 1]] = [list[left - 1]!, list[at]!];
    }
    return list;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#choose(items.length)]!;
  }
}
