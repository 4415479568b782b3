/**
 * Imports a room's state from another server while it arrives: about a hundred events at a time are
 * verified on the thread pool and stored as outliers, so that the memory used does not depend on
 * the size of the state.
 */
import { errors } from "../../protocol/errors.ts";
import { eventFromStored } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import type { Json } from "../../protocol/json.ts";
import type { Logger } from "../../platform/logger.ts";
import { stateKeysOfEvents } from "../../storage/rooms/events.ts";
import type { Outliers } from "./outliers.ts";
import type { RoomStore } from "../state/store.ts";
import type { StateKey } from "../state/tuples.ts";
import type { AnswerPart, TakeParts } from "../../federation-client/reading/read-parts.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";
import { isUnverifiableMember } from "../checks/format.ts";
import type { Verified } from "../checks/format.ts";

/** A state received from another server, as tuple nid → event nid. Rejected events are left out. */
export interface RemoteStateEntries {
  readonly members: ReadonlyMap<number, number>;
  readonly others: ReadonlyMap<number, number>;
  /** The state events with these keys. */
  events(keys: readonly StateKey[]): Promise<StoredEvent[]>;
}

interface StateImport {
  /**
   * Takes the items of the lists `state`, `pdus` and `auth_chain`. Throws when there are too many.
   */
  readonly take: TakeParts;
  /** The values of all other keys. The items of `servers_in_room` are in `servers`. */
  readonly otherKeys: ReadonlyMap<string, Json>;
  readonly servers: readonly string[];
  /** Memberships sent by the users themselves whose signature cannot be checked. */
  readonly unverifiable: ReadonlySet<EventId>;
  /** Stores the rest, and the events that waited for it. */
  finish(): Promise<void>;
  /** The imported state, once everything is stored. */
  entries(): Promise<RemoteStateEntries>;
}

export interface StateImporterDeps {
  readonly store: RoomStore;
  readonly outliers: Outliers;
  readonly keyRing: EventKeys;
  readonly logger: Logger;
}

/** Only events in `wanted` are stored; all when it is absent. */
export type BeginStateImport = (room: Room, wanted?: ReadonlySet<EventId>) => StateImport;

const BATCH = 100;
/**
 * Batches being verified or stored at once. More would only keep objects alive longer and cost
 * garbage collection.
 */
const MAX_CONCURRENT_BATCHES = 3;
/**
 * Limits: events of a state, servers of a room, and bytes of events that wait for their auth
 * events.
 */
const MAX_STATE = 1_000_000;
const MAX_SERVERS = 50_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const MAX_PASSES = 50;
/**
 * Limit on entries that are no events at all. Missing keys are not the sending server's fault, but
 * those are.
 */
const MAX_MALFORMED = 100;

const STATE_LISTS = new Set(["state", "pdus"]);

interface Batch {
  /** Indices of the items that belong to the auth chain; the others are the state. */
  readonly ofChain: ReadonlySet<number>;
  readonly verified: Promise<Verified[]>;
}

export function createStateImporter(deps: StateImporterDeps): BeginStateImport {
  return (room, wanted) => new StreamedStateImport(deps, room, wanted);
}

class StreamedStateImport implements StateImport {
  readonly otherKeys = new Map<string, Json>();
  readonly servers: string[] = [];
  readonly unverifiable = new Set<EventId>();
  readonly #deps: StateImporterDeps;
  readonly #room: Room;
  readonly #wanted: ReadonlySet<EventId> | undefined;
  readonly #stateIds: EventId[] = [];
  /** Batches being verified; they are stored one after another. */
  readonly #batches: Promise<void>[] = [];
  #pdus: Json[] = [];
  #ofChain = new Set<number>();
  /** Texts of events whose auth events are not stored yet. */
  #waiting: { readonly eventId: EventId; readonly text: Buffer }[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #malformed = 0;

  constructor(deps: StateImporterDeps, room: Room, wanted: ReadonlySet<EventId> | undefined) {
    this.#deps = deps;
    this.#room = room;
    this.#wanted = wanted;
  }

