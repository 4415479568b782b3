import { type VerifyKey, verifyText, verifyTextAsync } from "../crypto.ts";
import { Rejection } from "../errors.ts";
import type { RoomEvent } from "./event.ts";
import { isUserId, serverOf, serverOfEventId, type ServerName } from "../identifiers.ts";
import { signatureOf } from "../signed-json.ts";

/**
 * The servers whose signature the event must have: the sender's (except for invitations by
 * third-party id), in versions 1 and 2 the event id's, and that of the user who authorises a
 * restricted join. Throws Rejection when that is not a user id. (Server-server API, "Validating
 * hashes and signatures on received events"; rooms, v8, authorisation rule on m.room.member.)
 */
export function requiredSigners(event: RoomEvent): ServerName[] {
  const signers = new Set<ServerName>();
  if (!isThirdPartyInvite(event)) signers.add(serverOf(event.sender));
  if (event.version.eventIdServerMustSign) {
    const server = serverOfEventId(event.eventId);
    if (server !== undefined) signers.add(server);
  }
  const authorisingUser = event.content.join_authorised_via_users_server;
  if (
    event.version.restrictedJoins &&
    event.type === "m.room.member" &&
    authorisingUser !== undefined
  ) {
    if (!isUserId(authorisingUser))
      throw new Rejection("join_authorised_via_users_server is no user id");
    signers.add(serverOf(authorisingUser));
  }
  return [...signers];
}

/**
 * The key of a policy server, which the room's state tells; it signs nothing as the event's sender.
 */
export const POLICY_KEY_ID = "ed25519:policy_server";

/** True when the server's signature with that key is there and right. */
export function verifyEventSignature(
  event: RoomEvent,
  serverName: string,
  keyId: string,
  key: VerifyKey,
): boolean {
  const signature = signatureOf(event.pdu.signatures, serverName, keyId);
  return signature !== undefined && verifyText(event.signedText(), signature, key);
}

/** Like verifyEventSignature, on the thread pool. */
export async function verifyEventSignatureAsync(
  event: RoomEvent,
  serverName: string,
  keyId: string,
  key: VerifyKey,
): Promise<boolean> {
  const signature = signatureOf(event.pdu.signatures, serverName, keyId);
  return signature !== undefined && (await verifyTextAsync(event.signedText(), signature, key));
}

function isThirdPartyInvite(event: RoomEvent): boolean {
  return (
    event.type === "m.room.member" &&
    event.content.membership === "invite" &&
    event.content.third_party_invite !== undefined
  );
}
