/** Recomputes the states and verdicts of all of a room's events in graph order. */
import type { EventId } from "../../../protocol/identifiers.ts";
import { graphOf, writeRoomStates, writeStates } from "../../../storage/rooms/mend-rooms.ts";
import type { GraphRow, MendedStateRow } from "../../../storage/rooms/mend-rooms.ts";
import { bytesOfRoot } from "../../records/events.ts";
import { hasKnownState, isInGraph } from "../../records/in-graph.ts";
import type { StateRoot, StoredEvent } from "../../api/index.ts";
import { verdictOf } from "../verdict.ts";
import type { Mending } from "./mending.ts";
import { createRemoteStateRepair } from "./remote-states.ts";
import type { RemoteStateRepair } from "./remote-states.ts";

const CHUNK = 200;
const STATUS = { accepted: 0, "soft-failed": 1, rejected: 2 } as const;

/** What became of the events before. */
interface Progress {
  readonly remoteStates: RemoteStateRepair;
  /** Events after which the state has changed. */
  readonly moved: Set<number>;
  /** Events whose verdict has changed. */
  readonly turned: Set<number>;
}

export async function mendStates(mending: Mending): Promise<void> {
  const order = inOrder(await graphOf(mending.tx, mending.room.nid));
  const progress = {
    remoteStates: createRemoteStateRepair(mending),
    moved: new Set<number>(),
    turned: new Set<number>(),
  };
  for (let at = 0; at < order.length; at += CHUNK) {
    await mendChunk(mending, progress, order.slice(at, at + CHUNK));
  }
}

/** Each event after its prev and auth events. */
function inOrder(rows: readonly GraphRow[]): number[] {
  const byNid = new Map(rows.map((row) => [row.nid, row]));
  const nidOf = new Map(rows.map((row) => [row.eventId, row.nid]));
  const before = ({ prevEventIds, authNids }: GraphRow): number[] => [
    ...authNids,
    ...prevEventIds.flatMap((id) => nidOf.get(id) ?? []),
  ];
  const entered = new Set<number>();
  const order: number[] = [];
  for (const root of rows) {
    const path: { readonly row: GraphRow; readonly left: number[] }[] = [];
    const enter = (row: GraphRow | undefined): void => {
      if (row === undefined || entered.has(row.nid)) return;
      entered.add(row.nid);
      path.push({ row, left: before(row) });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.left.pop();
      if (next !== undefined) enter(byNid.get(next));
      else order.push(path.pop()!.row.nid);
    }
  }
  return order;
}

async function mendChunk(
  mending: Mending,
  progress: Progress,
  nids: readonly number[],
): Promise<void> {
  const { tx, store, pending, counts } = mending;
  const found = await store.events.byNids(nids);
  const rows: MendedStateRow[] = [];
  const changed: StoredEvent[] = [];
  const rooted: { nid: number; roomState: Buffer | null }[] = [];
  const roots = new Set<StateRoot>();
  for (const nid of nids) {
    const stored = found.get(nid);
    if (stored === undefined) continue;
    const now = isInGraph(stored)
      ? await recomputed(mending, progress, stored)
      : await rejudged(mending, progress, stored);
    const roomState = await progress.remoteStates.stripped(stored.roomState);
    for (const root of [now.stateBefore, now.stateAfter, roomState]) roots.add(root);
    if (roomState !== stored.roomState) rooted.push({ nid, roomState: bytesOfRoot(roomState) });
    if (now.stateAfter !== stored.stateAfter) progress.moved.add(nid);
    if (!isSame(now, stored)) {
      changed.push(now);
      pending.add(mending, { stored: now, authNids: undefined });
      rows.push(rowOf(now, now.reason));
    }
  }
  await mending.flush(roots);
  if (rows.length > 0) await writeStates(tx, rows);
  if (rooted.length > 0) await writeRoomStates(tx, rooted);
  // From now on the rows are read.
  for (const { event } of changed) store.events.forget(event.eventId);
  pending.settle(mending, changed);
  counts.states += new Set([...rows, ...rooted].map(({ nid }) => nid)).size;
}

