/** The room engine's placing of events, on memory instead of a database: one room, one server. */
import { LRUCache } from "lru-cache";
import { systemRandom } from "../../../src/platform/random.ts";
import { createResolutionCache } from "../../../src/rooms/state/resolution-cache.ts";
import { signingKeyFromSeed } from "../../../src/protocol/crypto.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, ServerName } from "../../../src/protocol/identifiers.ts";
import type { RoomVersion } from "../../../src/protocol/room-versions.ts";
import { stateTuple } from "../../../src/protocol/state-map.ts";
import { createAuthChains } from "../../../src/rooms/records/auth-chains.ts";
import type { AuthChains } from "../../../src/rooms/records/auth-chains.ts";
import { createCommandStore } from "../../../src/rooms/commands/command-store.ts";
import type { Events } from "../../../src/rooms/records/events.ts";
import type { Head } from "../../../src/rooms/commands/head.ts";
import type { Room, StateRoot, StoredEvent } from "../../../src/rooms/index.ts";
import { newEvent } from "../../../src/rooms/records/new-event.ts";
import { createPendingIds } from "../../../src/rooms/records/pending.ts";
import { checkAndAdd } from "../../../src/rooms/receiving/add-to-graph.ts";
import type { ReceivedEvent } from "../../../src/rooms/receiving/add-to-graph.ts";
import { createStateReader } from "../../../src/rooms/state/reader.ts";
import { createStateTree } from "../../../src/rooms/state/tree/index.ts";
import type { StateTree } from "../../../src/rooms/state/tree/index.ts";
import type { RoomStore } from "../../../src/rooms/state/store.ts";
import type { StateKey, Tuples } from "../../../src/rooms/state/tuples.ts";
import { RoomCommand } from "../../../src/rooms/commands/room-command.ts";
import type { Sql } from "../../../src/storage/sql.ts";

const KEY = signingKeyFromSeed("ed25519:test", Buffer.alloc(32, "key"));

/**
 * What the servers of one room may share without telling one another anything: integers for events and tuples, and
 * nodes of the state tree. So their state roots can be compared.
 */
export interface Shared {
  readonly room: Room;
  readonly tuples: Tuples;
  readonly tree: StateTree;
  readonly nodes: Map<string, Buffer>;
  readonly authChains: AuthChains;
  nidOf(eventId: EventId): number;
}

export function createShared(room: Room): Shared {
  const nodes = new Map<string, Buffer>();
  const nids = new Map<EventId, number>();
  return {
    room,
    tuples: memoryTuples(),
    nodes,
    tree: createStateTree(async (hashes) =>
      hashes.flatMap((hash) => {
        const data = nodes.get(hash.toString("hex"));
        return data === undefined ? [] : [{ hash, data }];
      }),
    ),
    authChains: createAuthChains(noSql),
    nidOf(eventId) {
      let nid = nids.get(eventId);
      if (nid === undefined) nids.set(eventId, (nid = nids.size + 1));
      return nid;
    },
  };
}

const noSql = (() => {
  throw new Error("there is no database here");
}) as unknown as Sql;

/** One server's copy of the room. */
export class MemoryServer {
  readonly name: ServerName;
  readonly store: RoomStore;
  readonly #shared: Shared;
  readonly #events = new Map<number, StoredEvent>();
  readonly #redactions: { target: EventId; redactionNid: number }[] = [];
  readonly #awaited = new Set<string>();
  #head: Head;
  #nextNid = 0;
  #position = 0;

