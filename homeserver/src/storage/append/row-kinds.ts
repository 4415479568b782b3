import { events, placedOutliers } from "./event-rows.ts";
import type { Offsets, RowKind } from "./row-kind.ts";
import { strippedRooms, transactions } from "./client-rows.ts";
import { recomputed, toRejudge } from "./rejudge-rows.ts";
import { currentState, found, memberships, missing, redactions, stateNodes } from "./room-rows.ts";
import { mediaReferences } from "./media-rows.ts";
import type { Append } from "./types.ts";

/** All row kinds except streams. Add further ones here. */
export const ROW_KINDS: readonly RowKind[] = [
  ...[events, placedOutliers, stateNodes, currentState, memberships, redactions, missing, found],
  ...[transactions, strippedRooms, recomputed, toRejudge, mediaReferences],
];

/** Assigns an append's positions, starting at `start`; returns them and the next free one. */
export function placeAppend(append: Append, start: number): { offsets: Offsets; next: number } {
  let next = start;
  const events = (append.events ?? []).map(({ timeline }) => (timeline === "live" ? next++ : null));
  const ofEvent = new Map(
    (append.events ?? []).map(({ nid }, index) => [nid, events[index] ?? null]),
  );
  const lastEvent = events.findLast((offset) => offset !== null) ?? undefined;
  const memberships = (append.memberships ?? []).map(({ eventNid, since }) =>
    since === undefined ? (ofEvent.get(eventNid) ?? lastEvent ?? next++) : 0,
  );
  const records = (append.records ?? []).map(() => next++);
  const offsets = { events, memberships, records };
  return { offsets, next };
}
