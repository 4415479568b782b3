import type { Sql, Tx } from "../sql.ts";
import type { Column, Value } from "./columns.ts";

/** A stretch of the log: positions with after < position ≤ upTo, and at most so many records of it. */
export interface Span {
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/**
 * One kind of records of the log, whose rows stand in a table. The append, the log's memory, other replicas and the
 * readers all follow from this: a new kind is a file like this, an entry in `index.ts`, and a migration.
 * `Row` is what an append brings; `Told` is what readers are told of it, the same whether it comes from memory or from
 * the table. Each row takes a log position of its own.
 */
export interface Stream<Kind extends string, Row extends object, RecordBody extends object = Row> {
  readonly kind: Kind;
  /** Columns of the rows as a statement gets them. */
  readonly columns: readonly Column[];
  /** A row in the order of the columns. Throws Unstorable. */
  values(row: Row): readonly Value[];
  /**
   * Bodies of data-modifying CTEs. `from` is a FROM clause with the rows as `t` and `v`: a row's position is
   * `v.base + t.shift`. One group may bring several rows of one key: the last by `t.n`, `t.i` is the one that holds.
   */
  statements(from: string): readonly string[];
  toRecord(row: Row): RecordBody;
  /**
   * What the table has of a span, oldest first. Where a row was written again since, it is told at its newest position
   * only.
   */
  read(sql: Sql | Tx, span: Span): Promise<readonly (RecordBody & { readonly position: number })[]>;
  /** Length of the texts in it: what it weighs in memory. None unless given. */
  bytes?(record: RecordBody): number;
  /** A key that no other append of the same group may have. */
  claims?(row: Row): string;
  /** A key that no append before it in the same group may have written. */
  needs?(row: Row): string;
}

export function defineStream<Kind extends string, Row extends object, RecordBody extends object>(
  stream: Stream<Kind, Row, RecordBody>,
): Stream<Kind, Row, RecordBody> {
  return stream;
}

/** Key of the memberships of a room, for `needs`. */
export const membershipsOf = (roomNid: number): string => `w ${roomNid}`;
/** Key of who forgot a room, for `claims`. */
export const forgottenOf = (roomNid: number): string => `f ${roomNid}`;
