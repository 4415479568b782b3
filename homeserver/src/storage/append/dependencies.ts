import type { ColumnType, Value } from "../streams/columns.ts";
import type { Append } from "./types.ts";

/** Rows as a table `t` of a FROM clause. */
type MakeTable = (
  columns: readonly (readonly [string, ColumnType])[],
  rows: readonly (readonly Value[])[],
) => string;

/**
 * CTEs that check the dependencies of the group's appends. `absent` (n, nid): events that are no
 * longer stored (existing ones are locked until the commit). `dups` (n): appends that cannot be
 * committed, themselves or because of what they are built on.
 */
export function dependencyChecks(appends: readonly Append[], table: MakeTable): string[] {
  const { stored, inGroup } = dependenciesOf(appends);
  const eventColumns = [
    ["n", "int"],
    ["nid", "bigint"],
  ] as const;
  const absent =
    stored.length === 0
      ? `absent AS (SELECT 0 AS n, 0::bigint AS nid WHERE false)`
      : `absent AS MATERIALIZED (
          SELECT t.n, t.nid FROM ${table(eventColumns, stored)} LEFT JOIN LATERAL (
            SELECT event_nid FROM events WHERE event_nid = t.nid FOR KEY SHARE) AS e ON true
          WHERE e.event_nid IS NULL)`;
  const failed = `SELECT n FROM dup_events UNION SELECT n FROM dup_txns UNION SELECT n FROM absent`;
  if (inGroup.length === 0) return [absent, `dups AS MATERIALIZED (${failed})`];
  const appendColumns = [
    ["n", "int"],
    ["k", "int"],
  ] as const;
  return [
    absent,
    `failed AS MATERIALIZED (${failed})`,
    `dups AS MATERIALIZED (
      SELECT n FROM failed
      UNION SELECT t.n FROM ${table(appendColumns, inGroup)} JOIN failed f ON f.n = t.k)`,
  ];
}

/**
 * The room whose head must be where the append expects it, or the append of the group that it is
 * built on.
 */
export function fenceOf(append: Append, appends: readonly Append[]): number | null {
  if (append.head !== undefined) return append.head.roomNid;
  const dependencies = new Set(dependenciesIn(append));
  if (dependencies.size === 0) return null;
  const below = appends.find(
    (other) => other.head !== undefined && other.events?.some(({ nid }) => dependencies.has(nid)),
  );
  return below?.head?.roomNid ?? null;
}

/**
 * `stored`: (append, event) for events that should be in the table already. `inGroup`: (append,
 * append) within the group, transitively.
 */
function dependenciesOf(appends: readonly Append[]): {
  stored: (readonly [n: number, nid: number])[];
  inGroup: (readonly [n: number, k: number])[];
} {
  const stored: (readonly [number, number])[] = [];
  const inGroup: (readonly [number, number])[] = [];
  if (appends.every((append) => dependenciesIn(append).length === 0)) return { stored, inGroup };
  const appendOf = new Map<number, number>();
  const below = new Map<number, Set<number>>();
  for (const [index, append] of appends.entries()) {
    const { events = [] } = append;
    const n = index + 1;
    const all = new Set<number>();
    for (const nid of dependenciesIn(append)) {
      const k = appendOf.get(nid);
      if (k === undefined) stored.push([n, nid]);
      else for (const one of [k, ...(below.get(k) ?? [])]) all.add(one);
    }
    below.set(n, all);
    for (const k of all) inGroup.push([n, k]);
    for (const { nid, stored } of events) if (stored !== true) appendOf.set(nid, n);
  }
  return { stored, inGroup };
}

function dependenciesIn({ statesOf = [], dependsOn = [] }: Append): readonly number[] {
  return dependsOn.length === 0 ? statesOf : [...statesOf, ...dependsOn];
}
