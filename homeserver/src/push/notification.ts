/** What a push gateway is told. (Push Gateway API, POST /_matrix/push/v1/notify.) */
import type { RequestBody } from "@weft/spec/types";
import type { JsonObject } from "../protocol/json.ts";
import type { PushOutcome } from "../protocol/push/push-rules.ts";
import type { RoomView, StoredEvent } from "../rooms/api/index.ts";
import type { EventPart, Item, NotificationAbout, PusherState } from "./types.ts";

type Notification = RequestBody<"notify">["notification"];

const NAME = "m.room.name";
const ALIAS = "m.room.canonical_alias";

/** Everything that may be said of an event to its user. */
export async function eventPart(
  view: Pick<RoomView, "stateEventsAt" | "strippedState">,
  item: Item,
  { event, roomState, stateAfter }: StoredEvent,
): Promise<EventPart> {
  const { userId, room } = item;
  const member = ["m.room.member", event.sender] as const;
  const of = item.isInvite
    ? inStripped(await view.strippedState(room.nid, userId))
    : inState(await view.stateEventsAt(roomState ?? stateAfter, [[NAME, ""], [ALIAS, ""], member]));
  const isMember = event.type === "m.room.member" && event.stateKey !== undefined;
  return {
    event_id: event.eventId,
    room_id: room.roomId,
    type: event.type,
    sender: event.sender,
    ...textUnder("sender_display_name", of(...member)?.displayname),
    ...textUnder("room_name", of(NAME, "")?.name),
    ...textUnder("room_alias", of(ALIAS, "")?.alias),
    ...(isMember && { user_is_target: event.stateKey === userId }),
    ...(isMember && textUnder("membership", event.content.membership)),
    prio: priorityOf(event.type, item.outcome),
    content: event.content,
  };
}

type ContentOf = (type: string, stateKey: string) => JsonObject | undefined;

function inState(state: readonly StoredEvent[]): ContentOf {
  return (type, stateKey) =>
    state.find(({ event }) => event.type === type && event.stateKey === stateKey)?.event.content;
}

function inStripped(state: readonly JsonObject[]): ContentOf {
  return (type, stateKey) => {
    const found = state.find((event) => event.type === type && event.state_key === stateKey);
    return found?.content as JsonObject | undefined;
  };
}

function textUnder<K extends string>(key: K, value: unknown): { [key in K]?: string } {
  return (typeof value === "string" && value !== "" ? { [key]: value } : {}) as {
    [key in K]?: string;
  };
}

/** What is heard or highlighted wakes a device, and what only the device can read. */
function priorityOf(type: string, { highlight, sound }: PushOutcome): "high" | "low" {
  return highlight || sound !== undefined || type === "m.room.encrypted" ? "high" : "low";
}

/**
 * A notification for one pusher: JSON text. Without an event it tells the count alone, also one of
 * 0, by which gateways clear it. `unread` undefined: it is not known.
 */
export function notificationText(
  { row }: PusherState,
  about: NotificationAbout | undefined,
  unread: number | undefined,
): string {
  const { url: _url, ...data } = JSON.parse(row.data) as JsonObject;
  const isBrief = data.format === "event_id_only";
  const device = {
    app_id: row.appId,
    pushkey: row.pushkey,
    pushkey_ts: Math.floor(row.setTs / 1_000),
    data,
    ...(about !== undefined && !isBrief && { tweaks: tweaksOf(about.outcome) }),
  };
  const notification: Notification = {
    ...partFor(about?.part, isBrief),
    ...(unread !== undefined && { counts: about !== undefined && unread === 0 ? {} : { unread } }),
    devices: [device],
  };
  return JSON.stringify({ notification });
}

/** What a pusher wants to know of an event; of none, that it is not urgent. */
export function partFor(part: EventPart | undefined, isBrief: boolean): EventPart {
  if (part === undefined) return { prio: "low" };
  if (!isBrief) return part;
  const { event_id, room_id, prio } = part;
  return { event_id, room_id, prio };
}

/** A highlight without a value is one; other tweaks without a value say nothing. */
function tweaksOf({ actions }: PushOutcome): JsonObject {
  const tweaks: JsonObject = {};
  for (const action of actions) {
    if (typeof action === "string") continue;
    const value = action.value ?? (action.set_tweak === "highlight" ? true : undefined);
    if (value !== undefined) tweaks[action.set_tweak] = value;
  }
  return tweaks;
}
