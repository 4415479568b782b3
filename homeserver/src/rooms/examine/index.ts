/**
 * Compares what is stored of a room with what its events make of it: `weft doctor --room`. Reads in pages, with
 * bounded memory, and changes nothing.
 */
import { eventsAfterNid, leavesOf, lostNodes } from "../../storage/examine-rooms.ts";
import type { ExaminedRow } from "../../storage/examine-rooms.ts";
import { stateNodes } from "../../storage/room-heads.ts";
import type { Sql } from "../../storage/sql.ts";
import { counted } from "../extremities.ts";
import { readHead } from "../head.ts";
import { createStateReader } from "../state-reader.ts";
import { createStateTree } from "../state-tree/index.ts";
import { createRoomStore } from "../store.ts";
import type { RoomStore } from "../store.ts";
import type { StateKey, Tuples } from "../tuples.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import type { Room } from "../types.ts";
import { checkCurrent } from "./current.ts";
import { checkStates, resolved } from "./states.ts";
import { checkStored } from "./stored-event.ts";
import { type ExamineOptions, named, type RoomReport } from "./types.ts";

export type { ExamineOptions, RoomFinding, RoomReport } from "./types.ts";

const PAGE = 200;
/** Keys that no state has ever had get numbers above those that the database gives out. */
const FIRST_FREE_TUPLE = 2 ** 47;

type Counts = { -readonly [K in keyof RoomReport]: RoomReport[K] };

/** Undefined when this server does not know the room. `sql` may be read-only; it should show one moment's state. */
export async function examineRoom(
  sql: Sql,
  roomId: RoomId,
  options: ExamineOptions,
): Promise<RoomReport | undefined> {
  const store = readingStore(sql);
  const room = await store.registry.byId(roomId);
  if (room === undefined) return undefined;
  const counts: Counts = {
    ...{ roomId, events: 0, statesChecked: 0, statesTold: 0, signaturesChecked: 0 },
    ...{ signaturesUnknown: 0, stateEntries: 0, members: 0, findings: 0 },
  };
  const found = (what: string, eventId?: string): void => {
    counts.findings += 1;
    options.found(eventId === undefined ? { roomId, what } : { roomId, what, eventId });
  };
  for (let after = options.afterNid ?? 0; ;) {
    const rows = await eventsAfterNid(sql, room.nid, after, PAGE);
    for (const row of await rowsWithoutRoot(sql, rows)) {
      found("a state around it has lost its root node", row.eventId);
    }
    for (const row of rows) await examineEvent(store, room, row, counts, options, found);
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.nid;
    options.progress?.(after);
  }
  await attempt(() => examineHead(store, room, counts, found), found);
  return counts;
}

async function rowsWithoutRoot(sql: Sql, rows: readonly ExaminedRow[]): Promise<ExaminedRow[]> {
  const rootsOf = (row: ExaminedRow) =>
    [row.stateBefore, row.stateAfter, row.roomState].filter((root) => root !== null);
  const lost = await lostNodes(sql, rows.flatMap(rootsOf));
  return rows.filter((row) => rootsOf(row).some((root) => lost.has(root.toString("hex"))));
}

type Found = (what: string, eventId?: string) => void;

async function examineEvent(
  store: RoomStore,
  room: Room,
  row: ExaminedRow,
  counts: Counts,
  { key }: ExamineOptions,
  found: Found,
): Promise<void> {
  counts.events += 1;
  const { event, faults, signatures } = await checkStored(row, room.version, key);
  for (const fault of faults) found(fault, row.eventId);
  if (signatures === "unknown") counts.signaturesUnknown += 1;
  else counts.signaturesChecked += 1;
  if (event === undefined) return;
  await attempt(
    async () => {
      const [stored] = (await store.events.byNids([row.nid])).values();
      if (stored === undefined) return;
      const states = await checkStates(store, room, stored);
      if (states.by === "told") counts.statesTold += 1;
      else counts.statesChecked += 1;
      for (const fault of states.faults) found(fault, row.eventId);
    },
    (what) => found(what, row.eventId),
  );
}

/** A node or an event that is not there is a finding, like any other. */
async function attempt(check: () => Promise<void>, found: (what: string) => void): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (!(error as Error).message.endsWith("is not stored")) throw error;
    found((error as Error).message);
  }
}

async function examineHead(
  store: RoomStore,
  room: Room,
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
  for (const { nid, event } of leaves.values()) {
    if (!ends.has(nid)) found("it is a forward extremity, and is not kept as one", event.eventId);
  }
  const roots = counted(head.extremities).map((one) => one.stateAfter);
  const root = await resolved(store, room, roots);
  if (root !== head.stateRoot) {
    found(`the current state is ${named(head.stateRoot)}, by the extremities ${named(root)}`);
  }
  const { entries, members } = await checkCurrent(store, room, head.stateRoot, found);
  counts.stateEntries = entries;
  counts.members = members;
}

/** A store that gives out no numbers and keeps no node that it did not read: where resolving brings up a key that is new here, it gets one of its own. */
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
