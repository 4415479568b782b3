import type { Append } from "./types.ts";

export type ColumnType = "int" | "bigint" | "text" | "bytea";
export type Value = number | string | Buffer | null;

/** An append with the positions that its rows get, counted from the log's position before the group. */
export interface PlacedAppend {
  append: Append;
  offsets: Offsets;
}

/** Offsets of an append's rows, by kind and index; null where a row has no position. */
export interface Offsets {
  events: (number | null)[];
  memberships: number[];
  receipts: number[];
  accountData: number[];
  erasures: number[];
  forgotten: number[];
  purges: number[];
  partialRoom: number | undefined;
}

/**
 * One family of rows that an append may bring. The statement joins the rows of all appends of a group, as
 * `t` with their append's number in `t.n`, to `v`: `v.base` is the log's position before the group, `v.epoch` that of
 * the last collection of state nodes, and `v.granted[t.n]` says whether that append is committed.
 */
export interface RowKind {
  name: string;
  columns: readonly (readonly [name: string, type: ColumnType])[];
  /** Rows of one append, in the order of the columns. Throws Unstorable. */
  rows(placed: PlacedAppend): readonly (readonly Value[])[];
  /** Bodies of data-modifying CTEs; `from` is a FROM clause with `t` and `v`. */
  statements(from: string): readonly string[];
}
