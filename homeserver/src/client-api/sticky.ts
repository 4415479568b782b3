import { MAX_STICKY_MS } from "../protocol/events/sticky.ts";

/** For how many ms an event is to be sticky; undefined: not at all. (MSC4354.) */
export function stickyIn(query: {
  readonly "org.matrix.msc4354.sticky_duration_ms"?: number | undefined;
}): number | undefined {
  const ms = query["org.matrix.msc4354.sticky_duration_ms"] ?? 0;
  return ms === 0 ? undefined : Math.min(ms, MAX_STICKY_MS);
}
