import type { ServerName } from "../protocol/identifiers.ts";
import type { GroupOutcome } from "../storage/append/append.ts";
import type { PlacedAppend } from "../storage/append/row-kind.ts";
import { STREAMS, streamOf } from "../storage/streams/index.ts";
import type { NewRecord, StreamRecord } from "../storage/streams/index.ts";
import type { Returned, Span } from "../storage/streams/stream.ts";
import type { Sql } from "../storage/sql.ts";
import { madeEvents, readEvents } from "./event-records.ts";
import type { LogRecord, RecordKind } from "./types.ts";

/** The records of a group that this process committed, in order. */
export function recordsOfGroup(group: GroupOutcome, server: ServerName): LogRecord[] {
  const records = group.placed.flatMap((placed, index): LogRecord[] => {
    const outcome = group.outcomes[index];
    if (outcome?.committed !== true || outcome.earlier) return [];
    const events = madeEvents(placed, group.base, server);
    const { records: rows } = placed.append;
    return rows === undefined
      ? events
      : [...events, ...madeRecords(placed, rows, group.base, outcome.returned)];
  });
  return records.sort(byPosition);
}

function madeRecords(
  { offsets }: PlacedAppend,
  rows: readonly NewRecord[],
  base: number,
  returned: readonly Returned[],
): StreamRecord[] {
  return rows.map((row, index) => {
    const offset = offsets.records[index]!;
    const own = returned.length === 0 ? returned : returned.filter(({ shift }) => shift === offset);
    const record = streamOf(row.kind)!.toRecord(row, own);
    return { ...record, kind: row.kind, position: base + offset } as StreamRecord;
  });
}

/**
 * Up to `limit` records of these kinds in a span of the tables; records of one position stay
 * together.
 */
export async function readRecords(
  sql: Sql,
  span: Span,
  server: ServerName,
  kinds: ReadonlySet<RecordKind> | undefined,
): Promise<readonly LogRecord[]> {
  const isWanted = (kind: RecordKind) => kinds?.has(kind) !== false;
  const streams = STREAMS.filter((stream) => isWanted(stream.kind));
  const hasEvents = isWanted("event") || isWanted("membership");
  const lists = await Promise.all([
    hasEvents ? readEvents(sql, span, server) : [],
    ...streams.map(async ({ kind, read }) =>
      (await read(sql, span)).map((row) => ({ kind, ...row }) as StreamRecord),
    ),
  ]);
  const records = lists
    .flat()
    .filter(({ kind }) => isWanted(kind))
    .sort(byPosition);
  const last = records[span.limit - 1];
  return last === undefined
    ? records
    : records.filter((record) => record.position <= last.position);
}

function byPosition(a: LogRecord, b: LogRecord): number {
  return a.position - b.position;
}
