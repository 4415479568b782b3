import type { RoomEvent } from "./event.ts";
import type { JsonObject } from "../json.ts";
import { STICKY, stickyMsOf } from "./sticky.ts";

export interface ClientEventOptions {
  /** Becomes `unsigned` unless it is empty: age, transaction_id, prev_content, relations … */
  readonly unsigned?: JsonObject;
  /** /sync leaves the room id out. */
  readonly withoutRoomId?: boolean;
}

/**
 * The event as clients get it (client-server API, "Room event format"). `redacts` stands both at
 * the top level and in the content, whichever the room version wants ("m.room.redaction").
 */
export function clientEvent(event: RoomEvent, options: ClientEventOptions = {}): JsonObject {
  const client: JsonObject = {
    content: event.content,
    event_id: event.eventId,
    origin_server_ts: event.originServerTs,
  };
  if (!options.withoutRoomId) client.room_id = event.roomId;
  client.sender = event.sender;
  if (event.stateKey !== undefined) client.state_key = event.stateKey;
  client.type = event.type;
  if (stickyMsOf(event) !== undefined) client[STICKY] = event.pdu[STICKY] as JsonObject;
  const redacts = event.redacts;
  if (redacts !== undefined) {
    client.redacts = redacts;
    client.content = { ...event.content, redacts };
  }
  const unsigned = options.unsigned;
  if (unsigned !== undefined && Object.keys(unsigned).length > 0) client.unsigned = unsigned;
  return client;
}

/**
 * Stripped state: what people who are not in the room see of it (client-server API, "Stripped
 * state").
 */
export function strippedState(event: RoomEvent): JsonObject {
  return {
    content: event.content,
    sender: event.sender,
    state_key: event.stateKey ?? "",
    type: event.type,
  };
}
