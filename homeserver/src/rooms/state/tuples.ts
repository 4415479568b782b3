/** Maps (type, state key) to tuple nids and back, in memory for the tuples in use. */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { ensureTuples, tuplesByKeys, tuplesByNids } from "../../storage/rooms/heads.ts";
import type { TupleRow } from "../../storage/rooms/heads.ts";
import { shareRows } from "../../storage/shared-query.ts";
import type { Sql } from "../../storage/sql.ts";

export type StateKey = readonly [type: string, stateKey: string];

export interface Tuples {
  /** Nids of tuples; tuples that no state ever contained are absent. */
  find(keys: readonly StateKey[]): Promise<Map<string, number>>;
  /** Nids of tuples, created where there are none. Keyed by stateTuple. */
  make(keys: readonly StateKey[]): Promise<Map<string, number>>;
  keys(nids: readonly number[]): Promise<Map<number, StateKey>>;
  /** The same as `make` for many at once, in the given order; results are not cached. */
  ensure(keys: readonly StateKey[]): Promise<number[]>;
}

export function createTuples(sql: Sql, max = 200_000): Tuples {
  const byText = new LRUCache<string, number>(atMost(max));
  const byNid = new LRUCache<number, StateKey>(atMost(max));
  const rowsByKeys = shareRows(
    (keys: readonly StateKey[]) => tuplesByKeys(sql, keys),
    ([type, stateKey]) => stateTuple(type, stateKey),
    (row) => stateTuple(row.type, row.stateKey),
  );
  const rowsByNids = shareRows(
    (nids: readonly number[]) => tuplesByNids(sql, nids),
    (nid) => nid,
    (row) => row.nid,
  );

  function remember(rows: readonly TupleRow[], into: Map<string, number>): void {
    for (const row of rows) {
      const text = stateTuple(row.type, row.stateKey);
      byText.set(text, row.nid);
      byNid.set(row.nid, [row.type, row.stateKey]);
      into.set(text, row.nid);
    }
  }

  /** Splits keys into those known in memory and the others. */
  function fromMemory(keys: readonly StateKey[]): { found: Map<string, number>; left: StateKey[] } {
    const found = new Map<string, number>();
    const left: StateKey[] = [];
    for (const key of keys) {
      const text = stateTuple(key[0], key[1]);
      const nid = byText.get(text);
      if (nid === undefined) left.push(key);
      else found.set(text, nid);
    }
    return { found, left };
  }

  /** By stateTuple. */
  async function made(keys: readonly StateKey[]): Promise<Map<string, number>> {
    const rows = await ensureTuples(sql, keys);
    const found = new Map(rows.map((row) => [stateTuple(row.type, row.stateKey), row.nid]));
    const raced = keys.filter(([type, key]) => !found.has(stateTuple(type, key)));
    for (const row of raced.length > 0 ? await tuplesByKeys(sql, raced) : []) {
      found.set(stateTuple(row.type, row.stateKey), row.nid);
    }
    return found;
  }

  return {
    async ensure(keys) {
      const found = await made(keys);
      return keys.map(([type, key]) => {
        const nid = found.get(stateTuple(type, key));
        if (nid === undefined) throw new Error(`no tuple of ${type} was made`);
        return nid;
      });
    },
    async find(keys) {
      const { found, left } = fromMemory(keys);
      if (left.length > 0) remember(await rowsByKeys(left), found);
      return found;
    },
    async make(keys) {
      const { found, left } = fromMemory(keys);
      if (left.length === 0) return found;
      remember(await ensureTuples(sql, left), found);
      const raced = left.filter((key) => !found.has(stateTuple(key[0], key[1])));
      if (raced.length > 0) remember(await tuplesByKeys(sql, raced), found);
      return found;
    },
    async keys(nids) {
      const found = new Map<number, StateKey>();
      const unknown: number[] = [];
      for (const nid of nids) {
        const key = byNid.get(nid);
        if (key === undefined) unknown.push(nid);
        else found.set(nid, key);
      }
      if (unknown.length === 0) return found;
      for (const row of await rowsByNids(unknown)) {
        byNid.set(row.nid, [row.type, row.stateKey]);
        found.set(row.nid, [row.type, row.stateKey]);
      }
      return found;
    },
  };
}
