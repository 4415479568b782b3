import { text, type Content, type MatrixEvent, type Unchecked } from "../api/types.ts";

/** The id that a redaction names: top level in old rooms, in the content since version 11. */
export function redactsOf(event: MatrixEvent): string | undefined {
  return (
    text<Unchecked<"m.room.redaction">>(event.content, "redacts") ??
    (typeof event.redacts === "string" ? event.redacts : undefined)
  );
}

export function isRedacted(event: MatrixEvent): boolean {
  return event.unsigned?.redacted_because !== undefined;
}

const KEPT_CONTENT: Record<string, readonly string[]> = { "m.room.member": ["membership"] };

/** The event without what a redaction takes away, as far as a reader can tell. */
export function pruned(event: MatrixEvent, because: MatrixEvent): MatrixEvent {
  const content: Content = {};
  for (const key of KEPT_CONTENT[event.type] ?? []) content[key] = event.content[key];
  return { ...event, content, unsigned: { ...event.unsigned, redacted_because: because } };
}
