import type { Column, Value } from "../streams/columns.ts";
import type { Append } from "./types.ts";

/** An append with the positions of its rows, relative to the log position before the group. */
export interface PlacedAppend {
  append: Append;
  offsets: Offsets;
}

/** Offsets of an append's rows, by kind and index; null when a row has no position. */
export interface Offsets {
  events: (number | null)[];
  memberships: number[];
  records: number[];
}

/**
 * A family of rows in appends, besides those of streams. The statement joins the rows of all
 * appends of a group, as `t` with their append's number in `t.n`, to `v`: `v.base` is the log
 * position before the group, `v.epoch` that of the last collection of state nodes, and
 * `v.granted[t.n]` says whether that append is committed.
 */
export interface RowKind {
  name: string;
  columns: readonly Column[];
  /** Rows of one append, in the order of the columns. Throws Unstorable. */
  rows(placed: PlacedAppend): readonly (readonly Value[])[];
  /** Bodies of data-modifying CTEs; `from` is a FROM clause with `t` and `v`. */
  statements(from: string): readonly string[];
}
