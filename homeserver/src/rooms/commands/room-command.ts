/**
 * The progress of one command on a room's head: events are added, the state moves, and the end is
 * an append to the log.
 */
import type { Append, Committed } from "../../log/types.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { counted, extremitiesNotReachedFrom, withExtremity } from "./extremities.ts";
import { isJoin } from "../records/member-events.ts";
import { newEvent } from "../records/new-event.ts";
import type { CommandStore } from "./command-store.ts";
import { Dependencies } from "./dependencies.ts";
import { headAfter, keepRedacted, movesHead } from "./head.ts";
import type { Head } from "./head.ts";
import type { CommandResult } from "./mailbox.ts";
import { resolveRoots } from "../state/resolution.ts";
import { buildAppend } from "./append-builder.ts";
import type {
  AddedEvent,
  AppliedRedaction,
  StateChange,
  ClientTransaction,
} from "./append-builder.ts";
import type { Change, StateNode } from "../state/tree/index.ts";
import type { Identity } from "./drafting.ts";
import type { StateKey } from "../state/tuples.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

/** Runs a command on the head. When it throws, everything it made is discarded. */
export async function runCommand<T>(
  identity: Identity,
  head: Head,
  body: (command: RoomCommand) => Promise<CommandResult<T>>,
): Promise<CommandResult<T>> {
  const command = new RoomCommand(identity, head);
  try {
    return await body(command);
  } catch (error) {
    command.abandon();
    throw error;
  }
}

export class RoomCommand {
  readonly room: Room;
  /** What this command reads: committed rows and pending events. */
  readonly store: CommandStore;
  /** Signs what this server's users send. */
  readonly identity: Identity;
  readonly added: AddedEvent[] = [];
  readonly redactions: AppliedRedaction[] = [];
  readonly #head: Head;
  readonly #nodes: StateNode[] = [];
  readonly #changes = new Map<string, StateChange>();
  readonly #dependencies: Dependencies;
  #extremities: readonly StoredEvent[];
  #stateRoot: StateRoot;
  #depth: number;

  constructor(identity: Identity, head: Head) {
    this.room = head.room;
    this.store = head.store;
    this.#dependencies = new Dependencies(head.store, this);
    this.identity = identity;
    this.#head = head;
    this.#extremities = head.extremities;
    this.#stateRoot = head.stateRoot;
    this.#depth = head.depth;
  }

  get serverName(): string {
    return this.identity.serverName;
  }

  /** Only a part of the room's state is known. */
  get isPartial(): boolean {
    return this.#head.isPartial === true;
  }

  get isArchived(): boolean {
    return this.#head.isArchived === true;
  }

  get stateRoot(): StateRoot {
    return this.#stateRoot;
  }

  get extremities(): readonly StoredEvent[] {
    return this.#extremities;
  }

