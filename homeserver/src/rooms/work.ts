/** One command's progress on a room's head: events added, state moved, and at last the append for the log. */
import type { Append, Committed } from "../log/types.ts";
import { authorise, authTypesFor, requiredSigners } from "../protocol/auth/index.ts";
import type { AuthState } from "../protocol/auth/index.ts";
import { buildEvent, draftPdu } from "../protocol/build-event.ts";
import type { EventDraft } from "../protocol/build-event.ts";
import { errors, rejectionOf } from "../protocol/errors.ts";
import { redactEvent } from "../protocol/event.ts";
import type { RoomEvent } from "../protocol/event.ts";
import type { JsonObject } from "../protocol/json.ts";
import { stateTuple } from "../protocol/state-map.ts";
import { counted, extremitiesBeside, withExtremity } from "./extremities.ts";
import { newEvent } from "./new-event.ts";
import { headAfter } from "./head.ts";
import type { Head } from "./head.ts";
import type { Step } from "./mailbox.ts";
import { resolveRoots } from "./resolve-state.ts";
import { appendOf } from "./rows.ts";
import type { AddedEvent, AppliedRedaction, StateChange, Transaction } from "./rows.ts";
import { authStateIn } from "./state-reader.ts";
import type { Change, StateNode } from "./state-tree/index.ts";
import type { RoomStore } from "./store.ts";
import { draftAt } from "./drafting.ts";
import type { Identity, LocalDraft } from "./drafting.ts";
import type { StateKey } from "./tuples.ts";
import type { Room, StateRoot, StoredEvent } from "./types.ts";

export class Work {
  readonly room: Room;
  readonly added: AddedEvent[] = [];
  readonly redactions: AppliedRedaction[] = [];
  readonly #store: RoomStore;
  readonly #identity: Identity;
  readonly #head: Head;
  readonly #nodes: StateNode[] = [];
  readonly #changes = new Map<string, StateChange>();
  readonly #builtOn: StoredEvent[] = [];
  #extremities: readonly StoredEvent[];
  #stateRoot: StateRoot;
  #depth: number;

  constructor(store: RoomStore, identity: Identity, head: Head) {
    this.room = head.room;
    this.#store = store;
    this.#identity = identity;
    this.#head = head;
    this.#extremities = head.extremities;
    this.#stateRoot = head.stateRoot;
    this.#depth = head.depth;
  }

  get stateRoot(): StateRoot {
    return this.#stateRoot;
  }

  get extremities(): readonly StoredEvent[] {
    return this.#extremities;
  }

  /** Current state events of these keys, by stateTuple. From memory where the head has them. */
  async state(keys: readonly StateKey[]): Promise<Map<string, StoredEvent>> {
    const found = new Map<string, StoredEvent>();
    let unknown: StateKey[] | undefined;
    for (const key of keys) {
      const text = stateTuple(key[0], key[1]);
      const change = this.#changes.get(text);
      const known = change === undefined ? this.#head.state.get(text) : change.event;
      if (known === undefined) (unknown ??= []).push(key);
      else if (known !== null) found.set(text, known);
    }
    if (unknown === undefined) return found;
    const loaded = await this.#store.state.events(this.#stateRoot, unknown);
    for (const key of unknown) {
      const text = stateTuple(key[0], key[1]);
      const event = loaded.get(text);
      this.#head.state.set(text, event ?? null);
      if (event !== undefined) found.set(text, event);
    }
    return found;
  }

  async stateEvent(type: string, stateKey: string): Promise<StoredEvent | undefined> {
    return (await this.state([[type, stateKey]])).get(stateTuple(type, stateKey));
  }

  /** Current state for the authorisation rules: what `authTypesFor` names, and the create event. */
  async authState(event: {
    type: string;
    stateKey?: string | undefined;
    sender: string;
    content: JsonObject;
  }): Promise<{ state: AuthState; authEvents: StoredEvent[] }> {
    const selected = authTypesFor(event, this.room.version);
    const keys: StateKey[] = [...selected, ["m.room.create", ""]];
    const found = await this.state(keys);
    return {
      state: authStateIn(found),
      authEvents: selected.flatMap(([type, key]) => found.get(stateTuple(type, key)) ?? []),
    };
  }

