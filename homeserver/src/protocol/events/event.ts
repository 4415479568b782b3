import { decodeBase64, encodeBase64, sha256Base64, sha256Base64Url } from "../crypto.ts";
import { Rejection } from "../errors.ts";
import { contentHashText, membersOf, signedEventText, wholeText } from "./event-text.ts";
import {
  type EventId,
  isEventId,
  type RoomId,
  roomIdOfCreateEvent,
  type UserId,
} from "../identifiers.ts";
import {
  forbiddenIn,
  isJsonObject,
  type Json,
  JsonError,
  type JsonObject,
  numberOf,
  parseLoose,
} from "../json.ts";
import { checkPdu, MAX_PDU_BYTES, type Pdu, referencedIds } from "./pdu.ts";
import { redactPdu } from "./redact.ts";
import type { RoomVersion } from "../room-versions.ts";

export type { Pdu } from "./pdu.ts";

/** Texts that are known already when an event is made. */
export interface KnownTexts {
  readonly json?: string;
  readonly signedText?: string;
  readonly contentHashMatches?: boolean;
}

/** An event of a room: the PDU with its id, immutable. */
export class RoomEvent {
  readonly eventId: EventId;
  readonly roomId: RoomId;
  readonly type: string;
  /** undefined for message events. */
  readonly stateKey: string | undefined;
  readonly sender: UserId;
  readonly content: JsonObject;
  readonly depth: number;
  /** Milliseconds since 1970, as the sender's server claims. */
  readonly originServerTs: number;
  readonly prevEventIds: readonly EventId[];
  readonly authEventIds: readonly EventId[];
  readonly pdu: Pdu;
  readonly version: RoomVersion;
  #json: string | undefined;
  #signedText: string | undefined;
  #contentHashMatches: boolean | undefined;

  /** `pdu` has been checked (`checkPdu`); use parsePdu, eventFromStored or buildEvent. */
  constructor(pdu: Pdu, version: RoomVersion, eventId: EventId, known: KnownTexts = {}) {
    this.eventId = eventId;
    this.roomId =
      pdu.room_id === undefined ? roomIdOfCreateEvent(eventId) : (pdu.room_id as RoomId);
    this.type = pdu.type;
    this.stateKey = pdu.state_key;
    this.sender = pdu.sender as UserId;
    this.content = pdu.content;
    this.depth = Math.min(numberOf(pdu.depth) ?? 0, Number.MAX_SAFE_INTEGER);
    this.originServerTs = numberOf(pdu.origin_server_ts) ?? 0;
    this.prevEventIds = referencedIds(pdu.prev_events) as EventId[];
    this.authEventIds = referencedIds(pdu.auth_events) as EventId[];
    this.pdu = pdu;
    this.version = version;
    this.#json = known.json;
    this.#signedText = known.signedText;
    this.#contentHashMatches = known.contentHashMatches;
  }

  /** What a m.room.redaction event redacts, wherever the version keeps it. */
  get redacts(): EventId | undefined {
    if (this.type !== "m.room.redaction") return undefined;
    const target = this.version.redactsInContent ? this.content.redacts : this.pdu.redacts;
    return isEventId(target) ? target : undefined;
  }

  /** True for state events. */
  get isState(): boolean {
    return this.stateKey !== undefined;
  }

  /** Canonical text of the PDU without `unsigned`: what is stored and sent to peers. */
  json(): string {
    this.#json ??= wholeText(membersOf(this.pdu, this.version));
    return this.#json;
  }

  /** The redacted event without signatures: what signatures and the reference hash cover. */
  signedText(): string {
    this.#signedText ??= signedEventText(membersOf(this.pdu, this.version), this.pdu, this.version);
    return this.#signedText;
  }

  /** Whether `hashes.sha256` is the hash of the whole event. */
  contentHashMatches(): boolean {
    this.#contentHashMatches ??= claims(
      this.pdu,
      sha256Base64(contentHashText(membersOf(this.pdu, this.version))),
    );
    return this.#contentHashMatches;
  }
}

/**
 * A PDU from a peer as an event: shape, sizes and canonical JSON are checked, the id is calculated.
 * Hashes, signatures and authorisation are not checked here. Throws Rejection.
 */
export function parsePdu(value: Json, version: RoomVersion): RoomEvent {
  checkPdu(value, version);
  const reason = version.strictCanonicalJson ? forbiddenIn(value) : undefined;
  if (reason !== undefined) throw new Rejection(`not canonical JSON: ${reason}`);
  try {
    const members = membersOf(value, version);
    const json = wholeText(members);
    if (byteLengthExceeds(json, MAX_PDU_BYTES)) {
      throw new Rejection(`the event has over ${MAX_PDU_BYTES} bytes`);
    }
    const signedText = signedEventText(members, value, version);
    const matches = claims(value, sha256Base64(contentHashText(members)));
    const eventId = eventIdOf(value, version, signedText);
    return new RoomEvent(value, version, eventId, {
      json,
      signedText,
      contentHashMatches: matches,
    });
  } catch (error) {
    if (error instanceof JsonError) throw new Rejection(`not canonical JSON: ${error.message}`);
    throw error;
  }
}

/**
 * The id of a PDU that parsePdu refuses, by which its sender is answered; undefined for what has
 * none, since it is too misshapen to be hashed.
 */
export function idOfRefused(value: Json, version: RoomVersion): EventId | undefined {
  if (!isJsonObject(value)) return undefined;
  if (version.eventIdFormat === "opaque")
    return isEventId(value.event_id) ? value.event_id : undefined;
  if (typeof value.type !== "string" || !isJsonObject(value.content)) return undefined;
  const tolerant = { ...version, strictCanonicalJson: false };
  try {
    const pdu = value as Pdu;
    return eventIdOf(pdu, version, signedEventText(membersOf(pdu, tolerant), pdu, tolerant));
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** An event that storage holds: `json` is trusted, `eventId` is not calculated again. */
export function eventFromStored(json: string, version: RoomVersion, eventId: EventId): RoomEvent {
  const pdu = version.strictCanonicalJson ? (JSON.parse(json) as Json) : parseLoose(json);
  return new RoomEvent(pdu as Pdu, version, eventId, { json });
}

/** The event as a redaction leaves it; it keeps its id. */
export function redactEvent(event: RoomEvent): RoomEvent {
  return new RoomEvent(redactPdu(event.pdu, event.version), event.version, event.eventId);
}

/** The reference hash as unpadded standard base64, as room versions 1 and 2 quote it. */
export function referenceHash(event: RoomEvent): string {
  return sha256Base64(event.signedText());
}

/** The event's id: what the PDU says in versions 1 and 2, later its reference hash. */
export function eventIdOf(pdu: Pdu, version: RoomVersion, signedText: string): EventId {
  switch (version.eventIdFormat) {
    case "opaque":
      return pdu.event_id as EventId;
    case "base64":
      return `$${sha256Base64(signedText)}` as EventId;
    case "base64url":
      return `$${sha256Base64Url(signedText)}` as EventId;
  }
}

/** True when the text is longer than `limit` in UTF-8. */
export function byteLengthExceeds(text: string, limit: number): boolean {
  return text.length * 3 > limit && Buffer.byteLength(text) > limit;
}

/** Whether the PDU claims that content hash; bytes count, not how base64 writes them. */
function claims(pdu: Pdu, contentHash: string): boolean {
  if (pdu.hashes.sha256 === contentHash) return true;
  const claimed = decodeBase64(pdu.hashes.sha256);
  return claimed !== undefined && encodeBase64(claimed) === contentHash;
}
