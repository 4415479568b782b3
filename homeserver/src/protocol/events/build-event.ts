import { sha256Base64, sha256Base64Url, signText, type SigningKey } from "../crypto.ts";
import { errors, Rejection } from "../errors.ts";
import { byteLengthExceeds, eventIdOf, RoomEvent } from "./event.ts";
import { contentHashText, membersOf, signedEventText, wholeText } from "./event-text.ts";
import type { EventId } from "../identifiers.ts";
import { JsonError, type JsonObject } from "../json.ts";
import { checkPdu, type EventReference, MAX_PDU_BYTES, type Pdu } from "./pdu.ts";
import type { RoomVersion } from "../room-versions.ts";
import { STICKY, stickyObject } from "./sticky.ts";
import { withSignature } from "../signed-json.ts";

/** An event that is still to be hashed and signed. */
export interface EventDraft {
  /** Left out for the create event of a version whose room ids are hashes. */
  readonly roomId?: string;
  readonly type: string;
  readonly stateKey?: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly depth: number;
  /** Milliseconds since 1970. */
  readonly originServerTs: number;
  readonly prevEventIds: readonly string[];
  readonly authEventIds: readonly string[];
  /** Written where the version keeps it: at the top level, or in the content. */
  readonly redacts?: string;
  readonly unsigned?: JsonObject;
  /** For how many ms it is sticky (MSC4354). */
  readonly stickyMs?: number;
  /** Versions 1 and 2: the reference hashes to quote beside prev and auth event ids. */
  readonly referenceHashes?: ReadonlyMap<string, string>;
}

/**
 * The event that the draft describes: hashed, signed by this server, with its id. Throws
 * MatrixError M_TOO_LARGE for events over 65,536 bytes and keys over 255, M_BAD_JSON for content
 * that canonical JSON forbids. (Server-server API, "Adding hashes and signatures".)
 */
export function buildEvent(
  draft: EventDraft,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): RoomEvent {
  return seal(draftPdu(draft, version), version, serverName, key);
}

/** The PDU without hashes and signatures, as make_join and its like answer it. */
export function draftPdu(draft: EventDraft, version: RoomVersion): JsonObject {
  const pdu: JsonObject = {
    auth_events: references(draft.authEventIds, draft, version),
    content: draft.content,
    depth: draft.depth,
    origin_server_ts: draft.originServerTs,
    prev_events: references(draft.prevEventIds, draft, version),
  };
  if (draft.redacts !== undefined) {
    if (version.redactsInContent) pdu.content = { ...draft.content, redacts: draft.redacts };
    else pdu.redacts = draft.redacts;
  }
  if (draft.roomId !== undefined) pdu.room_id = draft.roomId;
  pdu.sender = draft.sender;
  if (draft.stateKey !== undefined) pdu.state_key = draft.stateKey;
  pdu.type = draft.type;
  if (draft.stickyMs !== undefined) pdu[STICKY] = stickyObject(draft.stickyMs);
  if (draft.unsigned !== undefined) pdu.unsigned = draft.unsigned;
  return pdu;
}

/**
 * Hashes and signs a PDU without seals, our own draft or a peer's template (hashes, signatures and,
 * where ids are hashes, event_id in it are dropped). Throws as buildEvent, and M_BAD_JSON when a
 * template has the wrong shape.
 */
export function signPdu(
  template: JsonObject,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): RoomEvent {
  const { hashes: _hashes, signatures: _signatures, event_id: _eventId, ...rest } = template;
  return seal(rest, version, serverName, key);
}

/** The same event with one more signature; its id stays. */
export function addSignature(event: RoomEvent, serverName: string, key: SigningKey): RoomEvent {
  const signature = signText(event.signedText(), key);
  return bearing(event, serverName, key.keyId, signature);
}

/**
 * The same event with a signature that another server made; M_TOO_LARGE when it would pass 65,536
 * bytes.
 */
export function addForeignSignature(
  event: RoomEvent,
  serverName: string,
  keyId: string,
  signature: string,
): RoomEvent {
  const signed = bearing(event, serverName, keyId, signature);
  if (byteLengthExceeds(signed.json(), MAX_PDU_BYTES)) {
    throw errors.tooLarge(`The event has over ${MAX_PDU_BYTES} bytes`);
  }
  return signed;
}

/**
 * The same event with the signatures of a copy besides its own; undefined when it would pass 65,536
 * bytes.
 */
export function addSignaturesOf(event: RoomEvent, copy: RoomEvent): RoomEvent | undefined {
  const signatures = { ...copy.pdu.signatures, ...event.pdu.signatures };
  const known = { signedText: event.signedText() };
  const signed = new RoomEvent({ ...event.pdu, signatures }, event.version, event.eventId, known);
  return byteLengthExceeds(signed.json(), MAX_PDU_BYTES) ? undefined : signed;
}

function bearing(event: RoomEvent, serverName: string, keyId: string, signature: string) {
  const signatures = withSignature(event.pdu.signatures, serverName, keyId, signature);
  const known = { signedText: event.signedText() };
  return new RoomEvent({ ...event.pdu, signatures }, event.version, event.eventId, known);
}

function references(
  ids: readonly string[],
  draft: EventDraft,
  version: RoomVersion,
): EventReference[] {
  if (!version.referencesArePairs) return [...ids];
  return ids.map((id) => {
    const hash = draft.referenceHashes?.get(id);
    return [id, hash === undefined ? {} : { sha256: hash }];
  });
}

function seal(
  draft: JsonObject,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): RoomEvent {
  try {
    return hashAndSign(draft as Pdu, version, serverName, key);
  } catch (error) {
    if (error instanceof JsonError || error instanceof Rejection) {
      throw errors.badJson(error.message);
    }
    throw error;
  }
}

/** Fills in `pdu`, which nobody else holds. Each key is serialised once, for all four texts. */
function hashAndSign(
  pdu: Pdu,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): RoomEvent {
  checkLengths(pdu);
  if (version.eventIdFormat === "opaque") {
    const draftText = contentHashText(membersOf(pdu, version));
    pdu.event_id = `$${sha256Base64Url(draftText)}:${serverName}`;
  }
  const members = membersOf(pdu, version);
  pdu.hashes = { sha256: sha256Base64(contentHashText(members)) };
  insert(members, "hashes", `{"sha256":"${pdu.hashes.sha256 as string}"}`);
  const signedText = signedEventText(members, pdu, version);
  pdu.signatures = { [serverName]: { [key.keyId]: signText(signedText, key) } };
  checkPdu(pdu, version);
  insert(members, "signatures", JSON.stringify(pdu.signatures));
  const json = wholeText(members);
  if (byteLengthExceeds(json, MAX_PDU_BYTES)) {
    throw errors.tooLarge(`The event has over ${MAX_PDU_BYTES} bytes`);
  }
  const eventId: EventId = eventIdOf(pdu, version, signedText);
  return new RoomEvent(pdu, version, eventId, { json, signedText, contentHashMatches: true });
}

function checkLengths(pdu: Pdu): void {
  for (const key of ["type", "state_key", "sender", "room_id"] as const) {
    const value = pdu[key];
    if (typeof value === "string" && byteLengthExceeds(value, 255)) {
      throw errors.tooLarge(`${key} has over 255 bytes`);
    }
  }
}

/** Inserts a key at its canonical position. */
function insert(members: { key: string; text: string }[], key: string, text: string): void {
  let at = 0;
  while (at < members.length && (members[at] as { key: string }).key < key) at++;
  members.splice(at, 0, { key, text });
}
