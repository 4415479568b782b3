/** Whether a redaction takes effect (room versions 1 and 3, "Handling redactions"). */
import type { RoomEvent } from "../../protocol/events/event.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { PowerLevels } from "../../protocol/events/power-levels.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { redactionsOf } from "../../storage/rooms/events.ts";
import type { RoomReader } from "../state/room-reader.ts";
import type { CommandStore } from "./command-store.ts";
import type { StoredEvent } from "../api/index.ts";

/**
 * An accepted redaction of an event of the same room: up to version 2 the authorisation rules have
 * decided, from version 3 on it needs the redact level, or the sender's server to be that of the
 * event's sender.
 */
export async function redactionApplies(
  store: RoomReader,
  redaction: StoredEvent,
  target: StoredEvent,
): Promise<boolean> {
  if (redaction.status !== "accepted" || redaction.roomNid !== target.roomNid) return false;
  const { event } = redaction;
  if (event.version.redactionAuthRule) return true;
  if (serverOf(event.sender) === serverOf(target.event.sender)) return true;
  const state = await store.state.events(redaction.stateBefore, [
    ["m.room.power_levels", ""],
    ["m.room.create", ""],
  ]);
  const levels = PowerLevels.of(
    state.get(stateTuple("m.room.power_levels", ""))?.event,
    state.get(stateTuple("m.room.create", ""))?.event,
    event.version,
  );
  return levels.userLevel(event.sender) >= levels.redact;
}

/** An earlier redaction of this event that applies, committed or pending. */
export async function earlierRedaction(
  store: CommandStore,
  target: StoredEvent,
): Promise<StoredEvent | undefined> {
  const { eventId } = target.event;
  const coming = store.pending.redactionsOf(eventId);
  const rows = await redactionsOf(store.sql, [eventId]);
  const nids = [...coming.map(({ nid }) => nid), ...rows.map((row) => row.redactionNid)];
  // When there are several, the first to arrive counts: nids rise.
  const redactions = await store.events.byNids([...new Set(nids)].toSorted((a, b) => a - b));
  for (const nid of [...redactions.keys()].toSorted((a, b) => a - b)) {
    const redaction = redactions.get(nid)!;
    if (await redactionApplies(store, redaction, target)) return redaction;
  }
  return undefined;
}

/**
 * Leaves out redactions without effect: their target is not stored (yet), or their sender may not
 * redact it. Clients do not get those. (Room version 3, "Handling redactions".)
 */
export async function withoutIneffective(
  store: RoomReader,
  events: readonly StoredEvent[],
): Promise<readonly StoredEvent[]> {
  const targets = events.flatMap(({ event }) => (isConditional(event) ? event.redacts : []));
  if (targets.length === 0) return events;
  const found = await store.events.byIds(targets);
  const kept = await Promise.all(
    events.map(async (stored) => {
      if (!isConditional(stored.event)) return true;
      const target = found.get(stored.event.redacts);
      return target !== undefined && redactionApplies(store, stored, target);
    }),
  );
  return events.filter((_, index) => kept[index]);
}

/** Up to room version 2 the authorisation rules have decided. */
function isConditional(event: RoomEvent): event is RoomEvent & { readonly redacts: EventId } {
  return event.redacts !== undefined && !event.version.redactionAuthRule;
}
