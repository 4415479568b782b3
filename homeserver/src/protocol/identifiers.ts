import { errors } from "./errors.ts";

declare const userId: unique symbol;
declare const roomId: unique symbol;
declare const eventId: unique symbol;
declare const roomAlias: unique symbol;
declare const serverName: unique symbol;

export type UserId = string & { readonly [userId]: true };
export type RoomId = string & { readonly [roomId]: true };
export type EventId = string & { readonly [eventId]: true };
export type RoomAlias = string & { readonly [roomAlias]: true };
export type ServerName = string & { readonly [serverName]: true };

/** Identifiers, event types and state keys are at most this long in UTF-8. */
export const MAX_ID_BYTES = 255;

const DNS_NAME = /^[0-9A-Za-z.-]{1,255}$/;
const IPV6 = /^\[[0-9A-Fa-f:.]{2,45}\]$/;
const PORT = /^[0-9]{1,5}$/;
const STRICT_LOCALPART = /^[a-z0-9._=/+-]+$/;
const HASH = /^[A-Za-z0-9_-]{43}$/;

/** True when `text` fits the server name grammar (appendices, "Server name"). */
export function isServerName(text: unknown): text is ServerName {
  if (typeof text !== "string" || text.length === 0 || text.length > MAX_ID_BYTES) return false;
  const portAt = text.startsWith("[") ? text.indexOf("]") + 1 : text.indexOf(":");
  if (portAt === 0 && text.startsWith("[")) return false;
  const host = portAt < 0 ? text : text.slice(0, portAt);
  const rest = portAt < 0 ? "" : text.slice(portAt);
  if (rest !== "" && !(rest.startsWith(":") && PORT.test(rest.slice(1)))) return false;
  if (host.startsWith("[")) return IPV6.test(host);
  return DNS_NAME.test(host) && isUsableIPv4(host);
}

/** Four dotted decimal numbers must each be at most 255; other names pass. */
function isUsableIPv4(host: string): boolean {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host);
  return octets === null || octets.slice(1).every((octet) => Number(octet) <= 255);
}

/** True when `text` is within the 255 bytes that identifiers may have. */
export function fitsIdLength(text: string): boolean {
  if (text.length > MAX_ID_BYTES) return false;
  return text.length * 3 <= MAX_ID_BYTES || Buffer.byteLength(text) <= MAX_ID_BYTES;
}

function isLocalAndDomain(text: string, sigil: string): boolean {
  if (!text.startsWith(sigil) || !fitsIdLength(text)) return false;
  const colon = text.indexOf(":");
  return (
    colon > 0 && !text.includes("\0") && text.isWellFormed() && isServerName(text.slice(colon + 1))
  );
}

/**
 * True for user ids of the historical grammar: any localpart without ":" and NUL, also an empty
 * one.
 */
export function isUserId(text: unknown): text is UserId {
  return typeof text === "string" && isLocalAndDomain(text, "@");
}

/** True for "!opaque:domain" and for the 43 character hash form of room version 12. */
export function isRoomId(text: unknown): text is RoomId {
  if (typeof text !== "string" || !text.startsWith("!")) return false;
  return HASH.test(text.slice(1)) || isLocalAndDomain(text, "!");
}

/** True for any event id: they are opaque, with a domain in room versions 1 and 2 only. */
export function isEventId(text: unknown): text is EventId {
  return (
    typeof text === "string" &&
    text.length > 1 &&
    text.startsWith("$") &&
    fitsIdLength(text) &&
    !text.includes("\0") &&
    text.isWellFormed()
  );
}

/** True for "#localpart:domain". */
export function isRoomAlias(text: unknown): text is RoomAlias {
  return typeof text === "string" && isLocalAndDomain(text, "#") && text.indexOf(":") > 1;
}

/** True for localparts that new accounts may have: lower-case letters, digits and `._=-/+`. */
export function strictLocalpart(text: string): boolean {
  return STRICT_LOCALPART.test(text);
}

/** The user id, historical grammar accepted; throws M_INVALID_PARAM. */
export function parseUserId(text: unknown): UserId {
  if (isUserId(text)) return text;
  throw errors.invalidParam("Not a user id");
}

/** The room id; throws M_INVALID_PARAM. */
export function parseRoomId(text: unknown): RoomId {
  if (isRoomId(text)) return text;
  throw errors.invalidParam("Not a room id");
}

/** The event id; throws M_INVALID_PARAM. */
export function parseEventId(text: unknown): EventId {
  if (isEventId(text)) return text;
  throw errors.invalidParam("Not an event id");
}

/** The room alias; throws M_INVALID_PARAM. */
export function parseRoomAlias(text: unknown): RoomAlias {
  if (isRoomAlias(text)) return text;
  throw errors.invalidParam("Not a room alias");
}

/** The server name; throws M_INVALID_PARAM. */
export function parseServerName(text: unknown): ServerName {
  if (isServerName(text)) return text;
  throw errors.invalidParam("Not a server name");
}

/** `@localpart:server`; throws M_INVALID_PARAM when that is no user id. */
export function makeUserId(localpart: string, server: ServerName): UserId {
  if (localpart.includes(":")) throw errors.invalidParam("Not a localpart");
  return parseUserId(`@${localpart}:${server}`);
}

/** The server that a user or an alias belongs to. */
export function serverOf(id: UserId | RoomAlias): ServerName {
  return id.slice(id.indexOf(":") + 1) as ServerName;
}

/** What stands between "@" and the first ":". */
export function localpartOf(id: UserId): string {
  return id.slice(1, id.indexOf(":"));
}

/** The server in a room id; undefined for those of room version 12, which have none. */
export function serverOfRoomId(id: RoomId): ServerName | undefined {
  const colon = id.indexOf(":");
  return colon < 0 ? undefined : (id.slice(colon + 1) as ServerName);
}

/** The server in an event id of room versions 1 and 2; undefined for hashes. */
export function serverOfEventId(id: EventId): ServerName | undefined {
  const colon = id.indexOf(":");
  return colon < 0 ? undefined : (id.slice(colon + 1) as ServerName);
}

/** The id of the room whose create event this is (room version 12 and later). */
export function roomIdOfCreateEvent(id: EventId): RoomId {
  return `!${id.slice(1)}` as RoomId;
}

/** The id of the create event that a room id of version 12 names. */
export function createEventIdOf(id: RoomId): EventId {
  return `$${id.slice(1)}` as EventId;
}

/** A key for a device in maps: neither a user nor a device has a NUL in its id. */
export function deviceKey(device: { readonly userId: string; readonly deviceId: string }): string {
  return `${device.userId}\0${device.deviceId}`;
}
