import { eventIdOf, RoomEvent } from "../../src/protocol/events/event.ts";
import type { EventId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { Pdu } from "../../src/protocol/events/pdu.ts";
import type { RoomVersion } from "../../src/protocol/room-versions.ts";

/** What a test says of an event; the rest is filled in. */
export interface AbridgedEvent {
  readonly roomId: string;
  readonly type: string;
  readonly stateKey?: string | undefined;
  readonly sender: string;
  readonly content: JsonObject;
  readonly prevEvents?: readonly string[] | undefined;
  readonly authEvents?: readonly string[] | undefined;
  readonly depth?: number | undefined;
  readonly originServerTs?: number | undefined;
  readonly redacts?: string | undefined;
  /** Without it the event gets the id that its version gives it. */
  readonly eventId?: string | undefined;
}

/** The event without hashes and signatures, as the rules see it. */
export function eventFrom(abridged: AbridgedEvent, version: RoomVersion): RoomEvent {
  const references = (ids: readonly string[] = []): Pdu["prev_events"] =>
    version.referencesArePairs ? ids.map((id) => [id, {}]) : [...ids];
  const isRoot = version.roomIdIsCreateHash && abridged.type === "m.room.create";
  const pdu: Pdu = {
    type: abridged.type,
    sender: abridged.sender,
    content: abridged.content,
    prev_events: references(abridged.prevEvents),
    auth_events: references(abridged.authEvents),
    depth: abridged.depth ?? 1,
    origin_server_ts: abridged.originServerTs ?? 1,
    hashes: {},
    signatures: {},
  };
  if (!isRoot) pdu.room_id = abridged.roomId;
  if (abridged.stateKey !== undefined) pdu.state_key = abridged.stateKey;
  if (abridged.redacts !== undefined) pdu.redacts = abridged.redacts;
  if (version.eventIdFormat === "opaque" && abridged.eventId !== undefined) {
    pdu.event_id = abridged.eventId;
  }
  const placeholder = (abridged.eventId ?? "$placeholder") as EventId;
  const event = new RoomEvent(pdu, version, placeholder);
  if (abridged.eventId !== undefined) return event;
  return new RoomEvent(pdu, version, eventIdOf(pdu, version, event.signedText()));
}
