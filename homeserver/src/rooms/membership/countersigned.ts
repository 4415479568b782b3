/** Member events of this server as another server returns them, with more signatures. */
import { addSignaturesOf } from "../../protocol/events/build-event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { requiredSigners } from "../../protocol/events/event-signatures.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { Json } from "../../protocol/json.ts";
import { signingKeyIds } from "../../protocol/signed-json.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";

/**
 * The local event with the signatures that the answer adds. Nothing else of the answer is used: a
 * redacted copy has the same id, and its signatures are valid. Undefined when a signature that
 * other servers require is missing or wrong.
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
