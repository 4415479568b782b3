/** Events of a random history as their servers send them: hashed and signed. */
import { sha256Base64, signingKeyFromSeed, signText } from "../../../src/protocol/crypto.ts";
import { verifyKeyFromBase64 } from "../../../src/protocol/crypto.ts";
import type { SigningKey, VerifyKey } from "../../../src/protocol/crypto.ts";
import { eventIdOf, RoomEvent } from "../../../src/protocol/events/event.ts";
import type { Pdu } from "../../../src/protocol/events/event.ts";
import { requiredSigners } from "../../../src/protocol/events/event-signatures.ts";
import { contentHashText, membersOf } from "../../../src/protocol/events/event-text.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";

const keys = new Map<string, { readonly key: SigningKey; readonly verifyKey: VerifyKey }>();

/** The key of a server of that name. */
export function keyOf(server: string): { readonly key: SigningKey; readonly verifyKey: VerifyKey } {
  let made = keys.get(server);
  if (made === undefined) {
    const key = signingKeyFromSeed("ed25519:test", Buffer.alloc(32, server));
    made = { key, verifyKey: verifyKeyFromBase64(key.publicKeyBase64) };
    keys.set(server, made);
  }
  return made;
}

export function sealed(bare: RoomEvent): RoomEvent {
  const { version } = bare;
  const hash = sha256Base64(contentHashText(membersOf(bare.pdu, version)));
  const hashed: Pdu = { ...bare.pdu, hashes: { sha256: hash } };
  const draft = new RoomEvent(hashed, version, bare.eventId);
  const eventId =
    version.eventIdFormat === "opaque"
      ? bare.eventId
      : eventIdOf(hashed, version, draft.signedText());
  const signatures: JsonObject = {};
  for (const server of signersOf(draft)) {
    const { key } = keyOf(server);
    signatures[server] = { [key.keyId]: signText(draft.signedText(), key) };
  }
  return new RoomEvent({ ...hashed, signatures }, version, eventId);
}

/** Whoever claims to be vouched for by something that is no user has nobody's signature. */
function signersOf(event: RoomEvent): readonly string[] {
  try {
    return requiredSigners(event);
  } catch {
    return [];
  }
}
