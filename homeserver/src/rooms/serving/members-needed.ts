/** Which member events a join's answer holds when the joining server omits the others. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import { firstMembers } from "../../storage/rooms/members.ts";
import type { RoomStore } from "../state/store.ts";
import type { StateKey } from "../state/tuples.ts";
import type { Room, StoredEvent } from "../api/index.ts";

/** Members whose names stand for a room without a name. */
const HEROES = 5;
const NAMES: readonly StateKey[] = [
  ["m.room.name", ""],
  ["m.room.canonical_alias", ""],
];

/**
 * Member events that the joining server needs for checking the join or, in a room without a name,
 * for naming it.
 */
export async function membersNeeded(
  store: RoomStore,
  room: Room,
  join: StoredEvent,
): Promise<number[]> {
  const authorising = (await store.events.byIds([...join.event.authEventIds])).values();
  const keys = [...authorising].flatMap(({ event }): StateKey[] =>
    event.type === "m.room.member" ? [["m.room.member", event.stateKey as string]] : [],
  );
  const names = await store.state.events(join.stateBefore, NAMES);
  const isNamed = [...names.values()].some(({ event }) => isNaming(event));
  const { sql } = store;
  const heroes = isNamed
    ? []
    : await firstMembers(sql, room.nid, ["join", "invite"], join.event.sender, HEROES);
  for (const hero of heroes) keys.push(["m.room.member", hero]);
  const found = await store.state.events(join.stateBefore, keys);
  return [...found.values()].map(({ nid }) => nid);
}

/** An empty name counts as none. */
function isNaming({ type, content }: RoomEvent): boolean {
  const name = type === "m.room.name" ? content.name : content.alias;
  return typeof name === "string" && name !== "";
}