  constructor(name: string, shared: Shared) {
    this.name = name as ServerName;
    this.#shared = shared;
    const { tree, tuples, authChains } = shared;
    const events = this.#memoryEvents();
    this.store = {
      sql: this.#queries(),
      registry: { eventNids: async () => [this.#nextNid] } as unknown as RoomStore["registry"],
      events,
      tuples,
      tree,
      state: createStateReader(tree, tuples, events),
      authChains,
      pendingIds: createPendingIds(),
      resolutions: createResolutionCache(),
      partialSeen: new LRUCache({ max: 10 }),
      random: systemRandom,
    };
    this.#head = {
      room: shared.room,
      store: createCommandStore(this.store, this.store.pendingIds.begin(shared.room.nid)),
      version: 0,
      extremities: [],
      stateRoot: null,
      depth: 0,
      state: new Map(),
    };
  }

  get version(): RoomVersion {
    return this.#shared.room.version;
  }

  get extremities(): readonly StoredEvent[] {
    return this.#head.extremities;
  }

  get stateRoot(): StateRoot {
    return this.#head.stateRoot;
  }

  stored(eventId: EventId): StoredEvent | undefined {
    return this.#events.get(this.#shared.nidOf(eventId));
  }

  /** State events under a root, by stateTuple. */
  state(root: StateRoot, keys: readonly StateKey[]): Promise<Map<string, StoredEvent>> {
    return this.store.state.events(root, keys);
  }

  /** The whole state under a root: stateTuple → event id. */
  async stateMap(root: StateRoot): Promise<Map<string, EventId>> {
    const all = await this.store.state.all(root);
    return new Map(
      all.map(({ event }) => [stateTuple(event.type, event.stateKey!), event.eventId]),
    );
  }

  /** Takes an event for the room's only end, with such a state after it, wherever that comes from. */
  standOn(event: RoomEvent, root: StateRoot): void {
    const nid = this.#shared.nidOf(event.eventId);
    const states = { stateBefore: root, stateAfter: root, roomState: root };
    const position = ++this.#position;
    const stored = newEvent(this.#shared.room.nid, nid, event, { position, ...states });
    this.#events.set(nid, stored);
    const { depth } = event;
    const extremities = [stored];
    this.#head = { ...this.#head, depth, extremities, stateRoot: root, state: new Map() };
  }

  /**
   * Places an event whose prev and auth events have been placed; twice is once. Or one whose prev events are missing, by
   * what somebody tells of the state before it; or history in front of a position.
   */
  async receive(
    event: RoomEvent,
    gap: Pick<ReceivedEvent, "remoteState" | "history"> = {},
  ): Promise<StoredEvent> {
    this.#nextNid = this.#shared.nidOf(event.eventId);
    const mayBeRedacted = this.#redactions.some(({ target }) => target === event.eventId);
    const identity = { serverName: this.name, signingKey: KEY, now: () => 0 };
    const work = new RoomCommand(identity, this.#head);
    const placed = await checkAndAdd(work, {
      ...gap,
      ...{ event, mayBeRedacted },
      mayBeKnown: true,
    });
    if (placed === undefined) throw new Error(`${event.eventId} came before what it builds on`);
    if (work.added.length === 0) return placed.stored;
    for (const id of placed.missing) this.#awaited.add(id);
    const step = work.finish(placed.stored);
    for (const { hash, data } of step.append?.stateNodes ?? []) {
      this.#shared.nodes.set(hash.toString("hex"), data);
    }
    for (const row of step.append?.redactions ?? []) {
      this.#redactions.push({
        target: row.targetEventId as EventId,
        redactionNid: row.redactionNid,
      });
    }
    if (step.next !== undefined) this.#head = step.next;
    const position = ++this.#position;
    step.settled?.({ position, positions: new Map([[this.#nextNid, position]]), returned: [] });
    for (const { redacted } of work.redactions) this.#events.set(redacted.nid, redacted);
    return this.#events.get(placed.stored.nid)!;
  }

  /**
   * The queries of placing: redactions that came before their target, whether something awaits the event, and what the
   * events of a told state are.
   */
  #queries(): Sql {
    const query = async (texts: TemplateStringsArray, ...values: unknown[]) => {
      if (texts.join("").includes("isRejected")) return this.#outlines(values[0] as string);
      const isOfGaps = texts.join("").includes("missing_events");
      if (isOfGaps) {
        return [{ accepted: values.some((id) => this.#awaited.has(id as string)), refused: false }];
      }
      return this.#redactions.filter(({ target }) => this.#shared.nidOf(target) === this.#nextNid);
    };
    return query as unknown as Sql;
  }

  /** `ids`: an array as PostgreSQL's literal. */
  #outlines(ids: string) {
    const wanted = JSON.parse(`[${ids.slice(1, -1)}]`) as EventId[];
    return wanted.flatMap((eventId) => {
      const stored = this.stored(eventId);
      if (stored === undefined) return [];
      const { nid, roomNid, event, status } = stored;
      const stateKey = event.stateKey ?? null;
      return [
        { eventId, nid, roomNid, type: event.type, stateKey, isRejected: status === "rejected" },
      ];
    });
  }

  #memoryEvents(): Events {
    const held = this.#events;
    const byNids = async (nids: readonly number[]) => {
      const found = new Map<number, StoredEvent>();
      for (const nid of nids) if (held.has(nid)) found.set(nid, held.get(nid)!);
      return found;
    };
    const byIds = async (ids: readonly EventId[]) => {
      const found = new Map<EventId, StoredEvent>();
      for (const id of ids) if (this.stored(id) !== undefined) found.set(id, this.stored(id)!);
      return found;
    };
    const keep = (event: StoredEvent): void => void held.set(event.nid, event);
    return {
      byNids,
      byIds,
      one: async (nid) => held.get(nid),
      byId: async (id) => this.stored(id),
      peekById: (id) => this.stored(id),
      peek: (nids) =>
        nids.every((nid) => held.has(nid)) ? nids.map((nid) => held.get(nid)!) : undefined,
      byIdsNow: byIds,
      forgetRejected: () => {},
      load: () => Promise.reject(new Error("there is no database here")),
      keep,
      texts: async (nids) => nids.flatMap((nid) => held.get(nid)?.event.json() ?? []),
      forget: () => {},
      forgetRoom: () => {},
    };
  }
}

function memoryTuples(): Tuples {
  const byText = new Map<string, number>();
  const byNid = new Map<number, StateKey>();
  return {
    async find(keys) {
      const found = new Map<string, number>();
      for (const [type, stateKey] of keys) {
        const text = stateTuple(type, stateKey);
        const nid = byText.get(text);
        if (nid !== undefined) found.set(text, nid);
      }
      return found;
    },
    async make(keys) {
      for (const [type, stateKey] of keys) {
        const text = stateTuple(type, stateKey);
        if (byText.has(text)) continue;
        byText.set(text, byText.size + 1);
        byNid.set(byText.size, [type, stateKey]);
      }
      return this.find(keys);
    },
    async ensure(keys) {
      return [...(await this.make(keys)).values()];
    },
    async keys(nids) {
      return new Map(nids.flatMap((nid) => (byNid.has(nid) ? [[nid, byNid.get(nid)!]] : [])));
    },
  };
}
