import { verifyKeyFromBase64 } from "../crypto.ts";
import { Rejection } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { signingKeyIds, verifySignedJson } from "../signed-json.ts";
import type { AuthContext } from "./context.ts";
import { membershipIn } from "./state.ts";

/** An invite that claims an m.room.third_party_invite (version 12: 5.4.1). Throws a Rejection. */
export function checkClaimedInvite({ event, state }: AuthContext): void {
  const target = event.stateKey ?? "";
  // 5.4.1.1
  if (membershipIn(state, target) === "ban") {
    throw new Rejection("The invited user is banned from the room");
  }
  // 5.4.1.2, 5.4.1.3
  const claim = event.content.third_party_invite;
  const signed = isJsonObject(claim) ? claim.signed : undefined;
  if (
    !isJsonObject(signed) ||
    typeof signed.mxid !== "string" ||
    typeof signed.token !== "string"
  ) {
    throw new Rejection("The third-party invite has no signed user id and token");
  }
  // 5.4.1.4
  if (signed.mxid !== target) throw new Rejection("The third-party invite is somebody else's");
  // 5.4.1.5
  const invite = state.get("m.room.third_party_invite", signed.token);
  if (invite === undefined) throw new Rejection("The room has no such third-party invite");
  // 5.4.1.6
  if (invite.sender !== event.sender) {
    throw new Rejection("The third-party invite was sent by somebody else");
  }
  // 5.4.1.7, 5.4.1.8
  if (keysThatSigned(invite, signed).length === 0) {
    throw new Rejection("The third-party invite is not signed by its identity server");
  }
}

/** A key of an m.room.third_party_invite. */
export interface InviteKey {
  /** In base64. */
  readonly key: string;
  /** Where to ask whether it counts still; undefined: it does for ever. */
  readonly validityUrl: string | undefined;
}

/** The keys of an m.room.third_party_invite by which the object is signed. */
export function keysThatSigned(invite: RoomEvent, signed: JsonObject): InviteKey[] {
  return keysOf(invite).filter(({ key }) => isSignedBy(signed, key));
}

/** Those in `public_key` and `public_keys`. */
function keysOf({ content }: RoomEvent): InviteKey[] {
  const { public_keys: list } = content;
  const more = Array.isArray(list) ? list.filter(isJsonObject) : [];
  return [content, ...more].flatMap(({ public_key: key, key_validity_url: url }) => {
    const validityUrl = typeof url === "string" ? url : undefined;
    return typeof key === "string" ? [{ key, validityUrl }] : [];
  });
}

/** True when any signature, by whatever server and key id, is that key's. */
function isSignedBy(signed: JsonObject, publicKey: string): boolean {
  if (!isJsonObject(signed.signatures)) return false;
  try {
    const key = verifyKeyFromBase64(publicKey);
    return Object.keys(signed.signatures).some((server) =>
      signingKeyIds(signed.signatures, server).some((keyId) =>
        verifySignedJson(signed, server, keyId, key),
      ),
    );
  } catch {
    // No ed25519 key, or content that can not be canonical JSON: nothing that could be signed.
    return false;
  }
}
