/**
 * Places in a room's timeline as tokens: `t<position>_<ordinal>`, standing right behind the event at that place.
 * Reading backwards from a token gives events at or before it, reading forwards those after it. A sync token
 * `s<position>` (whatever follows) serves as the place behind everything up to that log position.
 */
import { errors } from "../protocol/errors.ts";
import type { StoredEvent, TimelinePlace } from "./types.ts";

const PLACE = /^t(\d{1,16})_(-?\d{1,10})$/;
const SYNC = /^s(\d{1,16})(?:[^\d].*)?$/;

export function formatPlace(place: TimelinePlace): string {
  return `t${place.position}_${place.ordinal}`;
}

/** The token right in front of an event. Ordinals in front of position P fall: the last one is (P, 0). */
export function formatBefore(place: TimelinePlace): string {
  return formatPlace(placeBefore(place));
}

/** The place right in front of an event: nothing lies between it and the event. */
export function placeBefore(place: TimelinePlace): TimelinePlace {
  return { position: place.position, ordinal: place.ordinal - 1 };
}

/** Negative when the first place comes before the second, positive when it comes after. */
export function comparePlaces(one: TimelinePlace, other: TimelinePlace): number {
  return one.position - other.position || one.ordinal - other.ordinal;
}

/** Where an event stands; outliers stand nowhere and count as the beginning. */
export function placeOf(stored: StoredEvent): TimelinePlace {
  return { position: stored.position ?? 0, ordinal: stored.ordinal };
}

/** A place from a token of /messages, /context, /relations or /sync; M_INVALID_PARAM otherwise. */
export function parsePlace(token: string): TimelinePlace {
  const place = PLACE.exec(token);
  if (place !== null) return checked(Number(place[1]), Number(place[2]));
  const sync = SYNC.exec(token);
  if (sync !== null) return checked(Number(sync[1]), 0);
  throw errors.invalidParam("That is not a token of this server");
}

function checked(position: number, ordinal: number): TimelinePlace {
  if (!Number.isSafeInteger(position) || Math.abs(ordinal) > 2_147_483_647) {
    throw errors.invalidParam("That is not a token of this server");
  }
  return { position, ordinal };
}
