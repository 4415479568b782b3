import type { RoomEvent } from "../../protocol/events/event.ts";
import type { StoredEvent } from "../api/index.ts";

/** An event as it's about to be stored: an accepted outlier, but for what is said of it. */
export function newEvent(
  roomNid: number,
  nid: number,
  event: RoomEvent,
  known: Partial<Omit<StoredEvent, "nid" | "roomNid" | "event">> = {},
): StoredEvent {
  return {
    nid,
    roomNid,
    event,
    position: null,
    ordinal: 0,
    status: "accepted",
    stateBefore: null,
    stateAfter: null,
    roomState: null,
    redactedBy: null,
    ...known,
  };
}

/** What is no state event authorises nothing, and may be purged: it's no part of the auth chain. */
export function authNidsOf(auth: readonly StoredEvent[]): number[] {
  return auth.filter(({ event }) => event.stateKey !== undefined).map(({ nid }) => nid);
}
