/** Our own member events as another server gives them back, with more signatures. */
import { addSignaturesOf } from "../../protocol/events/build-event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { requiredSigners } from "../../protocol/events/event-signatures.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { Json } from "../../protocol/json.ts";
import { signingKeyIds } from "../../protocol/signed-json.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";

/**
 * Our event with the signatures that the answer has beside ours. Nothing else of the answer counts:
 * a redacted copy has the same identifier, and its signatures are as good. Undefined where a
 * signature is missing or wrong without which other servers refuse the event.
 */
export async function countersigned(
  keyRing: EventKeys,
  event: RoomEvent,
  answered: Json | undefined,
): Promise<RoomEvent | undefined> {
  const [verified] = isJsonObject(answered)
    ? await verifyPdus(keyRing, [answered], event.version)
    : [];
  const theirs = verified?.event;
  const signed = theirs?.eventId === event.eventId ? addSignaturesOf(event, theirs) : undefined;
  if (signed !== undefined) return signed;
  const isWhole = requiredSigners(event).every(
    (server) => signingKeyIds(event.pdu.signatures, server).length > 0,
  );
  return isWhole ? event : undefined;
}
