import { sha256Base64, signText } from "../../../src/protocol/crypto.ts";
import { eventIdOf, RoomEvent } from "../../../src/protocol/events/event.ts";
import {
  contentHashText,
  membersOf,
  signedEventText,
} from "../../../src/protocol/events/event-text.ts";
import type { Pdu } from "../../../src/protocol/events/pdu.ts";
import type { RoomVersion } from "../../../src/protocol/room-versions.ts";
import type { TestServer } from "./world.ts";

/** The PDU hashed and signed anew, without any check of what it holds. */
export function resealed(pdu: Pdu, version: RoomVersion, signer: TestServer): RoomEvent {
  const { hashes: _hashes, signatures: _signatures, ...rest } = pdu;
  const hashes = { sha256: sha256Base64(contentHashText(membersOf(rest as Pdu, version))) };
  const hashed = { ...rest, hashes, signatures: {} };
  const signedText = signedEventText(membersOf(hashed, version), hashed, version);
  const signature = signText(signedText, signer.key);
  const signatures = { [signer.name]: { [signer.key.keyId]: signature } };
  const sealed: Pdu = { ...hashed, signatures };
  return new RoomEvent(sealed, version, eventIdOf(sealed, version, signedText));
}
