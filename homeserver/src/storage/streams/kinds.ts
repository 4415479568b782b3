import { events, placedOutliers } from "./event-kinds.ts";
import type { Offsets, RowKind } from "./kind.ts";
import {
  currentState,
  found,
  memberships,
  missing,
  purges,
  redactions,
  stateNodes,
} from "./room-kinds.ts";
import { partialRooms, restated } from "./partial-room-kinds.ts";
import type { Append } from "./types.ts";
import { toRejudge } from "./events-to-rejudge.ts";
import {
  accountData,
  erasures,
  forgotten,
  receipts,
  strippedRooms,
  transactions,
} from "./user-kinds.ts";

/** All kinds. A further one is written like these and listed here. */
export const ROW_KINDS: readonly RowKind[] = [
  ...[events, placedOutliers, stateNodes, currentState, memberships, redactions, missing, found],
  ...[transactions, receipts, accountData, erasures, forgotten, strippedRooms, purges],
  ...[partialRooms, restated, toRejudge],
];

/** Gives out an append's positions, from `start` on; returns them and the next free one. */
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
  const receipts = (append.receipts ?? []).map(() => next++);
  const accountData = (append.accountData ?? []).map(() => next++);
  const erasures = (append.erasures ?? []).map(() => next++);
  const forgotten = (append.forgotten ?? []).map(() => next++);
  const purges = (append.purges ?? []).map(() => next++);
  const partialRoom = append.partialRoom === undefined ? undefined : next++;
  const ofUsers = { receipts, accountData, erasures, forgotten };
  const offsets = { events, memberships, ...ofUsers, purges, partialRoom };
  return { offsets, next };
}
