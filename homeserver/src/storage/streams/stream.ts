import type { Sql, Tx } from "../sql.ts";
import type { Column, Value } from "./columns.ts";

/** A range of the log: positions with after < position ≤ upTo, and at most `limit` records. */
export interface Span {
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** A row that a stream's statement returned. */
export type Returned = Readonly<Record<string, number>>;

/**
 * One kind of log records, with the table of its rows. The append, the log's memory, other replicas
 * and the readers all follow from this descriptor: a new kind is a file like these, an entry in
 * `index.ts`, and a migration. `Row` is what an append contains; `RecordBody` is what readers get,
 * the same whether it comes from memory or from the table. Each row takes a log position of its
 * own.
 */
export interface Stream<Kind extends string, Row extends object, RecordBody extends object = Row> {
  readonly kind: Kind;
  /** The columns of the rows in the statement. */
  readonly columns: readonly Column[];
  /** A row in the order of the columns. Throws Unstorable. */
  values(row: Row): readonly Value[];
  /**
   * Bodies of data-modifying CTEs. `from` is a FROM clause with the rows as `t` and `v`: a row's
   * position is `v.base + t.shift`. If a group has several rows with one key, the last by `t.n`,
   * `t.i` counts.
   */
  statements(from: string): readonly string[];
  toRecord(row: Row, returned: readonly Returned[]): RecordBody;
  /**
   * The first statement returns rows of integers, with the `shift` of the row that they belong to:
   * whoever appended gets them, and so does `toRecord`.
   */
  readonly returns?: true;
  /**
   * The rows of a span in the table, oldest first. A row that was written again appears only at its
   * newest position.
   */
  read(sql: Sql | Tx, span: Span): Promise<readonly (RecordBody & { readonly position: number })[]>;
  /** Length of its texts, for its weight in memory; 0 unless given. */
  bytes?(record: RecordBody): number;
  /** Length of texts of a row that its record lacks, for the size of a group of appends. */
  rowBytes?(row: Row): number;
  /** A key that no other append of the same group may have. */
  claims?(row: Row): string;
  /** A key that no earlier append of the same group may have written. */
  needs?(row: Row): string;
}

export function defineStream<Kind extends string, Row extends object, RecordBody extends object>(
  stream: Stream<Kind, Row, RecordBody>,
): Stream<Kind, Row, RecordBody> {
  return stream;
}

/** Key of a room's memberships, for `needs`. */
export const membershipsOf = (roomNid: number): string => `w ${roomNid}`;
/** Key of a room's forgotten rows, for `claims`. */
export const forgottenOf = (roomNid: number): string => `f ${roomNid}`;
