import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createStateTree } from "../../../src/rooms/state/tree/index.ts";
import type { Change, StateNode } from "../../../src/rooms/state/tree/index.ts";

function memoryTree(cacheBytes?: number) {
  const stored = new Map<string, StateNode>();
  const tree = createStateTree(async (hashes) => {
    return hashes.flatMap((hash) => stored.get(hash.toString("hex")) ?? []);
  }, cacheBytes);
  async function commit(root: string | null, changes: readonly Change[]) {
    const set = await tree.set(root, changes);
    for (const node of set.nodes) stored.set(node.hash.toString("hex"), node);
    return set;
  }
  return { tree, stored, commit };
}

const tuples = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 2 ** 40 }));
const events = fc.integer({ min: 1, max: 2 ** 47 });
const entries = fc.uniqueArray(fc.tuple(tuples, events), {
  selector: ([tuple]) => tuple,
  maxLength: 600,
});

describe("the state tree", () => {
  test("has one root for the same entries, whatever the order and the batches they came in", async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 200 }), async (list, batch) => {
        const { commit } = memoryTree();
        const whole = await commit(null, list);
        let root: string | null = null;
        const shuffled = list.toReversed();
        for (let at = 0; at < shuffled.length; at += batch) {
          root = (await commit(root, shuffled.slice(at, at + batch))).root;
        }
        expect(root).toBe(whole.root);
      }),
      { numRuns: 60 },
    );
  });

  test("returns to the same root when changes are taken back, splits and merges included", async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, async (base, extra) => {
        const { commit, tree } = memoryTree();
        const first = await commit(null, base);
        const added = await commit(first.root, extra);
        const old = new Map(base);
        const back = extra.map(([tuple]): Change => [tuple, old.get(tuple) ?? null]);
        expect((await commit(added.root, back)).root).toBe(first.root);
        expect(new Map(await tree.entries(added.root))).toEqual(new Map([...base, ...extra]));
      }),
      { numRuns: 60 },
    );
  });

  test("answers get, bulk get and difference as a map would", async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, async (before, after) => {
        const { commit, tree } = memoryTree(20_000);
        const a = await commit(null, before);
        const b = await commit(null, after);
        const left = new Map(before);
        const right = new Map(after);
        const expected = new Map<number, [number | undefined, number | undefined]>();
        for (const tuple of new Set([...left.keys(), ...right.keys()])) {
          if (left.get(tuple) !== right.get(tuple)) {
            expected.set(tuple, [left.get(tuple), right.get(tuple)]);
          }
        }
        expect(await tree.diff(a.root, b.root)).toEqual(expected);
        const asked = [...left.keys(), 7, 2 ** 41];
        const found = await tree.getMany(a.root, asked);
        for (const tuple of asked) expect(found.get(tuple)).toBe(left.get(tuple));
      }),
      { numRuns: 40 },
    );
  });

  test("pages through all entries once by cursor, loading a few nodes at a time", async () => {
    const { commit, stored } = memoryTree();
    const list = Array.from({ length: 20_000 }, (_, i): [number, number] => [i * 3 + 1, i + 1]);
    const { root } = await commit(null, list);
    const cold = createStateTree(async (hashes) =>
      hashes.flatMap((hash) => stored.get(hash.toString("hex")) ?? []),
    );
    const seen: [number, number][] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page: { entries: [number, number][]; next: string | null } = await cold.page(
        root,
        cursor,
        1_000,
      );
      seen.push(...page.entries);
      cursor = page.next;
      if (++pages === 1) expect(cold.loaded.nodes).toBeLessThan(130);
    } while (cursor !== null);
    expect(pages).toBeGreaterThan(10);
    expect(seen.toSorted((a, b) => a[0] - b[0])).toEqual(list);
  });

  test("writes under 4 kB for one change among 55,000 entries and reads three nodes cold", async () => {
    const { commit, stored } = memoryTree();
    const list = Array.from({ length: 55_000 }, (_, i): [number, number] => [i + 1, i + 1_000]);
    const { root, nodes } = await commit(null, list);
    const bytes = nodes.reduce((sum, node) => sum + node.data.length, 0);
    expect(nodes.length).toBeLessThan(1_200);
    expect(bytes).toBeLessThan(800_000);

    const cold = createStateTree(async (hashes) =>
      hashes.flatMap((hash) => stored.get(hash.toString("hex")) ?? []),
    );
    const change = await cold.set(root, [[777, 99_999_999]]);
    const written = change.nodes.reduce((sum, node) => sum + node.data.length + 16, 0);
    expect(change.nodes).toHaveLength(3);
    expect(written).toBeLessThan(4_096);
    expect(cold.loaded).toEqual({ nodes: 3, queries: 3 });
    console.info(
      `55,000 entries: ${nodes.length} nodes, ${bytes} bytes; a change: ${written} bytes`,
    );

    const started = performance.now();
    const loadedCold = createStateTree(async (hashes) =>
      hashes.flatMap((hash) => stored.get(hash.toString("hex")) ?? []),
    );
    expect(await loadedCold.entries(root)).toHaveLength(55_000);
    console.info(`all entries cold: ${(performance.now() - started).toFixed(1)} ms`);
  });

  test("says which node is missing instead of guessing", async () => {
    const { tree } = memoryTree();
    await expect(tree.get("00".repeat(16), 1)).rejects.toThrow(/state node 0{32} is not stored/);
  });

  test("keeps nodes that are not committed yet, although its cache is full", async () => {
    const { tree } = memoryTree(1_000);
    const first = await tree.set(
      null,
      Array.from({ length: 1_000 }, (_, i): [number, number] => [i + 1, i + 1]),
    );
    tree.hold(first.nodes);
    expect(await tree.entries(first.root)).toHaveLength(1_000);
    tree.release(first.nodes);
    await expect(tree.entries(first.root)).rejects.toThrow(/not stored/);
  });
});