  take = async (parts: readonly AnswerPart[]): Promise<void> => {
    for (const { key, value } of parts) {
      if (STATE_LISTS.has(key) || key === "auth_chain") {
        if (key === "auth_chain") this.#ofChain.add(this.#pdus.length);
        if (this.#pdus.push(value) >= BATCH) await this.#begin();
      } else if (key === "servers_in_room") {
        if (typeof value === "string" && this.servers.length < MAX_SERVERS)
          this.servers.push(value);
      } else if (this.otherKeys.size < 100) {
        this.otherKeys.set(key, value);
      }
    }
  };

  async finish(): Promise<void> {
    await this.#begin();
    await Promise.all(this.#batches);
    await this.#storeWaiting();
    if (this.#dropped > 0) {
      const fields = { room: this.#room.roomId, dropped: this.#dropped };
      this.#deps.logger.warn(fields, "events of a state that was told were dropped");
    }
  }

  async #begin(): Promise<void> {
    if (this.#pdus.length === 0) return;
    const pdus = this.#pdus;
    const verified = verifyPdus(this.#deps.keyRing, pdus, this.#room.version);
    // It is awaited later, in order: without this, an earlier failure would count as unhandled.
    verified.catch(() => {});
    const batch = { ofChain: this.#ofChain, verified };
    this.#pdus = [];
    this.#ofChain = new Set();
    const before = this.#batches.at(-1) ?? Promise.resolve();
    const stored = before.then(() => this.#settle(batch));
    stored.catch(() => {});
    this.#batches.push(stored);
    if (this.#batches.length >= MAX_CONCURRENT_BATCHES) await this.#batches.shift();
  }

  async #settle(batch: Batch): Promise<void> {
    const events = new Map<EventId, RoomEvent>();
    for (const [i, verified] of (await batch.verified).entries()) {
      const { event } = verified;
      if (isUnverifiableMember(verified)) this.unverifiable.add(verified.eventId);
      if (verified.check === "1 format") this.#noteMalformed(verified);
      if (event === undefined || event.roomId !== this.#room.roomId) {
        this.#dropped += 1;
        continue;
      }
      if (this.#wanted?.has(event.eventId) === false) continue;
      events.set(event.eventId, event);
      if (!batch.ofChain.has(i)) this.#stateIds.push(event.eventId);
    }
    if (this.#stateIds.length > MAX_STATE) {
      throw errors.unknown("The other server tells too much state", 502);
    }
    for (const event of await this.#store([...events.values()])) this.#wait(event);
  }

  /**
   * Logs an entry that is no event. No server accepts those; the operator may have to find out why
   * the state lacks something.
   */
  #noteMalformed({ eventId, reason }: Verified): void {
    if (++this.#malformed > MAX_MALFORMED) {
      throw errors.unknown("The other server tells a state that is none", 502);
    }
    const fields = { room: this.#room.roomId, event: eventId, reason };
    this.#deps.logger.warn(fields, "a state was told with what is no event in it");
  }

  #store(events: readonly RoomEvent[]): Promise<RoomEvent[]> {
    return this.#deps.outliers.store(this.#room, events, { keepMembers: false });
  }

  #wait(event: RoomEvent): void {
    const text = Buffer.from(event.json());
    if (this.#waitingBytes + text.length > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#waitingBytes += text.length;
    this.#waiting.push({ eventId: event.eventId, text });
  }

  /** Stores the events that came before their auth events, in as many passes as make progress. */
  async #storeWaiting(): Promise<void> {
    for (let pass = 0; this.#waiting.length > 0 && pass < MAX_PASSES; pass++) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (let at = 0; at < waiting.length; at += BATCH) {
        const events = waiting
          .slice(at, at + BATCH)
          .map(({ eventId, text }) =>
            eventFromStored(text.toString(), this.#room.version, eventId),
          );
        for (const event of await this.#store(events)) this.#wait(event);
      }
      if (this.#waiting.length === waiting.length) break;
    }
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
  }

  async entries(): Promise<RemoteStateEntries> {
    const { store } = this.#deps;
    const members = new Map<number, number>();
    const others = new Map<number, number>();
    for (let at = 0; at < this.#stateIds.length; at += 1_000) {
      const ids = this.#stateIds.slice(at, at + 1_000);
      const rows = await stateKeysOfEvents(store.sql, this.#room.nid, ids);
      const tuples = await store.tuples.ensure(rows.map((row) => [row.type, row.stateKey]));
      rows.forEach((row, i) => {
        const into = row.type === "m.room.member" ? members : others;
        into.set(tuples[i] as number, row.nid);
      });
    }
    return {
      members,
      others,
      async events(keys) {
        const tuples = [...(await store.tuples.find(keys)).values()];
        const nids = tuples.flatMap((tuple) => members.get(tuple) ?? others.get(tuple) ?? []);
        return [...(await store.events.byNids(nids)).values()];
      },
    };
  }
}
