/**
 * Checks the stored data of a room against its events: `weft doctor --room`. Reads in pages, with
 * bounded memory, and changes nothing.
 */
import { eventsAfterNid, leavesOf, lostEvents, wasPurged } from "../../storage/rooms/integrity.ts";
import type { CheckedRow } from "../../storage/rooms/integrity.ts";
import { firstKnownDepth } from "../../storage/rooms/gaps.ts";
import { loadHead, stateNodes } from "../../storage/rooms/heads.ts";
import { isConnectionError, sqlState } from "../../storage/sql.ts";
import type { Sql } from "../../storage/sql.ts";
import { bytesOfRoot } from "../records/events.ts";
import { counted } from "../commands/extremities.ts";
import { readHead } from "../commands/head.ts";
import { createStateReader } from "../state/reader.ts";
import { createStateTree } from "../state/tree/index.ts";
import { createRoomStore } from "../state/store.ts";
import type { RoomStore } from "../state/store.ts";
import type { StateKey, Tuples } from "../state/tuples.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import { roomVersion } from "../../protocol/room-versions.ts";
import type { Room } from "../api/index.ts";
import { checkAuth } from "./auth.ts";
import { checkCurrent } from "./current.ts";
import { createEntryCheck, describeFaults } from "./entries.ts";
import type { EntryCheck } from "./entries.ts";
import { unappliedRedactions } from "./redacted.ts";
import { checkStates, resolved } from "./state-check.ts";
import { checkStored } from "./stored-event.ts";
import { type CheckOptions, named, type RoomReport } from "./types.ts";

export type { CheckOptions, RoomFinding, RoomReport } from "./types.ts";

const PAGE = 200;
/** New keys get nids above those that the database hands out. */
const FIRST_FREE_TUPLE = 2 ** 47;

type Counts = { -readonly [K in keyof RoomReport]: RoomReport[K] };

/**
 * Undefined when this server does not know the room. `sql` may be read-only, and should use one
 * snapshot.
 */
export async function checkRoom(
  sql: Sql,
  roomId: RoomId,
  options: CheckOptions,
): Promise<RoomReport | undefined> {
  const store = readingStore(sql);
  const room = await store.registry.byId(roomId);
  if (room === undefined) return undefined;
  const counts: Counts = {
    ...{ roomId, events: 0, statesChecked: 0, statesFromOthers: 0, signaturesChecked: 0 },
    ...{ signaturesUnknown: 0, stateEntries: 0, members: 0, findings: 0 },
  };
  const found = (what: string, eventId?: string): void => {
    counts.findings += 1;
    options.found(eventId === undefined ? { roomId, what } : { roomId, what, eventId });
  };
  const head = await loadHead(sql, room.nid);
  // States of a partial room contain only the known members, which do not follow from the prev
  // events.
  const isPartial = head?.partial ?? false;
  if (isPartial) options.note?.("its state is still being fetched: states are not compared");
  const entries = createEntryCheck(sql, room);
  for (let after = options.afterNid ?? 0; ;) {
    const rows = await eventsAfterNid(sql, room.nid, after, PAGE);
    await checkEvents({ store, room, entries, counts, options, found, isPartial }, rows);
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.nid;
    options.progress?.(after);
  }
  for (const { eventId } of await lostOf(sql, room)) {
    options.note?.("it is known, and all that it builds on has a place, but it has none", eventId);
  }
  await attempt(() => checkHead(store, room, entries, counts, found), found);
  return counts;
}

/**
 * Events that were lost on their way, or were stored without their history which is here now. They
 * are needed, and belong into the timeline.
 */
export async function lostOf(sql: Sql, room: Room) {
  const first = (await firstKnownDepth(sql, room.nid)) ?? 0;
  const lost = await lostEvents(sql, room.nid, first);
  return lost.filter(({ json }) => !isOutOfBand(json));
}

/** Invites and knocks also arrive out of band, before they arrive with the room's other events. */
function isOutOfBand(json: string): boolean {
  const { type, content } = JSON.parse(json) as { type: string; content: { membership?: unknown } };
  return type === "m.room.member" && ["invite", "knock"].includes(content.membership as string);
}

interface RoomCheck {
  readonly store: RoomStore;
  readonly room: Room;
  readonly entries: EntryCheck;
  readonly counts: Counts;
  readonly options: CheckOptions;
  readonly found: Found;
  readonly isPartial: boolean;
}

