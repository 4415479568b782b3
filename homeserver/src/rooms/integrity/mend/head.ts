/** Repairs the forward extremities, the current state, and the tables that follow from it. */
import { isUserId, serverOf } from "../../../protocol/identifiers.ts";
import { stateTuple } from "../../../protocol/state-map.ts";
import { nextHeadVersion } from "../../../log/types.ts";
import {
  currentKeysAfter,
  currentRows,
  leavesOf,
  strayMembers,
  wasPurged,
} from "../../../storage/rooms/integrity.ts";
import {
  deleteCurrentState,
  putOut,
  takePositions,
  writeCurrentState,
  writeHead,
  writeMemberships,
  writeRoomStates,
} from "../../../storage/rooms/mend-rooms.ts";
import type { MembershipRow } from "../../../storage/rooms/mend-rooms.ts";
import type { HeadRow } from "../../../storage/rooms/heads.ts";
import { bytesOfRoot, rootOfBytes } from "../../records/events.ts";
import { counted } from "../../commands/extremities.ts";
import type { Entry } from "../../state/tree/index.ts";
import type { StateKey } from "../../state/tuples.ts";
import type { StateRoot, StoredEvent } from "../../api/index.ts";
import type { Mending } from "./mending.ts";

const PAGE = 1_000;

export async function mendHead(mending: Mending, head: HeadRow): Promise<void> {
  const { tx, store, room, counts, accepted } = mending;
  const extremities = await extremitiesOf(mending, head);
  if (extremities.length === 0) {
    return mending.options.left("no event of it is left that could be its end");
  }
  const root = await mending.resolve(counted(extremities).map((one) => one.stateAfter));
  await mending.flush([root]);
  const nids = extremities.map(({ nid }) => nid);
  if (root !== rootOfBytes(head.stateRoot) || nids.join() !== head.extremities.join()) {
    counts.heads += 1;
    const depth = extremities.reduce((max, { event }) => Math.max(max, event.depth), 0);
    const version = nextHeadVersion(head.version, mending.store.random);
    const stateRoot = bytesOfRoot(root);
    await writeHead(tx, room.nid, { version, extremities: nids, stateRoot, depth });
  }
  if (accepted.length > 0) {
    const roomState = bytesOfRoot(root);
    await writeRoomStates(
      tx,
      accepted.map((nid) => ({ nid, roomState })),
    );
    for (const stored of (await store.events.byNids(accepted)).values()) {
      store.events.forget(stored.event.eventId);
    }
  }
  await mendTables(mending, root);
}

/** The forward extremities by the graph; those that the head has come first. */
async function extremitiesOf({ store, room }: Mending, head: HeadRow): Promise<StoredEvent[]> {
  const leaves = new Set(await leavesOf(store.sql, room.nid));
  const kept = head.extremities.filter((nid) => leaves.has(nid));
  // Events that build on the others may have been purged.
  const more = kept.length > 0 && (await wasPurged(store.sql, room.nid)) ? [] : leaves;
  const wanted = leaves.size === 0 ? head.extremities : [...new Set([...kept, ...more])];
  const events = await store.events.byNids(wanted);
  return wanted.flatMap((nid) => events.get(nid) ?? []);
}

async function mendTables(mending: Mending, root: StateRoot): Promise<void> {
  const { tx, store, room, counts } = mending;
  const members: MembershipRow[] = [];
  for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
    const page: { entries: Entry[]; next: string | null } = await store.tree.page(
      root,
      cursor,
      PAGE,
    );
    members.push(...(await mendPage(mending, page.entries)));
    cursor = page.next;
  }
  counts.current += await removeStrays(mending, root);
  const strays = await strayMembers(store.sql, room.nid, Number.MAX_SAFE_INTEGER);
  if (members.length + strays.length === 0) return;
  const position = await takePositions(tx, 1);
  for (let at = 0; at < members.length; at += PAGE) {
    await writeMemberships(tx, room.nid, members.slice(at, at + PAGE), position);
  }
  if (strays.length > 0) await putOut(tx, room.nid, strays, position);
  counts.current += members.length + strays.length;
}

/** Writes missing rows of current_state; returns those missing in memberships. */
async function mendPage(mending: Mending, entries: readonly Entry[]): Promise<MembershipRow[]> {
  const { tx, store, room, counts } = mending;
  const events = await store.events.byNids(entries.map(([, nid]) => nid));
  const wanted = entries.flatMap(([, nid]) => {
    const event = events.get(nid)?.event;
    return event === undefined ? [] : [{ nid, event, type: event.type, stateKey: event.stateKey! }];
  });
  const keys = wanted.map(({ type, stateKey }) => [type, stateKey] as const);
  const rows = await currentRows(store.sql, room.nid, keys);
  const rowOf = new Map(rows.map((row) => [stateTuple(row.type, row.stateKey), row]));
  const wrong = wanted.filter(
    ({ nid, type, stateKey }) => rowOf.get(stateTuple(type, stateKey))?.eventNid !== nid,
  );
  if (wrong.length > 0) await writeCurrentState(tx, room.nid, wrong);
  counts.current += wrong.length;
  return wanted.flatMap(({ nid, event, type, stateKey: userId }) => {
    const { membership } = event.content;
    if (type !== "m.room.member" || !isUserId(userId) || typeof membership !== "string") return [];
    const row = rowOf.get(stateTuple(type, userId));
    if (row?.membership === membership && row.memberNid === nid) return [];
    return [{ userId, server: serverOf(userId), membership, nid }];
  });
}

async function removeStrays({ tx, store, room }: Mending, root: StateRoot): Promise<number> {
  let removed = 0;
  for (let after: StateKey = ["", ""]; ;) {
    const keys = await currentKeysAfter(store.sql, room.nid, after, PAGE);
    const last = keys.at(-1);
    if (last === undefined) return removed;
    after = last;
    const nids = await store.tuples.find(keys);
    const held = await store.tree.getMany(root, [...nids.values()]);
    const strays = keys.filter((key) => !held.has(nids.get(stateTuple(...key)) ?? -1));
    if (strays.length === 0) continue;
    await deleteCurrentState(tx, room.nid, strays);
    removed += strays.length;
  }
}
