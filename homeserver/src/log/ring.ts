import { streamOf } from "../storage/streams/index.ts";
import type { LogRecord, RecordKind } from "./types.ts";

/** The newest records of the log in memory, bounded by their size. */
export interface Ring {
  /** Adds records above `end`, in order, and moves `end`. */
  push(records: readonly LogRecord[], end: number): void;
  /**
   * Records of these kinds after a position; undefined when memory does not reach back that far.
   */
  read(after: number, limit: number, kinds: ReadonlySet<RecordKind>): LogRecord[] | undefined;
}

const MAX_BYTES = 16 * 1024 * 1024;
const RECORD_BYTES = 300;

export function createRing(start: number, maxBytes = MAX_BYTES): Ring {
  /** Everything after this position is in `records`. */
  let from = start;
  let records: { record: LogRecord; bytes: number }[] = [];
  let bytes = 0;

  /** Drops the older half when there is too much: rarely, so that it costs little per record. */
  function trim(): void {
    if (bytes <= maxBytes) return;
    let dropped = 0;
    while (bytes > maxBytes / 2 && dropped < records.length) {
      bytes -= records[dropped]?.bytes ?? 0;
      from = records[dropped]?.record.position ?? from;
      dropped += 1;
    }
    records = records.slice(dropped);
  }

  return {
    push(added) {
      for (const record of added) {
        const weight = weigh(record);
        records.push({ record, bytes: weight });
        bytes += weight;
      }
      trim();
    },
    read(after, limit, kinds) {
      if (after < from) return undefined;
      const found: LogRecord[] = [];
      for (let at = firstAfter(records, after); at < records.length && found.length < limit; at++) {
        const { record } = records[at]!;
        if (kinds.has(record.kind)) found.push(record);
      }
      return found;
    },
  };
}

function firstAfter(records: readonly { record: LogRecord }[], position: number): number {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.record.position ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

function weigh(record: LogRecord): number {
  if (record.kind === "event") {
    return record.event.json().length * 3 + record.memberships.length * 200 + RECORD_BYTES;
  }
  return RECORD_BYTES + (streamOf(record.kind)?.bytes?.(record) ?? 0);
}
