import type { PlacedAppend } from "./row-kind.ts";
import { buildStatement } from "./statement.ts";
import type { AppendStatement } from "./statement.ts";
import type { Append } from "./types.ts";
import {
  DuplicateEvent,
  DuplicateTransaction,
  FailedDependency,
  PurgedDependency,
  StaleHead,
} from "./types.ts";
import type { Returned } from "../streams/stream.ts";
import { Unstorable } from "../streams/text.ts";
import { connect } from "../sql.ts";
import type { DatabaseLocation, Sql, Tx } from "../sql.ts";

/** The outcome of one append of a group. */
type Outcome =
  /** `earlier`: it had been committed by an attempt whose answer was lost. */
  | {
      committed: true;
      earlier: boolean;
      positions: Map<number, number>;
      returned: readonly Returned[];
    }
  | { committed: false; error: Error };

export interface GroupOutcome {
  /** The log position before the group, and after it. */
  base: number;
  end: number;
  outcomes: Outcome[];
  placed: readonly PlacedAppend[];
}

/**
 * The one connection that appends. Its plans are prepared once per statement and must not depend on
 * the size of the tables at that time: every join uses an index.
 */
export function connectWriter(location: DatabaseLocation): Sql {
  return connect(location, {
    max: 1,
    applicationName: "weft log",
    settings: {
      plan_cache_mode: "force_generic_plan",
      enable_seqscan: "off",
      enable_hashjoin: "off",
      enable_mergejoin: "off",
      enable_bitmapscan: "off",
      jit: "off",
    },
  });
}

interface AnswerRow {
  base: number;
  granted: boolean[];
  returned: Returned[] | null;
  duplicate_events:
    | { n: number; wanted: number; event_id: string; event_nid: number; position: number | null }[]
    | null;
  duplicate_transactions: { n: number; event_id: string }[] | null;
  absent: { n: number; nid: number }[] | null;
}

/**
 * Commits a group in one round trip. Appends that are built on a stale head, or contain a stored
 * event or a known transaction, fail alone, together with appends of the same room built on them.
 * Throws PostgreSQL's errors; then nothing was committed, unless the connection was lost: see
 * `Outcome`.
 */
export async function appendGroup(
  writer: Sql | Tx,
  appends: readonly Append[],
): Promise<GroupOutcome> {
  const statement = buildStatement(appends);
  const rows = await writer.unsafe<AnswerRow[]>(statement.text, statement.parameters, {
    prepare: true,
  });
  const answer = rows[0];
  if (answer === undefined) throw new Error("log_head has no row: the database is not migrated");
  const outcomes = appends.map((append, index) => outcomeOf(append, index, answer, statement));
  const end = answer.base + statement.positions;
  return { base: answer.base, end, outcomes, placed: statement.placed };
}

/** A transaction that holds the log's lock is undone after this time without its commit. */
const MAX_LOCKED_MS = 5_000;

/**
 * Appends as the last statement of a transaction, which is to be committed at once. The log's lock
 * is held until then, and everybody's writes wait for it: a process that stops in between loses it.
 */
export async function appendBeforeCommit(tx: Tx, append: Append): Promise<GroupOutcome> {
  // Both go in one round trip.
  const [, outcome] = await Promise.all([
    tx.unsafe(`SET LOCAL idle_in_transaction_session_timeout = ${MAX_LOCKED_MS}`),
    appendGroup(tx, [append]),
  ]);
  return outcome;
}

function outcomeOf(
  append: Append,
  index: number,
  answer: AnswerRow,
  statement: AppendStatement,
): Outcome {
  const n = index + 1;
  if (answer.granted[index] === true) {
    const { events: shifts, records } = statement.placed[index]!.offsets;
    const positions = new Map<number, number>();
    append.events?.forEach(({ nid }, i) => {
      const shift = shifts[i];
      if (shift !== null && shift !== undefined) positions.set(nid, answer.base + shift);
    });
    const returned = (answer.returned ?? []).filter(({ shift }) => records.includes(shift!));
    return { committed: true, earlier: false, positions, returned };
  }
  const duplicates = (answer.duplicate_events ?? []).filter((duplicate) => duplicate.n === n);
  const foreign = duplicates.find((duplicate) => duplicate.event_nid !== duplicate.wanted);
  if (duplicates.length > 0 && foreign === undefined) {
    const positions = duplicates.flatMap(({ event_nid, position }) =>
      position === null ? [] : [[event_nid, position] as const],
    );
    return { committed: true, earlier: true, positions: new Map(positions), returned: [] };
  }
  const transaction = (answer.duplicate_transactions ?? []).find((duplicate) => duplicate.n === n);
  if (transaction !== undefined) {
    return { committed: false, error: new DuplicateTransaction(transaction.event_id) };
  }
  if (foreign !== undefined) {
    return { committed: false, error: new DuplicateEvent(foreign.event_id, foreign.event_nid) };
  }
  const absent = (answer.absent ?? []).filter((row) => row.n === n).map(({ nid }) => nid);
  const failed = absent.filter((nid) => append.dependsOn?.includes(nid) === true);
  if (failed.length > 0) return { committed: false, error: new FailedDependency(failed) };
  if (absent.length > 0) return { committed: false, error: new PurgedDependency(absent) };
  return { committed: false, error: new StaleHead(append.head?.roomNid ?? 0) };
}

/** The reason why an append cannot be stored, if its texts are at fault. */
export function storableError(append: Append): Unstorable | undefined {
  try {
    buildStatement([append]);
    return undefined;
  } catch (error) {
    if (error instanceof Unstorable) return error;
    throw error;
  }
}
