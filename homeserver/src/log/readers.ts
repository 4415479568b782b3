import type { Logger } from "../platform/logger.ts";
import type { LogPhase, LogReader, LogRecord, RecordKind } from "./types.ts";

interface RegisteredReader {
  readonly kinds: ReadonlySet<RecordKind>;
  take(records: readonly LogRecord[]): void;
}

/** The readers of the log as it grows, called in the order of their phases. */
export function createReaders(logger: Logger) {
  const byPhase: Record<LogPhase, Set<RegisteredReader>> = {
    caches: new Set(),
    readers: new Set(),
  };

  /** `present`: the kinds of the records. */
  function deliverTo(
    { kinds, take }: RegisteredReader,
    records: readonly LogRecord[],
    present: ReadonlySet<RecordKind>,
  ): void {
    if (kinds.isDisjointFrom(present)) return;
    const own = present.isSubsetOf(kinds) ? records : records.filter(({ kind }) => kinds.has(kind));
    try {
      take(own);
    } catch (error) {
      logger.error({ err: error }, "a reader of the log failed");
    }
  }

  return {
    /** Returns the function that removes it. */
    add<K extends RecordKind>({ phase, kinds, take }: LogReader<K>): () => void {
      const registered: RegisteredReader = {
        kinds: new Set<RecordKind>(kinds),
        take: (records) => take(records as Parameters<typeof take>[0]),
      };
      byPhase[phase].add(registered);
      return () => byPhase[phase].delete(registered);
    },

    /** Gives each reader its share of new records. */
    deliver(records: readonly LogRecord[]): void {
      if (records.length === 0) return;
      const present = new Set(records.map(({ kind }) => kind));
      for (const reader of byPhase.caches) deliverTo(reader, records, present);
      for (const reader of byPhase.readers) deliverTo(reader, records, present);
    },
  };
}
