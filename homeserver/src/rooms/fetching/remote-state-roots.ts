/**
 * States fetched from other servers, as a command uses them: lists of event ids, resolved at every
 * attempt against committed and pending events.
 */
import { authTypesFor } from "../../protocol/auth/index.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { outlinesOfEvents } from "../../storage/rooms/events.ts";
import type { EventOutline } from "../../storage/rooms/events.ts";
import { rejectionByState } from "../checks/authorisation.ts";
import type { RoomReader } from "../state/room-reader.ts";
import type { StateKey } from "../state/tuples.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/** What other servers say about states that cannot be computed here. */
export interface RemoteState {
  /** Missing prev event → the events of the state before it. */
  readonly beforePrev: ReadonlyMap<EventId, readonly EventId[]>;
  /**
   * The state before the event itself, when the others cannot be had. It stands in for all missing
   * prev events.
   */
  readonly beforeEvent?: readonly EventId[] | undefined;
}

/**
 * The states after the missing prev events; undefined when one of them is unknown or incomplete.
 */
export async function remoteStateRoots(
  command: RoomCommand,
  missing: readonly EventId[],
  remoteState: RemoteState | undefined,
): Promise<StateRoot[] | undefined> {
  if (remoteState === undefined) return undefined;
  const roots: StateRoot[] = [];
  for (const id of missing) {
    const before = remoteState.beforePrev.get(id);
    const root = before === undefined ? undefined : await rootAfter(command, id, before);
    if (root !== undefined) roots.push(root);
  }
  if (roots.length === missing.length) return roots;
  const instead =
    remoteState.beforeEvent === undefined
      ? undefined
      : await rootOf(command, remoteState.beforeEvent);
  return instead === undefined ? undefined : [instead];
}

/** The state after an outlier, given the state before it. */
async function rootAfter(
  command: RoomCommand,
  id: EventId,
  ids: readonly EventId[],
): Promise<StateRoot | undefined> {
  const prev = await command.store.events.byId(id);
  if (prev === undefined || prev.roomNid !== command.room.nid) return undefined;
  const root = await rootOf(command, ids);
  if (root === undefined) return undefined;
  const { type, stateKey } = prev.event;
  if (stateKey === undefined || prev.status === "rejected") return root;
  if (await forbids(command.store, root, prev.event)) return root;
  command.dependOn([prev]);
  return command.setState(root, [[type, stateKey, prev.nid]]);
}

/** Step 5 of the checks on receipt. */
async function forbids(store: RoomReader, root: StateRoot, event: RoomEvent): Promise<boolean> {
  const keys: StateKey[] = [...authTypesFor(event, event.version), ["m.room.create", ""]];
  const state = await store.state.events(root, keys);
  return rejectionByState(event, state) !== undefined;
}

/** Undefined when the events are not a complete state of the room. */
async function rootOf(
  command: RoomCommand,
  ids: readonly EventId[],
): Promise<StateRoot | undefined> {
  const outlines = await outlinesOf(command.store, ids, (id) => command.store.pending.byId(id));
  const entries = stateIn(outlines, ids, command.room.nid);
  if (entries === undefined) return undefined;
  command.dependOnState(entries.map(([, , nid]) => nid));
  return command.setState(null, entries);
}

const CHUNK = 1_000;

/** From the tables, except for events that `coming` knows. */
export async function outlinesOf(
  store: RoomReader,
  ids: readonly EventId[],
  coming: (id: EventId) => StoredEvent | undefined = () => undefined,
): Promise<Map<EventId, EventOutline>> {
  const found = new Map<EventId, EventOutline>();
  const left: EventId[] = [];
  for (const id of ids) {
    const stored = coming(id);
    if (stored === undefined) {
      left.push(id);
      continue;
    }
    const { nid, roomNid, event, status } = stored;
    const stateKey = event.stateKey ?? null;
    found.set(id, { nid, roomNid, type: event.type, stateKey, isRejected: status === "rejected" });
  }
  for (let at = 0; at < left.length; at += CHUNK) {
    const rows = await outlinesOfEvents(store.sql, left.slice(at, at + CHUNK));
    for (const { eventId, ...outline } of rows) found.set(eventId as EventId, outline);
  }
  return found;
}

/**
 * The entries of a state fetched from another server, without rejected events. Undefined when an
 * event of it is missing here, or when it is no valid state of the room: it contains a message, two
 * events with one key, or no create event.
 */
export function stateIn(
  outlines: ReadonlyMap<EventId, EventOutline>,
  ids: readonly EventId[],
  roomNid: number,
): [type: string, stateKey: string, nid: number][] | undefined {
  const entries = new Map<string, [string, string, number]>();
  for (const id of new Set(ids)) {
    const outline = outlines.get(id);
    if (outline === undefined || outline.roomNid !== roomNid) return undefined;
    const { type, stateKey, nid } = outline;
    if (stateKey === null) return undefined;
    if (outline.isRejected) continue;
    const tuple = stateTuple(type, stateKey);
    if (entries.has(tuple)) return undefined;
    entries.set(tuple, [type, stateKey, nid]);
  }
  return entries.has(stateTuple("m.room.create", "")) ? [...entries.values()] : undefined;
}
