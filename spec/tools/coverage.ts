/** How much of the protocol is described and served, against spec/coverage.tsv (method, path). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SPEC_FOLDER } from "./source.ts";

export interface CoverageRow {
  method: string;
  path: string;
  /** The operation of ours that accounts for the row. */
  operationId: string | undefined;
  /** "described": in spec/ but bound by no handler. */
  state: "served" | "described" | "not yet";
}

interface Described {
  readonly method: string;
  readonly path: string;
  /** Further operations of the protocol with the same method and path. */
  readonly also?: readonly string[];
}

/** Reads the protocol's list of operations. */
export function readProtocol(): Described[] {
  const lines = readFileSync(join(SPEC_FOLDER, "coverage.tsv"), "utf8").trim().split("\n");
  return lines.slice(1).map((line) => {
    const [method = "", path = ""] = line.split("\t");
    return { method, path };
  });
}

/**
 * Accounts for every row. One operation accounts for one row, also where the protocol lists a path
 * twice; those that it says it answers too account for one each. `bound` holds the operations with a handler; undefined when there is no server to ask.
 */
export function coverage(
  rows: readonly Described[],
  operations: Readonly<Record<string, Described>>,
  bound: ReadonlySet<string> | undefined,
): CoverageRow[] {
  const ids = Map.groupBy(
    Object.entries(operations).flatMap(([id, { method, path, also = [] }]) =>
      [id, ...also].map(() => ({ id, key: `${method} ${path}` })),
    ),
    ({ key }) => key,
  );
  return rows.map(({ method, path }) => {
    const key = `${method} ${path}`;
    const operationId = ids.get(key)?.shift()?.id;
    if (operationId === undefined) return { method, path, operationId, state: "not yet" };
    const served = bound === undefined || bound.has(operationId);
    return { method, path, operationId, state: served ? "served" : "described" };
  });
}

const HANDLERS = [
  "client-api",
  "federation-api",
  "appservice-api",
  "oauth-api",
  "admin-api",
  "appservice",
  "push",
];

/**
 * The operations that the homeserver binds with route("…") or calls itself with callTo("…") or
 * operations.…, by its text; undefined without one.
 */
export function boundOperations(
  source = join(SPEC_FOLDER, "..", "homeserver", "src"),
): Set<string> | undefined {
  const bound = new Set<string>();
  for (const folder of HANDLERS) {
    for (const file of filesIn(join(source, folder))) {
      const text = readFileSync(file, "utf8");
      for (const match of text.matchAll(/\b(?:route|callTo)\(\s*"(\w+)"|\boperations\.(\w+)/g)) {
        bound.add((match[1] ?? match[2]) as string);
      }
    }
  }
  return bound.size > 0 ? bound : undefined;
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
