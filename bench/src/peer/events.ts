import { type KeyObject, createHash, generateKeyPairSync, sign } from "node:crypto";

/** The fake peer's own signing, sharing no code with the server that it talks to. */
export interface PeerKey {
  /** `ed25519:…` */
  readonly id: string;
  readonly privateKey: KeyObject;
  /** Unpadded base64. */
  readonly publicKey: string;
}

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type ValueObject = { [key: string]: Value };

export function newKey(): PeerKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return { id: "ed25519:bench", privateKey, publicKey: unpadded(raw) };
}

/** Canonical JSON; enough for what the bench writes: no astral characters in keys, no undefined. */
export function canonical(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key]!)}`);
  return `{${members.join(",")}}`;
}

/** Signature of a text, unpadded base64. */
export function signature(text: string, key: PeerKey): string {
  return unpadded(sign(null, Buffer.from(text), key.privateKey));
}

/** The object with the server's only signature. */
export function signed(object: ValueObject, server: string, key: PeerKey): ValueObject {
  const { signatures: _signatures, unsigned: _unsigned, ...covered } = object;
  return { ...object, signatures: { [server]: { [key.id]: signature(canonical(covered), key) } } };
}

export interface SealedEvent {
  readonly id: string;
  readonly pdu: ValueObject;
}

/** Top-level keys that a redaction keeps in room versions 11 and 12. */
const KEPT = [
  "event_id",
  "type",
  "room_id",
  "sender",
  "state_key",
  "content",
  "hashes",
  "depth",
  "prev_events",
  "auth_events",
  "origin_server_ts",
];
const KEPT_OF_MEMBERSHIP = ["membership", "join_authorised_via_users_server"];

/** Hashes and signs an event of room version 11 or 12: a create, power levels, join rules, a membership, or what keeps no content. */
export function seal(template: ValueObject, server: string, key: PeerKey): SealedEvent {
  const { hashes: _h, signatures: _s, unsigned: _u, event_id: _e, ...rest } = template;
  const hashed: ValueObject = { ...rest, hashes: { sha256: unpadded(sha256(canonical(rest))) } };
  const redacted: ValueObject = {};
  for (const name of KEPT) if (hashed[name] !== undefined) redacted[name] = hashed[name];
  redacted["content"] = keptContentOfState(hashed);
  // Signature and reference hash cover the same text: the redacted event without signatures.
  const text = canonical(redacted);
  const pdu = { ...hashed, signatures: { [server]: { [key.id]: signature(text, key) } } };
  return { id: `$${sha256(text).toString("base64url")}`, pdu };
}

function keptContent({ type, content }: ValueObject): ValueObject {
  if (type !== "m.room.member") return {};
  const all = content as ValueObject;
  return Object.fromEntries(
    KEPT_OF_MEMBERSHIP.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
  );
}

/** The id of someone else's event of room version 11 or 12 that is a create, power levels, join rules or join. */
export function idOf(event: ValueObject): string {
  const redacted: ValueObject = {};
  for (const name of KEPT) if (event[name] !== undefined) redacted[name] = event[name];
  redacted["content"] = keptContentOfState(event);
  return `$${sha256(canonical(redacted)).toString("base64url")}`;
}

const KEPT_LEVELS = [
  "ban",
  "events",
  "events_default",
  "invite",
  "kick",
  "redact",
  "state_default",
  "users",
  "users_default",
];

const KEPT_OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  "m.room.power_levels": KEPT_LEVELS,
  "m.room.join_rules": ["join_rule", "allow"],
};

function keptContentOfState(event: ValueObject): ValueObject {
  const content = event["content"] as ValueObject;
  if (event["type"] === "m.room.create") return content;
  const kept = KEPT_OF_TYPE[event["type"] as string];
  if (kept === undefined) return keptContent(event);
  return Object.fromEntries(
    kept.flatMap((name) => (content[name] === undefined ? [] : [[name, content[name]]])),
  );
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