  /**
   * Adds an event of this server on top of the head: selects auth events, builds, authorises against the current
   * state. Throws MatrixError M_FORBIDDEN (the rules), M_TOO_LARGE, M_BAD_JSON, and what a policy server refuses with.
   */
  async local(draft: LocalDraft): Promise<StoredEvent> {
    if (draft.type.includes("\0") || draft.stateKey?.includes("\0") === true) {
      throw errors.badJson("An event's type and state key hold no NUL");
    }
    const { event, authEvents } = await this.allowed(draft);
    if (event.type === "m.room.member") this.#requireOwnSignature(event);
    return this.addOnHead((await this.#identity.endorse?.(this, event)) ?? event, authEvents);
  }

  /** Other servers refuse an event that names somebody whose server did not sign it: nobody here may take it. */
  #requireOwnSignature(event: RoomEvent): void {
    const { serverName } = this.#identity;
    const other = requiredSigners(event).find((server) => server !== serverName);
    if (other !== undefined) throw errors.forbidden(`The event needs a signature of ${other}`);
  }

  /** The event that a draft becomes on this head, with its auth events; M_FORBIDDEN when the current state forbids it. */
  async allowed(
    draft: LocalDraft,
  ): Promise<{ event: RoomEvent; authEvents: readonly StoredEvent[] }> {
    const { state, authEvents } = await this.authState(draft);
    const event = this.build(draft, authEvents);
    const reason = rejectionOf(() => authorise(event, state));
    if (reason !== undefined) throw errors.forbidden(reason);
    return { event, authEvents };
  }

  /** The event that a draft becomes on this head, hashed and signed. */
  build(draft: LocalDraft, authEvents: readonly StoredEvent[]): RoomEvent {
    const { serverName, signingKey } = this.#identity;
    return buildEvent(this.#draft(draft, authEvents), this.room.version, serverName, signingKey);
  }

  /** The same without hashes and signatures: what make_join and its like answer. */
  template(draft: LocalDraft, authEvents: readonly StoredEvent[]): JsonObject {
    return draftPdu(this.#draft(draft, authEvents), this.room.version);
  }

  /** Puts an event whose prev events are the head's on top of it. It has been authorised. */
  async addOnHead(event: RoomEvent, authEvents: readonly StoredEvent[]): Promise<StoredEvent> {
    const [nid] = (await this.#store.registry.eventNids(1)) as [number];
    const before = this.#stateRoot;
    const after =
      event.stateKey === undefined
        ? before
        : await this.setState(before, [[event.type, event.stateKey, nid]]);
    const states = { stateBefore: before, stateAfter: after, roomState: after };
    const stored = newEvent(this.room.nid, nid, event, states);
    this.add({
      stored,
      authNids: authEvents.map((auth) => auth.nid),
      timeline: "live",
      stateChanged: after !== before,
    });
    if (this.#extremities.length > event.prevEventIds.length) {
      // Others waited: some of them count from now on.
      await this.takeUp(stored);
      return this.amend({ ...stored, roomState: this.#stateRoot }, this.#stateRoot !== before);
    }
    const { type, stateKey } = event;
    if (stateKey !== undefined) this.#change({ type, stateKey, event: stored });
    this.#extremities = [stored];
    this.#stateRoot = after;
    this.#depth = Math.max(this.#depth, event.depth);
    return stored;
  }

  /** The event becomes an extremity in place of those that it builds on; the current state is what these resolve to. */
  async takeUp(stored: StoredEvent): Promise<void> {
    const beside = await extremitiesBeside(this.#store, this.#extremities, stored.event);
    await this.standOn(withExtremity(this.#extremities, beside, stored));
  }

  /** These are the extremities; the current state is what they resolve to. */
  async standOn(extremities: readonly StoredEvent[]): Promise<void> {
    const roots = counted(extremities).map((one) => one.stateAfter);
    const { base, changes } = await resolveRoots(this.#store, this.room, roots);
    await this.moveHead(extremities, await this.setTuples(base, changes));
  }

  /** States of these events are the ground of what is added: they must not have been purged when it is committed. */
  buildOn(events: readonly StoredEvent[]): void {
    this.#builtOn.push(...events);
  }

  /** Adds an event without moving the head. */
  add(added: AddedEvent): void {
    this.added.push(added);
    this.#store.events.addPending([added.stored]);
    this.#store.authChains.add(added.stored.nid, added.authNids);
  }

  /** Sets state keys at any root; the nodes made are stored along with this command. */
  async setState(
    root: StateRoot,
    changes: readonly (readonly [type: string, stateKey: string, nid: number | null])[],
  ): Promise<StateRoot> {
    const tuples = await this.#store.tuples.make(changes.map(([type, key]) => [type, key]));
    return this.setTuples(
      root,
      changes.map(([type, key, nid]) => [tuples.get(stateTuple(type, key)) as number, nid]),
    );
  }

  /** The same by tuple nids. */
  async setTuples(root: StateRoot, changes: readonly Change[]): Promise<StateRoot> {
    if (changes.length === 0) return root;
    const set = await this.#store.tree.set(root, changes);
    this.#nodes.push(...set.nodes);
    this.#store.tree.hold(set.nodes);
    return set.root;
  }

  /** Moves the head to other extremities and another current state. */
  async moveHead(extremities: readonly StoredEvent[], root: StateRoot): Promise<void> {
    if (root !== this.#stateRoot) {
      const { changed, removed } = await this.#store.state.delta(this.#stateRoot, root);
      const before = await this.#store.state.events(this.#stateRoot, removed);
      for (const stored of changed) {
        const { type, stateKey } = stored.event;
        this.#change({ type, stateKey: stateKey as string, event: stored });
      }
      for (const [type, stateKey] of removed) {
        const old = before.get(stateTuple(type, stateKey));
        this.#change({ type, stateKey, event: null, before: old });
      }
    }
    this.#extremities = extremities;
    this.#stateRoot = root;
    this.#depth = extremities.reduce((depth, event) => Math.max(depth, event.event.depth), 0);
  }

  /** An event added before, with more known about it. */
  amend(stored: StoredEvent, stateChanged: boolean): StoredEvent {
    const at = this.added.findIndex((one) => one.stored.nid === stored.nid);
    const before = this.added[at];
    if (before === undefined) throw new RangeError(`event ${stored.nid} was not added`);
    this.added[at] = { ...before, stored, stateChanged };
    this.#store.events.addPending([stored]);
    this.#extremities = this.#extremities.map((one) => (one.nid === stored.nid ? stored : one));
    return stored;
  }

  /** A redaction takes effect on an event that is stored already. */
  redact(target: StoredEvent, redaction: StoredEvent): void {
    const redacted: StoredEvent = {
      ...target,
      event: redactEvent(target.event),
      redactedBy: redaction.nid,
    };
    this.redactions.push({ target, redacted, redaction });
  }

  /** The command's end: its rows as one append, and the head after it. */
  step<T>(
    value: T,
    more: { transaction?: Transaction | undefined; append?: Partial<Append> } = {},
  ): Step<T> {
    const head = this.#head;
    for (const [text, change] of this.#changes) head.state.set(text, change.event);
    const next = headAfter(head, this.#extremities, this.#stateRoot, this.#depth);
    const append = appendOf({
      room: this.room,
      before: head,
      after: next,
      added: this.added,
      nodes: this.#nodes,
      builtOn: this.#builtOn,
      changes: [...this.#changes.values()],
      redactions: this.redactions,
      transaction: more.transaction,
    });
    return {
      value,
      append: { ...append, ...more.append },
      next,
      settled: (committed) => this.#settle(committed),
    };
  }

  /** For commands that end without an append. */
  abandon(): void {
    this.#settle(undefined);
  }

  #draft(draft: LocalDraft, authEvents: readonly StoredEvent[]): EventDraft {
    const prev = counted(this.#extremities);
    const place = { room: this.room, prev, depth: this.#depth, authEvents };
    return draftAt(place, draft, this.#identity.now());
  }

  #change(change: StateChange): void {
    this.#changes.set(stateTuple(change.type, change.stateKey), change);
  }

  #settle(committed: Committed | undefined): void {
    const store = this.#store;
    store.tree.release(this.#nodes);
    const events = this.added.map(({ stored }) => ({
      ...stored,
      position: committed?.positions.get(stored.nid) ?? stored.position,
    }));
    store.events.settlePending(events, committed !== undefined);
    for (const { target } of this.redactions) store.events.forget(target.event.eventId);
    // They may have been purged by another replica.
    if (committed === undefined) {
      for (const { event } of this.#builtOn) store.events.forget(event.eventId);
    }
  }
}
