/** The part of a transaction that concerns one room, and what is answered of its PDUs. */
import { isEventId } from "../../protocol/identifiers.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { idOfRefused } from "../../protocol/events/event.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import type { PduCheck } from "../checks/pdu-check.ts";
import type { Tally } from "./origin-throttle.ts";
import type { PduRejections } from "./pdu-rejections.ts";

/** By event id: empty, or the error. */
export type Results = Record<string, JsonObject>;

export interface RoomPart {
  readonly origin: ServerName;
  readonly room: string;
  /** Filled in while the PDUs are handled. */
  readonly results: Results;
  readonly tally: Tally;
}

export type RejectPdus = ReturnType<typeof createRejectPdus>;

export function createRejectPdus(rejections: PduRejections) {
  function reject(
    { origin, room, results, tally }: RoomPart,
    check: PduCheck,
    eventId: string | undefined,
    reason: string,
  ): void {
    tally.refused += 1;
    rejections.note({ origin, room, event: eventId, clause: check, reason, outcome: "dropped" });
    if (eventId !== undefined) results[eventId] = { error: reason };
  }

  /**
   * Results are keyed by event id. Where the room version is unknown, only ids contained in the
   * PDUs can be used.
   */
  function rejectAll(
    pdus: readonly JsonObject[],
    part: RoomPart,
    check: PduCheck,
    reason: string,
    version?: RoomVersion,
  ): void {
    for (const pdu of pdus) {
      const eventId = version === undefined ? pdu.event_id : idOfRefused(pdu, version);
      reject(part, check, isEventId(eventId) ? eventId : undefined, reason);
    }
  }

  return { reject, rejectAll };
}
