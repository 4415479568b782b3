/** A room by the plain algorithm: whole states, the whole graph, no tree, no database. */
import { authorise, authStateOf, checkAuthEvents } from "../../../src/protocol/auth/index.ts";
import { rejectionOf } from "../../../src/protocol/errors.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import { createEventIdOf } from "../../../src/protocol/identifiers.ts";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import { stateTuple } from "../../../src/protocol/state-map.ts";
import type { StateMap } from "../../../src/protocol/state-map.ts";
import { resolveStateMaps } from "../../../src/protocol/state-res/index.ts";

export interface PlainEvent {
  readonly event: RoomEvent;
  readonly before: StateMap;
  readonly after: StateMap;
  /** Why it is rejected, by its auth events or by the state before it. */
  readonly reason: string | undefined;
}

export class PlainRoom {
  readonly #events: ReadonlyMap<EventId, RoomEvent>;
  readonly #known = new Map<EventId, PlainEvent>();

  /** `events` may grow; each comes after its prev and auth events. */
  constructor(events: ReadonlyMap<EventId, RoomEvent>) {
    this.#events = events;
  }

  of(eventId: EventId): PlainEvent {
    this.#catchUp();
    const found = this.#known.get(eventId);
    if (found === undefined) throw new Error(`${eventId} is no event of the history`);
    return found;
  }

  /** What the states after several events resolve to. */
  resolved(eventIds: readonly EventId[]): StateMap {
    return this.#resolve(eventIds.map((id) => this.of(id).after));
  }

  /** The event's auth events and all that authorises them. */
  authChain(eventIds: Iterable<EventId>): EventId[] {
    const found = new Set<EventId>();
    for (const id of eventIds) for (const auth of this.#authIds(id)) found.add(auth);
    for (const id of found) for (const auth of this.#authIds(id)) found.add(auth);
    return [...found];
  }

  #authIds(id: EventId): readonly EventId[] {
    return this.#events.get(id)?.authEventIds ?? [];
  }

  #catchUp(): void {
    if (this.#known.size === this.#events.size) return;
    for (const [id, event] of this.#events) if (!this.#known.has(id)) this.#place(event);
  }

  #place(event: RoomEvent): void {
    const sets = event.prevEventIds.map((id) => this.#known.get(id)!.after);
    const before = this.#resolve(sets);
    const reason = this.#refusal(event, before);
    const after = new Map(before);
    if (event.stateKey !== undefined && reason === undefined) {
      after.set(stateTuple(event.type, event.stateKey), event.eventId);
    }
    this.#known.set(event.eventId, { event, before, after, reason });
  }

  #resolve(sets: readonly StateMap[]): StateMap {
    const { version } = this.#events.values().next().value!;
    const isRejected = (id: EventId) => this.#known.get(id)?.reason !== undefined;
    return resolveStateMaps(version, sets, (id) => this.#events.get(id), isRejected);
  }

  #refusal(event: RoomEvent, before: StateMap): string | undefined {
    const auth = event.authEventIds.map((id) => this.#known.get(id)!);
    const isImplied = event.version.roomIdIsCreateHash && event.type !== "m.room.create";
    const create = isImplied ? this.#known.get(createEventIdOf(event.roomId)) : undefined;
    const authState = [...auth, ...(create === undefined ? [] : [create])]
      .filter(({ reason }) => reason === undefined)
      .map((one) => one.event);
    const state = [...before].map(([tuple, id]) => [tuple, this.#events.get(id)!] as const);
    const held = new Map(state);
    return rejectionOf(() => {
      checkAuthEvents(
        event,
        auth.map((one) => one.event),
        (id) => this.#known.get(id)?.reason !== undefined,
      );
      authorise(event, authStateOf(authState));
      authorise(event, { get: (type, key) => held.get(stateTuple(type, key)) });
    });
  }
}
