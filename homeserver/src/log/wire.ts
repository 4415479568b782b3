import { eventFromStored } from "../protocol/events/event.ts";
import type { EventId } from "../protocol/identifiers.ts";
import { roomVersion } from "../protocol/room-versions.ts";
import type { EventRecord, LogRecord } from "./types.ts";

/** The records that one commit added to the log, with base < position ≤ end. */
export interface LogSpan {
  readonly base: number;
  readonly end: number;
  readonly records: readonly LogRecord[];
}

/** An event is sent as its text, with what is needed to parse it. */
type WireEvent = Omit<EventRecord, "event"> & {
  readonly event: readonly [id: string, version: string, json: string];
};
type WireRecord = Exclude<LogRecord, EventRecord> | WireEvent;

/** A span as JSON text, for another replica. */
export function encodeSpan({ base, end, records }: LogSpan): string {
  const encoded = records.map((record): WireRecord => {
    if (record.kind !== "event") return record;
    const { event } = record;
    return { ...record, event: [event.eventId, event.version.id, event.json()] };
  });
  return JSON.stringify({ base, end, records: encoded });
}

/** Decodes a span; undefined when this version of Weft cannot read it. `encoded` is parsed JSON. */
export function decodeSpan(encoded: {
  readonly base: number;
  readonly end: number;
  readonly records: readonly WireRecord[];
}): LogSpan | undefined {
  const records: LogRecord[] = [];
  for (const record of encoded.records) {
    if (record.kind !== "event") {
      records.push(record);
      continue;
    }
    const [id, versionId, json] = record.event;
    const version = roomVersion(versionId);
    if (version === undefined) return undefined;
    records.push({ ...record, event: eventFromStored(json, version, id as EventId) });
  }
  return { base: encoded.base, end: encoded.end, records };
}
