/** Step 1 of the checks on receipt: whether PDUs are valid events of a room version. */
import { createYielder } from "../../platform/yielder.ts";
import { Rejection } from "../../protocol/errors.ts";
import { idOfRefused, parsePdu, RoomEvent } from "../../protocol/events/event.ts";
import { requiredSigners } from "../../protocol/events/event-signatures.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import type { Json } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import type { PduCheck } from "./pdu-check.ts";

/** A PDU that passed the checks, or the reason why it did not. */
export type Verified =
  | {
      readonly event: RoomEvent;
      readonly eventId?: undefined;
      readonly check?: undefined;
      readonly reason?: undefined;
      /** The content did not match its hash: the event is redacted. */
      readonly isRedacted?: boolean;
    }
  | {
      readonly event?: undefined;
      readonly eventId?: string;
      readonly check: PduCheck;
      readonly reason: string;
      /**
       * The signature cannot be checked, and the event is a membership sent by the user themselves.
       */
      readonly isOwnMembership?: boolean;
    };

/**
 * A membership event that its own user's server should have signed: nobody else's rights depend on
 * it.
 */
export function isUnverifiableMember(
  verified: Verified,
): verified is Verified & { readonly eventId: EventId } {
  return verified.event === undefined && verified.isOwnMembership === true;
}

/** How long events are parsed and hashed before other work gets a chance. */
const BURST_MS = 2;

/** The PDUs as events, or why they are none. */
export async function parseAll(pdus: readonly Json[], version: RoomVersion): Promise<Verified[]> {
  const yielder = createYielder(BURST_MS);
  const parsed: Verified[] = [];
  for (const pdu of pdus) {
    parsed.push(parse(pdu, version));
    await yielder.pauseIfDue();
  }
  return parsed;
}

function parse(pdu: Json, version: RoomVersion): Verified {
  try {
    const event = parsePdu(pdu, version);
    if (event.type.includes("\0") || event.stateKey?.includes("\0") === true) {
      const reason = "Type or state key hold NUL";
      return { eventId: event.eventId, check: "1 format", reason };
    }
    requiredSigners(event);
    return { event: withoutUnsigned(event) };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const eventId = idOfRefused(pdu, version);
    const refused = { check: "1 format", reason: error.reason } as const;
    return eventId === undefined ? refused : { ...refused, eventId };
  }
}

/** `unsigned` is not covered by any signature, so it is dropped. */
function withoutUnsigned(event: RoomEvent): RoomEvent {
  if (event.pdu.unsigned === undefined) return event;
  const { unsigned: _unsigned, ...pdu } = event.pdu;
  return new RoomEvent(pdu, event.version, event.eventId, {
    json: event.json(),
    signedText: event.signedText(),
    contentHashMatches: event.contentHashMatches(),
  });
}
