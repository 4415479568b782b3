import { createHash, randomBytes } from "node:crypto";
import { base64, base64url, canonicalJson, asText, without } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import type { RoomVersion } from "./room-versions.ts";
import { signJson, verifyJson } from "./signing.ts";
import type { SigningKey } from "./signing.ts";

/** An event as servers exchange it. */
export interface Pdu extends JsonObject {
  type: string;
  sender: string;
  room_id?: string;
  state_key?: string;
  event_id?: string;
  content: JsonObject;
  depth: number;
  origin_server_ts: number;
  prev_events: Json[];
  auth_events: Json[];
  hashes?: JsonObject;
  signatures?: JsonObject;
}

const TOP_LEVEL = [
  ...["event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures"],
  ...["depth", "prev_events", "auth_events", "origin_server_ts"],
];

/** What is left of an event when it is redacted. ("Redactions", room versions.) */
export function redact(pdu: JsonObject, version: RoomVersion): JsonObject {
  const kept = version.redactsV11
    ? TOP_LEVEL
    : [...TOP_LEVEL, "prev_state", "origin", "membership"];
  const result = pick(pdu, kept);
  result["content"] = redactContent(asText(pdu["type"]), pdu["content"] as JsonObject, version);
  return result;
}

function redactContent(type: string, content: JsonObject, version: RoomVersion): JsonObject {
  switch (type) {
    case "m.room.member": {
      const kept = pick(content, ["membership"]);
      if (version.protectsAuthorisingUser) {
        Object.assign(kept, pick(content, ["join_authorised_via_users_server"]));
      }
      const invite = content["third_party_invite"] as JsonObject | undefined;
      if (version.redactsV11 && invite?.["signed"] !== undefined) {
        kept["third_party_invite"] = { signed: invite["signed"] };
      }
      return kept;
    }
    case "m.room.create":
      return version.redactsV11 ? content : pick(content, ["creator"]);
    case "m.room.join_rules":
      return pick(content, version.protectsAllow ? ["join_rule", "allow"] : ["join_rule"]);
    case "m.room.power_levels": {
      const levels = ["ban", "events", "events_default", "kick", "redact", "state_default"];
      const more = version.redactsV11 ? ["invite"] : [];
      return pick(content, [...levels, "users", "users_default", ...more]);
    }
    case "m.room.aliases":
      return version.protectsAliases ? pick(content, ["aliases"]) : {};
    case "m.room.history_visibility":
      return pick(content, ["history_visibility"]);
    case "m.room.redaction":
      return version.redactsV11 ? pick(content, ["redacts"]) : {};
    default:
      return {};
  }
}

function pick(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key)));
}

/** The hash under `hashes.sha256`. ("Calculating the content hash for an event", server API.) */
export function contentHash(pdu: JsonObject): string {
  return base64(sha256(canonicalJson(without(pdu, "unsigned", "signatures", "hashes"))));
}

/** The hash that names an event from room version 3 on. ("Calculating the reference hash".) */
function referenceHash(pdu: JsonObject, version: RoomVersion): Uint8Array {
  return sha256(canonicalJson(without(redact(pdu, version), "signatures", "age_ts", "unsigned")));
}

export function eventIdOf(pdu: JsonObject, version: RoomVersion): string {
  if (version.namesEvents) return asText(pdu["event_id"]);
  const hash = referenceHash(pdu, version);
  return `$${version.urlSafeIds ? base64url(hash) : base64(hash)}`;
}

export function roomIdOf(pdu: JsonObject, version: RoomVersion): string {
  if (version.roomIsCreateEvent && pdu["type"] === "m.room.create") {
    return `!${eventIdOf(pdu, version).slice(1)}`;
  }
  return asText(pdu["room_id"]);
}

/** How one event refers to another in prev_events and auth_events. */
export function referenceTo(pdu: JsonObject, version: RoomVersion): Json {
  if (!version.namesEvents) return eventIdOf(pdu, version);
  return [asText(pdu["event_id"]), { sha256: base64(referenceHash(pdu, version)) }];
}

/** The ids in prev_events or auth_events, of whichever format. */
export function referredIds(references: unknown): string[] {
  return ((references ?? []) as Json[]).map((reference) =>
    asText(Array.isArray(reference) ? reference[0] : reference),
  );
}

/** Hashes and signs an event as one of that server. */
export function signEvent(
  pdu: JsonObject,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): Pdu {
  const named =
    version.namesEvents && pdu["event_id"] === undefined
      ? { ...pdu, event_id: `$${randomBytes(12).toString("hex")}:${serverName}` }
      : pdu;
  const hashed = { ...named, hashes: { sha256: contentHash(named) } };
  return addSignature(hashed, version, serverName, key);
}

/** Adds a server's signature to a hashed event. */
export function addSignature(
  pdu: JsonObject,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): Pdu {
  const signed = signJson(redact(pdu, version), serverName, key);
  return { ...pdu, signatures: signed["signatures"] } as Pdu;
}

export function eventSignatureIsGood(
  pdu: JsonObject,
  version: RoomVersion,
  serverName: string,
  keys: ReadonlyMap<string, string>,
): boolean {
  const signatures = (pdu["signatures"] as JsonObject | undefined)?.[serverName];
  return Object.keys((signatures ?? {}) as JsonObject).some((keyId) => {
    const publicKey = keys.get(keyId);
    return (
      publicKey !== undefined && verifyJson(redact(pdu, version), serverName, keyId, publicKey)
    );
  });
}

export function serverOf(userId: string): string {
  return userId.slice(userId.indexOf(":") + 1);
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
