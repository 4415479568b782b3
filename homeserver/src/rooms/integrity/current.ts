/** Checks that the tables of current state and members match the head's state. */
import { currentKeysAfter, currentRows, strayMembers } from "../../storage/rooms/integrity.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { Entry } from "../state/tree/index.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StateRoot } from "../api/index.ts";

const PAGE = 1_000;

export interface CurrentCount {
  readonly entries: number;
  readonly members: number;
}

/** Reads the tree and the tables by cursor. */
export async function checkCurrent(
  store: RoomStore,
  room: Room,
  root: StateRoot,
  found: (what: string) => void,
): Promise<CurrentCount> {
  let entries = 0;
  let members = 0;
  for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
    const page: { entries: Entry[]; next: string | null } = await store.tree.page(
      root,
      cursor,
      PAGE,
    );
    members += await checkPage(store, room, page.entries, found);
    entries += page.entries.length;
    cursor = page.next;
  }
  await checkStrays(store, room, root, found);
  return { entries, members };
}

/** Returns how many of the entries are members. */
async function checkPage(
  store: RoomStore,
  room: Room,
  entries: readonly Entry[],
  found: (what: string) => void,
): Promise<number> {
  const keys = await store.tuples.keys(entries.map(([tuple]) => tuple));
  const rows = await currentRows(store.sql, room.nid, [...keys.values()]);
  const rowOf = new Map(rows.map((row) => [stateTuple(row.type, row.stateKey), row]));
  const events = await store.events.byNids(entries.map(([, nid]) => nid));
  let members = 0;
  for (const [tuple, nid] of entries) {
    const key = keys.get(tuple);
    const stored = events.get(nid);
    if (key === undefined || stored === undefined) {
      found(
        `the current state names ${key === undefined ? `the key ${tuple}` : `event ${nid}`}, which is not stored`,
      );
      continue;
    }
    const [type, stateKey] = key;
    const row = rowOf.get(stateTuple(type, stateKey));
    const name = `${type} ${JSON.stringify(stateKey)}`;
    if (row?.eventNid !== nid) found(`current_state has another event for ${name}`);
    if (type !== "m.room.member") continue;
    members += 1;
    if (row === undefined) continue;
    if (row.membership !== stored.event.content.membership) {
      found(`memberships says ${row.membership ?? "nothing"} for ${stateKey}`);
    } else if (row.memberNid !== nid) {
      found(`memberships has another event for ${stateKey}`);
    }
  }
  return members;
}

/** Rows in the tables that are not in the head's state. */
async function checkStrays(
  store: RoomStore,
  room: Room,
  root: StateRoot,
  found: (what: string) => void,
): Promise<void> {
  for (let after: [string, string] = ["", ""]; ;) {
    const keys = await currentKeysAfter(store.sql, room.nid, after, PAGE);
    const last = keys.at(-1);
    if (last === undefined) break;
    after = last;
    const nids = await store.tuples.find(keys);
    const held = await store.tree.getMany(root, [...nids.values()]);
    for (const [type, stateKey] of keys) {
      const nid = nids.get(stateTuple(type, stateKey));
      if (nid === undefined || !held.has(nid)) {
        found(`current_state has ${type} ${JSON.stringify(stateKey)}, the head's state has not`);
      }
    }
  }
  for (const userId of await strayMembers(store.sql, room.nid, PAGE)) {
    found(`memberships has ${userId} joined, the current state has not`);
  }
}
