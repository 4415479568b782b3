import { describe, expect, it } from "vitest";
import type { EventId } from "../../src/protocol/identifiers.ts";
import { AuthGraph } from "../../src/protocol/state-res/index.ts";

type Edges = Record<string, readonly string[]>;

// Each letter names what authorises it: a is the root, d and e branch off from c.
const CHAIN: Edges = { a: [], b: ["a"], c: ["a", "b"], d: ["c"], e: ["c", "b"], f: ["d"] };

function graphOf(edges: Edges, roots: readonly string[] = Object.keys(edges)): AuthGraph {
  const graph = new AuthGraph();
  grow(graph, edges, roots);
  return graph;
}

function grow(graph: AuthGraph, edges: Edges, roots: readonly string[]): void {
  graph.grow(roots as EventId[], (id) => edges[id] as EventId[] | undefined);
}

function difference(
  graph: AuthGraph,
  sets: readonly (readonly string[])[],
  everywhere: readonly string[] = [],
): string {
  const found = graph.difference(
    sets.map((set) => nodes(graph, set)),
    nodes(graph, everywhere),
  );
  return names(graph, found);
}

function nodes(graph: AuthGraph, ids: readonly string[]): number[] {
  return ids.map((id) => graph.node(id as EventId)!);
}

function names(graph: AuthGraph, found: readonly number[]): string {
  return found
    .map((node) => graph.eventId(node))
    .sort()
    .join("");
}

describe("an auth graph", () => {
  it("puts auth events below what they authorise, in whatever order it grows", () => {
    const graph = graphOf(CHAIN, ["f"]);
    grow(graph, CHAIN, ["e", "a"]);
    expect(graph.size).toBe(6);
    for (const [id, auth] of Object.entries(CHAIN)) {
      const [node] = nodes(graph, [id]);
      for (const below of nodes(graph, auth)) expect(below).toBeLessThan(node!);
    }
  });

  it("finds what only some chains hold", () => {
    const graph = graphOf(CHAIN);
    expect(difference(graph, [["d"], ["e"]])).toBe("de");
    expect(difference(graph, [["f"], ["e"]])).toBe("def");
    expect(difference(graph, [["f"], ["b"]])).toBe("cdf");
    expect(difference(graph, [["f"], ["f"]])).toBe("");
    expect(difference(graph, [["f"], ["b"], ["f"]])).toBe("cdf");
  });

  it("counts what every set has, and what that stands on, as in all chains", () => {
    const graph = graphOf(CHAIN);
    expect(difference(graph, [["f"], ["b"]], ["d"])).toBe("f");
    expect(difference(graph, [["f"], []], ["d"])).toBe("f");
  });

  it("takes more sets than a mask has bits", () => {
    const graph = graphOf(CHAIN);
    const many = Array.from({ length: 40 }, () => ["d"]);
    expect(difference(graph, many)).toBe("");
    expect(difference(graph, [...many, ["e"]])).toBe("de");
    expect(difference(graph, [["e"], ...many])).toBe("de");
  });

  it("finds the paths between events", () => {
    const graph = graphOf(CHAIN);
    const between = (ids: readonly string[]): string =>
      names(graph, graph.between(nodes(graph, ids)));
    expect(between(["f", "b"])).toBe("bcdf");
    expect(between(["f", "e"])).toBe("ef");
    expect(between(["f", "a", "e"])).toBe("abcdef");
    expect(between(["c"])).toBe("c");
    expect(between([])).toBe("");
  });

  it("leaves out what is not known, and does not go round in circles", () => {
    const graph = graphOf({ x: ["y", "nowhere"], y: ["x"], z: ["z"] }, ["x", "z"]);
    expect(graph.size).toBe(3);
    expect(graph.node("nowhere" as EventId)).toBeUndefined();
    expect(difference(graph, [["x"], ["y"]])).toBe("x");
  });

  it("grows deep chains without running out of stack", () => {
    const deep: Edges = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, at) => [`e${at}`, at === 0 ? [] : [`e${at - 1}`]]),
    );
    expect(graphOf(deep, ["e49999"]).size).toBe(50_000);
  });
});
