/** Checks that `auth_nids` are the nids of the events that an event's JSON names in auth_events. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import { numbersOfEvents, storedNumbers } from "../../storage/rooms/integrity.ts";
import type { Sql } from "../../storage/sql.ts";

/** An event, its row's nids, and whether it is in the graph. */
export interface AuthRow {
  readonly event: RoomEvent;
  readonly authNids: readonly number[];
  readonly isInGraph: boolean;
}

export interface AuthCheck {
  readonly faults: readonly string[];
  /** The nids of its auth events that are stored in its room, in the event's order. */
  readonly right: readonly number[];
  /** Auth events that are stored nowhere. */
  readonly lacking: readonly string[];
}

/** In the order of the rows. */
export async function checkAuth(
  sql: Sql,
  roomNid: number,
  rows: readonly AuthRow[],
): Promise<AuthCheck[]> {
  const ids = new Set(rows.flatMap(({ event }) => event.authEventIds));
  const numbers = new Map(
    (ids.size === 0 ? [] : await numbersOfEvents(sql, [...ids]))
      .filter((row) => row.roomNid === roomNid)
      .map(({ eventId, nid }) => [eventId, nid]),
  );
  const odd = new Set<number>();
  const checks = rows.map(({ event, authNids, isInGraph }) => {
    const right = event.authEventIds.flatMap((id) => numbers.get(id) ?? []);
    const lacking = event.authEventIds.filter((id) => !numbers.has(id));
    const wrong = authNids.filter((nid) => !right.includes(nid));
    for (const nid of wrong) odd.add(nid);
    const left = event.authEventIds.filter((id) => {
      const nid = numbers.get(id);
      return nid !== undefined && !authNids.includes(nid);
    });
    return { right, lacking, wrong, left, isInGraph };
  });
  const stored = odd.size === 0 ? new Set<number>() : await storedNumbers(sql, [...odd]);
  return checks.map(({ right, lacking, wrong, left, isInGraph }) => ({
    right,
    lacking,
    faults: [
      ...wrong.map((nid) =>
        stored.has(nid)
          ? `auth_nids names event ${nid}, which it does not name in auth_events`
          : `auth_nids names event ${nid}, which is not stored`,
      ),
      ...left.map((id) => `auth_nids lacks its auth event ${id}, which is stored`),
      ...(isInGraph ? lacking.map((id) => `its auth event ${id} is not stored`) : []),
    ],
  }));
}
