/** A room in which events relate to others; carol ignores somebody. */
import { afterEach, beforeEach } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor, CreateRoomOptions } from "../../../src/rooms/index.ts";
import type { Body } from "../../support/user.ts";
import { openWorld } from "../support/servers.ts";

/** Whom carol ignores. */
export const ignored = new Set<string>();
const world = openWorld();

export const hq = await world.server("hq.test", {
  ignoredBy: async (userId) => (userId === "@carol:hq.test" ? ignored : new Set()),
});

export const [alice, bob, carol] = [hq.user("alice"), hq.user("bob"), hq.user("carol")];
export let roomId: RoomId;

/** A new room of alice's, in which events relate from now on. */
export async function openRoom(options: CreateRoomOptions): Promise<void> {
  roomId = await hq.rooms.create.room(alice, options);
}

beforeEach(async () => {
  await openRoom({ preset: "public_chat" });
  for (const by of [bob, carol]) await hq.rooms.members.join({ by, room: roomId });
});

afterEach(() => ignored.clear());

interface Said {
  readonly by?: Actor;
  readonly type?: string;
  readonly rel?: string;
  readonly to?: EventId;
  readonly more?: JsonObject;
  readonly ts?: number;
}

export function say(body: string, { by = alice, rel, to, more = {}, ts, ...said }: Said = {}) {
  const relation: JsonObject = to ? { "m.relates_to": { rel_type: rel!, event_id: to } } : {};
  const content = { body, ...more, ...relation };
  const type = said.type ?? "m.room.message";
  return hq.rooms.send.message({ by, roomId, type, content, originServerTs: ts });
}

export const edit = (to: EventId, body: string, said: Said = {}) =>
  say(`* ${body}`, { more: { "m.new_content": { body } }, ...said, rel: "m.replace", to });

export const event = async (eventId: EventId, by: Actor = alice): Promise<Body> =>
  JSON.parse(await hq.rooms.history.event(by, roomId, eventId));

export const relationsOf = async (eventId: EventId, by?: Actor): Promise<Body> =>
  (await event(eventId, by)).unsigned["m.relations"];