async function checkEvents(
  { store, room, entries, counts, options, found, isPartial }: RoomCheck,
  rows: readonly CheckedRow[],
): Promise<void> {
  const faulty = await entries.faultsOf(rows.flatMap(rootsOf));
  const events: { row: CheckedRow; event: RoomEvent }[] = [];
  for (const row of rows) {
    counts.events += 1;
    const bad = rootsOf(row).map((root) => faulty.get(root.toString("hex")));
    const faults = new Set(bad.flatMap((one) => (one === undefined ? [] : describeFaults(one))));
    for (const fault of faults) found(`a state around it ${fault}`, row.eventId);
    const event = await checkEvent(store, room, row, { counts, options, found, isPartial });
    if (event !== undefined) events.push({ row, event });
  }
  const checks = await checkAuth(
    store.sql,
    room.nid,
    events.map(({ row, event }) => ({
      event,
      authNids: row.authNids,
      isInGraph: isRowInGraph(row),
    })),
  );
  for (const [i, { faults }] of checks.entries()) {
    for (const fault of faults) found(fault, events[i]?.row.eventId);
  }
  for (const { target, redaction } of await unappliedRedactions(store, rows)) {
    found(`its redaction ${redaction.event.eventId} has not been applied`, target.event.eventId);
  }
}

function isRowInGraph({ position, stateAfter }: CheckedRow): boolean {
  return position !== null || stateAfter !== null;
}

function rootsOf({ stateBefore, stateAfter, roomState }: CheckedRow): Buffer[] {
  return [stateBefore, stateAfter, roomState].filter((root) => root !== null);
}

type Found = (what: string, eventId?: string) => void;

async function checkEvent(
  store: RoomStore,
  room: Room,
  row: CheckedRow,
  { counts, options, found, isPartial }: Omit<RoomCheck, "store" | "room" | "entries">,
): Promise<RoomEvent | undefined> {
  const version = roomVersion(row.version) ?? room.version;
  const { event, faults, signatures } = await checkStored(row, version, options.key);
  for (const fault of faults) found(fault, row.eventId);
  if (signatures === "unknown") counts.signaturesUnknown += 1;
  else counts.signaturesChecked += 1;
  if (event === undefined) return undefined;
  await attempt(
    async () => {
      const [stored] = (await store.events.byNids([row.nid])).values();
      if (stored === undefined) return;
      const states = await checkStates(store, room, stored, isPartial);
      if (states.by === "another server") counts.statesFromOthers += 1;
      else counts.statesChecked += 1;
      for (const fault of states.faults) found(fault, row.eventId);
    },
    (what) => found(what, row.eventId),
  );
  return event;
}

/** A missing or unreadable node or event is a finding like any other. */
async function attempt(check: () => Promise<void>, found: (what: string) => void): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (sqlState(error) !== undefined || isConnectionError(error)) throw error;
    found((error as Error).message);
  }
}

async function checkHead(
  store: RoomStore,
  room: Room,
  entries: EntryCheck,
  counts: Counts,
  found: Found,
): Promise<void> {
  const head = await readHead(store, room);
  if (head.version === 0) return found("the room has no head");
  const leaves = await store.events.byNids(await leavesOf(store.sql, room.nid));
  const ends = new Map(head.extremities.map((one) => [one.nid, one.event.eventId]));
  for (const [nid, eventId] of ends) {
    if (!leaves.has(nid)) found("it is kept as a forward extremity, and is none", eventId);
  }
  // Events that build on it may have been purged.
  const isPurged = await wasPurged(store.sql, room.nid);
  for (const { nid, event } of leaves.values()) {
    if (ends.has(nid) || isPurged) continue;
    found("it is a forward extremity, and is not kept as one", event.eventId);
  }
  const roots = counted(head.extremities).map((one) => one.stateAfter);
  const root = await resolved(store, room, roots);
  if (root !== head.stateRoot) {
    found(`the current state is ${named(head.stateRoot)}, by the extremities ${named(root)}`);
  }
  const ofHead = bytesOfRoot(head.stateRoot);
  for (const faults of ofHead === null ? [] : (await entries.faultsOf([ofHead])).values()) {
    for (const fault of describeFaults(faults)) found(`the current state ${fault}`);
  }
  const current = await checkCurrent(store, room, head.stateRoot, found);
  counts.stateEntries = current.entries;
  counts.members = current.members;
}

/**
 * A store that assigns no nids and caches only nodes that it read: a key that resolving brings up
 * and that is new here gets a nid of its own.
 */
function readingStore(sql: Sql): RoomStore {
  const store = createRoomStore(sql);
  const own = new Map<string, number>();
  const tuples: Tuples = {
    ...store.tuples,
    async make(keys: readonly StateKey[]) {
      const found = await store.tuples.find(keys);
      for (const [type, stateKey] of keys) {
        const text = stateTuple(type, stateKey);
        if (found.has(text)) continue;
        const nid = own.get(text) ?? FIRST_FREE_TUPLE + own.size;
        own.set(text, nid);
        found.set(text, nid);
      }
      return found;
    },
  };
  const tree = createStateTree((hashes) => stateNodes(sql, hashes), undefined, false);
  return { ...store, tuples, tree, state: createStateReader(tree, tuples, store.events) };
}
