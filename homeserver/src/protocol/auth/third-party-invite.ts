import { type VerifyKey, verifyKeyFromBase64, verifyText } from "../crypto.ts";
import { Rejection } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import { signableText, signatureOf, signingKeyIds } from "../signed-json.ts";
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
  if (keysThatSigned(invite, signed).next().done === true) {
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

/**
 * So many keys of an invite, and signatures of a claim, are looked at. Identity servers give two
 * keys and one signature; each pair costs a verification, and who writes events chooses both.
 */
const MAX_TRIED = 10;

/** The keys of an m.room.third_party_invite by which the object is signed, one after another. */
export function* keysThatSigned(invite: RoomEvent, signed: JsonObject): Generator<InviteKey> {
  const text = signableText(signed);
  if (text === undefined) return;
  const signatures = signaturesIn(signed.signatures);
  for (const inviteKey of keysOf(invite)) {
    const key = verifyKeyOf(inviteKey.key);
    if (key !== undefined && signatures.some((one) => verifyText(text, one, key))) yield inviteKey;
  }
}

/** Those in `public_key` and `public_keys`, each once. */
function keysOf({ content }: RoomEvent): InviteKey[] {
  const { public_keys: list } = content;
  const more = Array.isArray(list) ? list.slice(0, MAX_TRIED).filter(isJsonObject) : [];
  const keys = new Map<string, InviteKey>();
  for (const { public_key: key, key_validity_url: url } of [content, ...more]) {
    if (typeof key !== "string" || keys.has(key)) continue;
    keys.set(key, { key, validityUrl: typeof url === "string" ? url : undefined });
  }
  return [...keys.values()];
}

/** Signatures by whatever server and key id. */
function signaturesIn(signatures: Json | undefined): string[] {
  if (!isJsonObject(signatures)) return [];
  const all: string[] = [];
  for (const server of Object.keys(signatures)) {
    for (const keyId of signingKeyIds(signatures, server)) {
      const signature = signatureOf(signatures, server, keyId);
      if (signature !== undefined) all.push(signature);
      if (all.length === MAX_TRIED) return all;
    }
  }
  return all;
}

/** undefined: it is no ed25519 key. */
function verifyKeyOf(text: string): VerifyKey | undefined {
  try {
    return verifyKeyFromBase64(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