type Restated = StoredEvent & { readonly reason?: string | undefined };

function isSame(now: StoredEvent, stored: StoredEvent): boolean {
  return (
    now.status === stored.status &&
    now.stateBefore === stored.stateBefore &&
    now.stateAfter === stored.stateAfter
  );
}

function rowOf(
  { nid, status, stateBefore, stateAfter }: StoredEvent,
  reason?: string,
): MendedStateRow {
  return {
    ...{ nid, status: STATUS[status], reason: reason ?? null },
    stateBefore: bytesOfRoot(stateBefore),
    stateAfter: bytesOfRoot(stateAfter),
  };
}

async function recomputed(
  mending: Mending,
  progress: Progress,
  stored: StoredEvent,
): Promise<Restated> {
  const { store } = mending;
  const { event, nid } = stored;
  const before = await stateBefore(mending, progress, stored);
  const judged = await judge(mending, progress, stored, before);
  let after = before;
  if (event.stateKey !== undefined && judged.status !== "rejected") {
    const [tuple] = (await store.tuples.make([[event.type, event.stateKey]])).values();
    after = await mending.set(before, [[tuple as number, nid]]);
  }
  return { ...stored, ...judged, stateBefore: before, stateAfter: after };
}

async function stateBefore(
  mending: Mending,
  { remoteStates, moved }: Progress,
  stored: StoredEvent,
): Promise<StateRoot> {
  const { event } = stored;
  const ids = [...new Set<EventId>(event.prevEventIds)];
  const prev = await mending.store.events.byIds(ids);
  const known = [...prev.values()].filter((one) => hasKnownState(one, event.roomId));
  const roots: StateRoot[] = [];
  for (const one of known)
    roots.push(isInGraph(one) ? one.stateAfter : await afterCreate(mending, one));
  if (known.length === ids.length) return mending.resolve(roots);
  const mended = await remoteStates.before(stored);
  const isAsBefore = mended === stored.stateBefore && !known.some(({ nid }) => moved.has(nid));
  return isAsBefore ? mended : mending.resolve([mended, ...roots]);
}

/** The state after a create event that is not in the graph. */
async function afterCreate(mending: Mending, { event, nid }: StoredEvent): Promise<StateRoot> {
  const [tuple] = (await mending.store.tuples.make([[event.type, ""]])).values();
  return mending.set(null, [[tuple as number, nid]]);
}

type Judged = Pick<Restated, "status" | "reason">;

/** Steps 4 and 5 of the checks on receipt. Soft-failed events stay so. */
async function judge(
  mending: Mending,
  { turned }: Progress,
  { nid, event, status, redactedBy, position }: StoredEvent,
  before: StateRoot,
): Promise<Judged> {
  const verdict = redactedBy === null ? await verdictOf(mending.store, event, before) : undefined;
  if (verdict === undefined) return { status };
  if ((verdict.reason === undefined) === (status !== "rejected")) return { status };
  turned.add(nid);
  mending.counts.verdicts += 1;
  if (verdict.reason !== undefined) return { status: "rejected", reason: verdict.reason };
  if (position === null) mending.accepted.push(nid);
  return { status: "accepted" };
}

/**
 * An event outside the graph is judged only by its auth events, when the verdict on one of those
 * has changed.
 */
async function rejudged(
  mending: Mending,
  { turned }: Progress,
  stored: StoredEvent,
): Promise<Restated> {
  const { nid, event, status, redactedBy } = stored;
  const auth = await mending.store.events.byIds([...event.authEventIds]);
  const isTouched = [...auth.values()].some((one) => turned.has(one.nid));
  if (!isTouched || redactedBy !== null) return stored;
  const verdict = await verdictOf(mending.store, event, undefined);
  if (verdict === undefined) return stored;
  if ((verdict.reason === undefined) === (status !== "rejected")) return stored;
  turned.add(nid);
  mending.counts.verdicts += 1;
  const { reason } = verdict;
  return { ...stored, status: reason === undefined ? "accepted" : "rejected", reason };
}
