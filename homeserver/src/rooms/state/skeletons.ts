/**
 * The part of a room's state without the members, so that reading selected state of a big room does
 * not walk all of it.
 */
import { LRUCache } from "lru-cache";
import type { Entry, StateTree } from "./tree/index.ts";
import type { Tuples } from "./tuples.ts";
import type { StateRoot } from "../api/index.ts";

export interface StateSkeletons {
  /**
   * All entries at a root except those of m.room.member. The first call for a room walks its whole
   * state; later ones cost the difference to the one before.
   */
  others(root: string): Promise<ReadonlyMap<number, number>>;
}

interface Skeleton {
  readonly root: string;
  readonly others: ReadonlyMap<number, number>;
}

/** Limit on cached entries, over all rooms. */
const ENTRIES_KEPT = 200_000;

export function createStateSkeletons(tree: StateTree, tuples: Tuples): StateSkeletons {
  // Keyed by create event, which identifies the room.
  const kept = new LRUCache<number, Skeleton>({
    maxSize: ENTRIES_KEPT,
    sizeCalculation: ({ others }) => others.size + 10,
  });

  async function createOf(root: StateRoot): Promise<number | undefined> {
    const [tuple] = (await tuples.find([["m.room.create", ""]])).values();
    return tuple === undefined ? undefined : tree.get(root, tuple);
  }

  async function withoutMembers(entries: readonly Entry[]): Promise<Map<number, number>> {
    const keys = await tuples.keys(entries.map(([tuple]) => tuple));
    return new Map(
      entries.filter(([tuple]) => (keys.get(tuple) ?? ["m.room.member"])[0] !== "m.room.member"),
    );
  }

  /** Undefined when the older state's nodes were collected as garbage. */
  async function from(older: Skeleton, root: string): Promise<Map<number, number> | undefined> {
    try {
      const difference = await tree.diff(older.root, root);
      const now = [...difference].map(([tuple, [, nid]]): Entry => [tuple, nid ?? 0]);
      const others = new Map(older.others);
      for (const [tuple, nid] of await withoutMembers(now)) {
        if (nid === 0) others.delete(tuple);
        else others.set(tuple, nid);
      }
      return others;
    } catch {
      return undefined;
    }
  }

  return {
    async others(root) {
      const create = await createOf(root);
      const older = create === undefined ? undefined : kept.get(create);
      if (older?.root === root) return older.others;
      const near = older === undefined ? undefined : await from(older, root);
      const others = near ?? (await withoutMembers(await tree.entries(root)));
      if (create !== undefined) kept.set(create, { root, others });
      return others;
    },
  };
}
