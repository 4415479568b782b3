import { isJsonObject, type JsonObject } from "../json.ts";
import type { RoomVersion } from "../room-versions.ts";

/** What the selection depends on; every RoomEvent is one, and so is a draft. */
export interface SelectingEvent {
  readonly type: string;
  readonly stateKey?: string | undefined;
  readonly sender: string;
  readonly content: JsonObject;
}

export type StateKeyPair = readonly [type: string, stateKey: string];

/**
 * (type, state key) of the state events that an event's `auth_events` name, as far as the room has
 * them; without duplicates. Empty for m.room.create. From version 12 the create event is not among
 * them, though authorising needs it: the room's id names it. (Server-server API, "Auth events
 * selection".)
 */
export function authTypesFor(event: SelectingEvent, version: RoomVersion): StateKeyPair[] {
  if (event.type === "m.room.create") return [];
  const pairs: StateKeyPair[] = version.createInAuthEvents ? [["m.room.create", ""]] : [];
  pairs.push(["m.room.power_levels", ""], ["m.room.member", event.sender]);
  if (event.type === "m.room.member") pairs.push(...memberTypesFor(event, version));
  return pairs;
}

function memberTypesFor(event: SelectingEvent, version: RoomVersion): StateKeyPair[] {
  const { membership, join_authorised_via_users_server: authorisingUser } = event.content;
  const users = new Set<string>();
  if (event.stateKey !== undefined) users.add(event.stateKey);
  if (version.restrictedJoins && membership === "join" && typeof authorisingUser === "string") {
    users.add(authorisingUser);
  }
  users.delete(event.sender);
  const pairs = [...users].map((userId): StateKeyPair => ["m.room.member", userId]);
  if (membership === "join" || membership === "invite" || membership === "knock") {
    pairs.push(["m.room.join_rules", ""]);
  }
  const token = membership === "invite" ? thirdPartyToken(event.content) : undefined;
  if (token !== undefined) pairs.push(["m.room.third_party_invite", token]);
  return pairs;
}

/** `third_party_invite.signed.token` of a member event's content, when it is a string. */
function thirdPartyToken(content: JsonObject): string | undefined {
  const invite = content.third_party_invite;
  const signed = isJsonObject(invite) ? invite.signed : undefined;
  const token = isJsonObject(signed) ? signed.token : undefined;
  return typeof token === "string" ? token : undefined;
}