  /** The greatest depth of the extremities. */
  get depth(): number {
    return this.#depth;
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
    const loaded = await this.store.state.events(this.#stateRoot, unknown);
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

  /** Adds an authorised event whose prev events are the head's extremities. */
  async addOnHead(event: RoomEvent, authEvents: readonly StoredEvent[]): Promise<StoredEvent> {
    const [nid] = (await this.store.registry.eventNids(1)) as [number];
    const before = this.#stateRoot;
    const after =
      event.stateKey === undefined
        ? before
        : await this.setState(before, [[event.type, event.stateKey, nid]]);
    const states = { stateBefore: before, stateAfter: after, roomState: after };
    const stored = newEvent(this.room.nid, nid, event, states);
    this.dependOn(authEvents);
    this.add({
      stored,
      authNids: authEvents.map((auth) => auth.nid),
      timeline: "live",
      stateChanged: after !== before,
    });
    if (this.#extremities.length > event.prevEventIds.length) {
      // More extremities than a new event names: some that waited count from now on.
      await this.addExtremity(stored);
      return this.amend({ ...stored, roomState: this.#stateRoot }, this.#stateRoot !== before);
    }
    const { type, stateKey } = event;
    if (stateKey !== undefined) {
      const wasJoined =
        type === "m.room.member" ? isJoin(await this.stateEvent(type, stateKey)) : undefined;
      this.#change({ type, stateKey, event: stored, wasJoined });
    }
    this.#extremities = [stored];
    this.#stateRoot = after;
    this.#depth = Math.max(this.#depth, event.depth);
    return stored;
  }

  /**
   * The event becomes an extremity in place of those that it builds on; the current state is
   * resolved from the result.
   */
  async addExtremity(stored: StoredEvent): Promise<void> {
    const remaining = await extremitiesNotReachedFrom(this.store, this.#extremities, stored.event);
    await this.setExtremities(withExtremity(this.#extremities, remaining, stored));
  }

  /** Sets the extremities; the current state is what they resolve to. */
  async setExtremities(extremities: readonly StoredEvent[]): Promise<void> {
    const roots = counted(extremities).map((one) => one.stateAfter);
    const { base, changes } = await resolveRoots(this.store, this.room, roots);
    await this.moveHead(extremities, await this.setTuples(base, changes));
  }

  /**
   * New states build on the states of these events: at the commit they must not have been purged,
   * and if one of them fails to commit, this command runs again.
   */
  dependOnStatesOf(events: readonly StoredEvent[]): void {
    this.#dependencies.addStatesOf(events);
  }

  /**
   * The nids of these events are stored with what is added: if one of them fails to commit, this
   * command runs again.
   */
  dependOn(events: readonly StoredEvent[]): void {
    this.#dependencies.add(events.map(({ nid }) => nid));
  }

  /** The same by nid, for state events: committed ones cannot be purged without the whole room. */
  dependOnState(nids: readonly number[]): void {
    this.#dependencies.add(nids);
  }

  /** Adds an event without moving the head. */
  add(added: AddedEvent): void {
    this.added.push(added);
    this.#await(added);
  }

  #await({ stored, authNids }: AddedEvent): void {
    this.store.pending.add(this, { stored, authNids });
  }

  /** Sets keys in the state at any root. The new nodes are stored with this command. */
  async setState(
    root: StateRoot,
    changes: readonly (readonly [type: string, stateKey: string, nid: number | null])[],
  ): Promise<StateRoot> {
    const tuples = await this.store.tuples.make(changes.map(([type, key]) => [type, key]));
    return this.setTuples(
      root,
      changes.map(([type, key, nid]) => [tuples.get(stateTuple(type, key)) as number, nid]),
    );
  }

  /** The same by tuple nids. */
  async setTuples(root: StateRoot, changes: readonly Change[]): Promise<StateRoot> {
    if (changes.length === 0) return root;
    const set = await this.store.tree.set(root, changes);
    this.#nodes.push(...set.nodes);
    this.store.tree.hold(set.nodes);
    return set.root;
  }

  /** Moves the head to other extremities and another current state. */
  async moveHead(extremities: readonly StoredEvent[], root: StateRoot): Promise<void> {
    if (root !== this.#stateRoot) {
      const { changed, removed } = await this.store.state.delta(this.#stateRoot, root);
      const changedKeys = changed.map(
        ({ event: { type, stateKey } }) => [type, stateKey!] as const,
      );
      const members = changedKeys.filter(([type]) => type === "m.room.member");
      const keys = [...removed, ...members];
      const before = await this.store.state.events(this.#stateRoot, keys);
      for (const stored of changed) {
        const { type, stateKey } = stored.event;
        const old = before.get(stateTuple(type, stateKey!));
        this.#change({ type, stateKey: stateKey!, event: stored, wasJoined: isJoin(old) });
      }
      for (const [type, stateKey] of removed) {
        const old = before.get(stateTuple(type, stateKey));
        this.#change({ type, stateKey, event: null, before: old, wasJoined: isJoin(old) });
      }
    }
    this.#extremities = extremities;
    this.#stateRoot = root;
    this.#depth = extremities.reduce((depth, event) => Math.max(depth, event.event.depth), 0);
  }

  /** Replaces an event added before by one that has more fields filled in. */
  amend(stored: StoredEvent, stateChanged: boolean): StoredEvent {
    const at = this.added.findIndex((one) => one.stored.nid === stored.nid);
    const before = this.added[at];
    if (before === undefined) throw new RangeError(`event ${stored.nid} was not added`);
    this.added[at] = { ...before, stored, stateChanged };
    this.#await(this.added[at]);
    this.#extremities = this.#extremities.map((one) => (one.nid === stored.nid ? stored : one));
    return stored;
  }

  /** Applies a redaction to a stored event. */
  redact(target: StoredEvent, redaction: StoredEvent): void {
    const redacted: StoredEvent = {
      ...target,
      event: redactEvent(target.event),
      redactedBy: redaction.nid,
    };
    this.redactions.push({ target, redacted, redaction });
    this.store.pending.redact(this, redacted);
  }

  /**
   * Ends the command: returns its rows as one append, and the head after it. There is no append
   * when nothing was added and `more` has none.
   */
  finish<T>(
    value: T,
    more: { transaction?: ClientTransaction | undefined; append?: Partial<Append> } = {},
  ): CommandResult<T> {
    if (this.added.length === 0 && more.append === undefined) {
      this.abandon();
      return { value };
    }
    const head = this.#head;
    const { pending } = this.store;
    pending.check();
    for (const { redacted } of this.redactions) keepRedacted(head, redacted);
    for (const [text, change] of this.#changes) head.state.set(text, change.event);
    const next = movesHead(head, this.#extremities, this.#stateRoot, this.added)
      ? headAfter(head, this.#extremities, this.#stateRoot, this.#depth)
      : undefined;
    if (next !== undefined) pending.fence(this);
    const hasGaps = more.append?.missing?.add?.length ?? 0;
    if (hasGaps > 0) pending.changed();
    const append = buildAppend({
      room: this.room,
      before: head,
      after: next,
      added: this.added,
      nodes: this.#nodes,
      dependencies: this.#dependencies.asRows(head, next),
      changes: [...this.#changes.values()],
      redactions: this.redactions,
      ...{ transaction: more.transaction, now: () => this.identity.now() },
    });
    const records = [...(append.records ?? []), ...(more.append?.records ?? [])];
    return {
      value,
      append: { ...append, ...more.append, ...(records.length > 0 && { records }) },
      next,
      settled: (committed) => {
        if (hasGaps > 0) pending.changed();
        if (committed === undefined) pending.giveUp();
        this.#settle(committed);
      },
    };
  }

  /** Discards what the command made. */
  abandon(): void {
    this.#settle(undefined);
  }

  #change(change: StateChange): void {
    const key = stateTuple(change.type, change.stateKey);
    const earlier = this.#changes.get(key);
    this.#changes.set(key, earlier ? { ...change, wasJoined: earlier.wasJoined } : change);
  }

  #settle(committed: Committed | undefined): void {
    const { store } = this;
    const { events, authChains } = store.committed;
    store.tree.release(this.#nodes);
    for (const { stored, authNids, isBulk } of committed === undefined ? [] : this.added) {
      const position = committed?.positions.get(stored.nid) ?? stored.position;
      if (isBulk !== true) events.keep({ ...stored, position });
      authChains.add(stored.nid, authNids);
    }
    const added = this.added.map(({ stored }) => stored);
    store.pending.settle(this, added);
    const targets = this.redactions.map(({ target }) => target);
    store.pending.settleRedactions(this, targets);
    for (const { event } of targets) events.forget(event.eventId);
    // Another replica may have purged them.
    if (committed === undefined) {
      for (const { event } of this.#dependencies.statesOf) events.forget(event.eventId);
    }
  }
}
