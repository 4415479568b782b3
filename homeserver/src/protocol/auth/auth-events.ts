import { Rejection } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import type { EventId } from "../identifiers.ts";
import { stateTuple } from "../state-map.ts";
import { authTypesFor } from "./auth-types.ts";

/**
 * The rule "considering the event's `auth_events`" (rule 2; from version 12 rule 3): throws a
 * Rejection for duplicate or unselected entries, rejected ones, ones of another room, and (up to
 * version 11) a missing create event. m.room.create is exempt.
 *
 * @param authEvents the events that `event.authEventIds` names, all of them, in any order
 * @param isRejected tells whether one of them was rejected when it was received
 */
export function checkAuthEvents(
  event: RoomEvent,
  authEvents: readonly RoomEvent[],
  isRejected: (eventId: EventId) => boolean = () => false,
): void {
  if (event.type === "m.room.create") return;
  requireAll(event, authEvents);
  const selected = new Set(authTypesFor(event, event.version).map((pair) => stateTuple(...pair)));
  const seen = new Set<string>();
  for (const entry of authEvents) {
    const tuple = entry.stateKey === undefined ? undefined : stateTuple(entry.type, entry.stateKey);
    if (tuple === undefined || !selected.has(tuple)) {
      throw new Rejection(
        `Auth event ${entry.eventId} (${entry.type}) has no bearing on the event`,
      );
    }
    if (seen.has(tuple)) throw new Rejection(`Two auth events for the same ${entry.type}`);
    seen.add(tuple);
    if (isRejected(entry.eventId)) {
      throw new Rejection(`Auth event ${entry.eventId} was itself rejected`);
    }
    if (entry.roomId !== event.roomId) {
      throw new Rejection(`Auth event ${entry.eventId} is of another room`);
    }
  }
  if (event.version.createInAuthEvents && !seen.has(stateTuple("m.room.create", ""))) {
    throw new Rejection("The auth events have no m.room.create");
  }
}

function requireAll(event: RoomEvent, authEvents: readonly RoomEvent[]): void {
  const given = new Set(authEvents.map((entry) => entry.eventId));
  for (const id of event.authEventIds) {
    if (!given.has(id)) throw new Rejection(`Auth event ${id} is not known`);
  }
  // authEventIds has each id once, however often the PDU names it.
  if (event.pdu.auth_events.length !== event.authEventIds.length) {
    throw new Rejection("The same auth event is named twice");
  }
}
