/** Sticky events (MSC4354): for a while they reach everybody in the room, however much is said. */
import { isJsonObject, type JsonObject } from "../json.ts";
import type { RoomEvent } from "./event.ts";

/** The key of the PDU. */
export const STICKY = "msc4354_sticky";
/** How long an event is sticky at most, ms. */
export const MAX_STICKY_MS = 3_600_000;

/** What an event that is to be sticky for so many ms says of itself. */
export const stickyObject = (ms: number): JsonObject => ({ duration_ms: ms });

/** For how many ms an event is sticky; undefined: it is not. */
export function stickyMsOf({ pdu }: Pick<RoomEvent, "pdu">): number | undefined {
  const sticky = pdu[STICKY];
  if (!isJsonObject(sticky)) return undefined;
  const ms = sticky.duration_ms;
  const isValid = typeof ms === "number" && Number.isSafeInteger(ms) && ms > 0;
  return isValid && ms <= MAX_STICKY_MS ? ms : undefined;
}

/**
 * Until when the event is sticky, ms since 1970, if it was received at that time; undefined: it is
 * not sticky. A server with a fast clock gains nothing.
 */
export function stickyUntil(event: RoomEvent, receivedTs: number): number | undefined {
  const ms = stickyMsOf(event);
  return ms === undefined ? undefined : Math.min(receivedTs, event.originServerTs) + ms;
}
