/**
 * Pagination tokens: `t<position>_<ordinal>_<room's number>` is the place right after the event at
 * that position. Reading backwards from a token gives events at or before it, reading forwards
 * those after it. A sync token stands for the place after everything up to its log position. Pages
 * of relations (`r`) and of threads (`h`) have tokens of their own.
 */
import { readSyncToken } from "../../log/token.ts";
import { errors } from "../../protocol/errors.ts";
import { logPosition } from "../../storage/streams/log-head.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Room, StoredEvent, TimelinePlace } from "../api/index.ts";

/** t: the timeline; r: relations of an event; h: threads of a room. */
export type TokenKind = "t" | "r" | "h";

/** Tokens from before the room's number was added have two numbers. */
const PLACE = /^([trh])(\d{1,15})_(-?\d{1,10})(?:_(\d{1,15}))?$/;

export function formatPlace(roomNid: number, place: TimelinePlace, kind: TokenKind = "t"): string {
  return `${kind}${place.position}_${place.ordinal}_${roomNid}`;
}

/**
 * The token right before an event. Ordinals in front of position P fall: the last place is (P, 0).
 */
export function formatBefore(roomNid: number, place: TimelinePlace): string {
  return formatPlace(roomNid, placeBefore(place));
}

/** The place right before an event: nothing lies between it and the event. */
export function placeBefore(place: TimelinePlace): TimelinePlace {
  return { position: place.position, ordinal: place.ordinal - 1 };
}

/** Negative when the first place comes before the second, positive when it comes after. */
export function comparePlaces(one: TimelinePlace, other: TimelinePlace): number {
  return one.position - other.position || one.ordinal - other.ordinal;
}

/** The place of an event; outliers have none and count as the beginning. */
export function placeOf(stored: StoredEvent): TimelinePlace {
  return { position: stored.position ?? 0, ordinal: stored.ordinal };
}

/**
 * The place that a token names in a room; undefined without one.
 * @throws MatrixError M_INVALID_PARAM 400 for what this server has not given out: another room's token, one of a kind
 *   that the operation does not take, or a place that the log has not reached
 */
export type PlaceIn = (
  room: Room,
  token: string | undefined,
  kinds?: readonly TokenKind[],
) => Promise<TimelinePlace | undefined>;

/**
 * `position` is the log position known to this process: another replica may have issued a later
 * token.
 */
export function createPlaceIn(deps: {
  readonly sql: Sql;
  readonly position: () => number;
}): PlaceIn {
  return async (room, token, kinds = ["t"]) => {
    if (token === undefined) return undefined;
    const place = parsePlace(room.nid, token, kinds);
    if (place.position <= deps.position()) return place;
    if (place.position <= (await logPosition(deps.sql))) return place;
    throw notOurs();
  };
}

function parsePlace(roomNid: number, token: string, kinds: readonly TokenKind[]): TimelinePlace {
  const sync = kinds.includes("t") ? readSyncToken(token) : undefined;
  if (sync !== undefined) return { position: sync.position, ordinal: 0 };
  const place = PLACE.exec(token);
  if (place === null || !kinds.includes(place[1] as TokenKind)) throw notOurs();
  const [position, ordinal] = [Number(place[2]), Number(place[3])];
  const isElsewhere = place[4] !== undefined && Number(place[4]) !== roomNid;
  if (isElsewhere || ordinal > 0 || ordinal < -2_147_483_648) throw notOurs();
  return { position, ordinal };
}

function notOurs(): Error {
  return errors.invalidParam("That is not a token that this server gave out for this room");
}
