/** Finds redactions that should have taken effect. */
import type { CheckedRow } from "../../storage/rooms/integrity.ts";
import { redactionsOf } from "../../storage/rooms/events.ts";
import { isInGraph } from "../records/in-graph.ts";
import { redactionApplies } from "../commands/redactions.ts";
import type { RoomStore } from "../state/store.ts";
import type { StoredEvent } from "../api/index.ts";

export interface Unapplied {
  readonly target: StoredEvent;
  readonly redaction: StoredEvent;
}

/**
 * Events of the graph with a valid redaction that are stored unredacted. At most one redaction for
 * each.
 */
export async function unappliedRedactions(
  store: RoomStore,
  rows: readonly Pick<CheckedRow, "nid" | "eventId" | "redactedBy">[],
): Promise<Unapplied[]> {
  const whole = rows.filter(({ redactedBy }) => redactedBy === null);
  if (whole.length === 0) return [];
  const named = await redactionsOf(
    store.sql,
    whole.map(({ eventId }) => eventId),
  );
  if (named.length === 0) return [];
  const nidOf = new Map(whole.map(({ eventId, nid }) => [eventId, nid]));
  const targets = await store.events.byNids(named.flatMap(({ target }) => nidOf.get(target) ?? []));
  const redactions = await store.events.byNids(named.map(({ redactionNid }) => redactionNid));
  const found = new Map<string, Unapplied>();
  for (const { target: id, redactionNid } of named) {
    const target = targets.get(nidOf.get(id) ?? 0);
    const redaction = redactions.get(redactionNid);
    if (target === undefined || redaction === undefined || found.has(id)) continue;
    if (!isInGraph(target) || !isInGraph(redaction)) continue;
    if (await redactionApplies(store, redaction, target)) found.set(id, { target, redaction });
  }
  return [...found.values()];
}
