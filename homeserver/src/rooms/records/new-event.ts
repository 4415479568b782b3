import type { RoomEvent } from "../../protocol/events/event.ts";
import type { StoredEvent } from "../api/index.ts";

/** An event about to be stored: an accepted outlier, except for the given fields. */
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

/** Message events authorise nothing, and may be purged: they are no part of the auth chain. */
export function authNidsOf(auth: readonly StoredEvent[]): number[] {
  return auth.filter(({ event }) => event.stateKey !== undefined).map(({ nid }) => nid);
}
