import { Rejection } from "../errors.ts";
import {
  fitsIdLength,
  isEventId,
  isRoomId,
  isServerName,
  isUserId,
  MAX_ID_BYTES,
  serverOfEventId,
} from "../identifiers.ts";
import { isInteger, isJsonObject, type Json, type JsonObject, numberOf } from "../json.ts";
import type { RoomVersion } from "../room-versions.ts";

/** A reference to another event: its id, or `[id, {sha256}]` in room versions 1 and 2. */
export type EventReference = string | [string, JsonObject];

/** An event as servers exchange it. (Rooms, "Event format" of each version.) */
export interface Pdu extends JsonObject {
  type: string;
  /** Absent in the create event of version 12 and later. */
  room_id?: string;
  sender: string;
  state_key?: string;
  content: JsonObject;
  prev_events: EventReference[];
  auth_events: EventReference[];
  depth: number;
  /** Milliseconds since 1970. */
  origin_server_ts: number;
  hashes: JsonObject;
  signatures: JsonObject;
  redacts?: string;
  unsigned?: JsonObject;
  /** Room versions 1 and 2 only. */
  event_id?: string;
}

/**
 * An event's canonical JSON, signatures included and `unsigned` not, has at most this many bytes.
 */
export const MAX_PDU_BYTES = 65_536;
const MAX_PREV_EVENTS = 20;
const MAX_AUTH_EVENTS = 10;

/**
 * Checks the shape of a PDU: types of its fields, identifiers, lengths, numbers of references.
 * Throws Rejection. (Server-server API, "PDUs" and "Checks performed on receipt of a PDU", 1.)
 */
export function checkPdu(value: Json, version: RoomVersion): asserts value is Pdu {
  if (!isJsonObject(value)) throw new Rejection("the event is not an object");
  checkKey("type", value.type, version);
  if (value.state_key !== undefined) checkKey("state_key", value.state_key, version);
  if (!isUserId(value.sender)) throw new Rejection("sender is not a user id");
  if (!isJsonObject(value.content)) throw new Rejection("content is not an object");
  checkRoomId(value, version);
  checkNumbers(value);
  checkSeals(value);
  checkReferences(value, "prev_events", MAX_PREV_EVENTS, version);
  checkReferences(value, "auth_events", MAX_AUTH_EVENTS, version);
  if (version.eventIdFormat === "opaque" && !isOpaqueEventId(value.event_id)) {
    throw new Rejection("event_id is not an event id with a server");
  }
}

/** The ids that prev_events or auth_events hold, each once. */
export function referencedIds(references: readonly EventReference[]): string[] {
  const ids = references.map((reference) =>
    typeof reference === "string" ? reference : reference[0],
  );
  return ids.length < 2 ? ids : [...new Set(ids)];
}

/**
 * Up to version 10 a key of at most 255 code points makes an event, which `checkKeyLengths` refuses
 * then.
 */
function checkKey(
  name: string,
  value: Json | undefined,
  { keysAreBytes }: RoomVersion,
): asserts value is string {
  if (typeof value !== "string") throw new Rejection(`${name} is not a string`);
  if (fitsIdLength(value) || (!keysAreBytes && fitsCodePoints(value))) return;
  throw new Rejection(`${name} has over 255 ${keysAreBytes ? "bytes" : "characters"}`);
}

function fitsCodePoints(text: string): boolean {
  return text.length <= 2 * MAX_ID_BYTES && Array.from(text).length <= MAX_ID_BYTES;
}

/**
 * The 255 bytes that a type and a state key may have; throws Rejection. (Client-server API, "Size
 * limits".)
 */
export function checkKeyLengths(event: {
  readonly type: string;
  readonly stateKey?: string | undefined;
}): void {
  if (!fitsIdLength(event.type)) throw new Rejection("type has over 255 bytes");
  if (event.stateKey === undefined || fitsIdLength(event.stateKey)) return;
  throw new Rejection("state_key has over 255 bytes");
}

function isOpaqueEventId(value: Json | undefined): boolean {
  return isEventId(value) && isServerName(serverOfEventId(value));
}

function checkRoomId(pdu: JsonObject, version: RoomVersion): void {
  if (version.roomIdIsCreateHash && pdu.type === "m.room.create" && pdu.state_key === "") {
    if (pdu.room_id !== undefined) throw new Rejection("a create event has no room_id");
    return;
  }
  if (!isRoomId(pdu.room_id) || pdu.room_id.includes(":") === version.roomIdIsCreateHash) {
    throw new Rejection("room_id is not a room id of this version");
  }
}

function checkNumbers(pdu: JsonObject): void {
  const depth = numberOf(pdu.depth);
  if (depth === undefined || !Number.isInteger(depth) || depth < 0) {
    throw new Rejection("depth is not a positive integer");
  }
  const time = numberOf(pdu.origin_server_ts);
  if (!isInteger(time)) throw new Rejection("origin_server_ts is not an integer");
}

function checkSeals(pdu: JsonObject): void {
  if (!isJsonObject(pdu.hashes) || typeof pdu.hashes.sha256 !== "string") {
    throw new Rejection("hashes has no sha256");
  }
  if (!isJsonObject(pdu.signatures)) throw new Rejection("signatures is not an object");
}

function checkReferences(
  pdu: JsonObject,
  key: "prev_events" | "auth_events",
  limit: number,
  version: RoomVersion,
): void {
  const references = pdu[key];
  if (!Array.isArray(references)) throw new Rejection(`${key} is not a list`);
  if (references.length > limit) throw new Rejection(`${key} has over ${limit} entries`);
  for (const reference of references) {
    const id = version.referencesArePairs
      ? Array.isArray(reference) && reference.length === 2 && isJsonObject(reference[1])
        ? reference[0]
        : undefined
      : reference;
    if (!isEventId(id)) throw new Rejection(`${key} holds what is not an event reference`);
  }
}
