/** Applies redactions that should have taken effect. */
import { redactEvent } from "../../../protocol/events/event.ts";
import { eventsAfterNid } from "../../../storage/rooms/integrity.ts";
import { writeRedactions } from "../../../storage/rooms/mend-rooms.ts";
import { unappliedRedactions } from "../redacted.ts";
import type { Mending } from "./mending.ts";

const PAGE = 500;

export async function mendRedactions({ tx, store, room, counts }: Mending): Promise<void> {
  for (let after = 0; ;) {
    const rows = await eventsAfterNid(store.sql, room.nid, after, PAGE);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.nid;
    const found = await unappliedRedactions(store, rows);
    if (found.length === 0) continue;
    const redacted = found.map(({ target, redaction }) => ({
      eventId: target.event.eventId,
      json: redactEvent(target.event).json(),
      redactionNid: redaction.nid,
    }));
    await writeRedactions(tx, redacted);
    for (const { target } of found) store.events.forget(target.event.eventId);
    counts.redactions += found.length;
  }
}
