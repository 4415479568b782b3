/** What those who may know of a room are shown of it: its summary. */
import { historyVisibility } from "../../protocol/events/visibility.ts";
import { isRoomAlias, isRoomId, type RoomId } from "../../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../../protocol/json.ts";
import { currentStateOfRooms } from "../../storage/rooms/events.ts";
import { joinedCounts } from "../../storage/rooms/members.ts";
import type { RoomStore } from "../state/store.ts";
import type { PublicRoom, RoomSummary, StoredEvent } from "../api/index.ts";

const SHOWN = [
  "m.room.create",
  "m.room.name",
  "m.room.topic",
  "m.room.avatar",
  "m.room.canonical_alias",
  "m.room.join_rules",
  "m.room.history_visibility",
  "m.room.guest_access",
  "m.room.encryption",
];

type SummaryState = ReadonlyMap<string, StoredEvent>;

/** By room nid the state that summaries are made of, by type. */
export async function summaryStates(
  store: RoomStore,
  roomNids: readonly number[],
): Promise<Map<number, SummaryState>> {
  const states = new Map<number, Map<string, StoredEvent>>();
  if (roomNids.length === 0) return states;
  const keys = SHOWN.map((type) => [type, ""] as const);
  const query = currentStateOfRooms(store.sql, roomNids, keys);
  for (const stored of await store.events.load(query)) {
    let state = states.get(stored.roomNid);
    if (state === undefined) states.set(stored.roomNid, (state = new Map()));
    state.set(stored.event.type, stored);
  }
  return states;
}

/** What a directory shows of a room's state. */
export function shownOf(
  state: SummaryState = new Map(),
): Omit<PublicRoom, "room_id" | "num_joined_members"> {
  const content = contentIn(state);
  const visibility = historyVisibility(state.get("m.room.history_visibility")?.event);
  const { alias } = content("m.room.canonical_alias");
  return {
    // An invalid alias would make many clients reject the whole page.
    ...(isRoomAlias(alias) && { canonical_alias: alias }),
    ...text("name", content("m.room.name").name),
    ...text("topic", content("m.room.topic").topic),
    ...text("avatar_url", content("m.room.avatar").url),
    ...text("join_rule", content("m.room.join_rules").join_rule),
    ...text("room_type", content("m.room.create").type),
    world_readable: visibility === "world_readable",
    guest_can_join: content("m.room.guest_access").guest_access === "can_join",
  };
}

/** Summaries of rooms by nid, in three queries. */
export async function roomSummaries(
  store: RoomStore,
  roomNids: readonly number[],
): Promise<Map<number, RoomSummary>> {
  const [rooms, states, counts] = await Promise.all([
    store.registry.byNids(roomNids),
    summaryStates(store, roomNids),
    joinedCounts(store.sql, roomNids),
  ]);
  const joined = new Map(counts.map((row) => [row.roomNid, row.joined]));
  const found = new Map<number, RoomSummary>();
  for (const [nid, { roomId, version }] of rooms) {
    const content = contentIn(states.get(nid));
    const rules = content("m.room.join_rules");
    const allowed = allowedRooms(rules);
    found.set(nid, {
      room_id: roomId,
      num_joined_members: joined.get(nid) ?? 0,
      // Without join rules nobody joins uninvited, whereas what lacks the key counts as public.
      join_rule: "invite",
      ...shownOf(states.get(nid)),
      ...(allowed !== undefined && { allowed_room_ids: allowed }),
      ...text("encryption", content("m.room.encryption").algorithm),
      room_version: version.id,
    });
  }
  return found;
}

function allowedRooms(rules: JsonObject): RoomId[] | undefined {
  const { join_rule: rule, allow } = rules;
  if (rule !== "restricted" && rule !== "knock_restricted") return undefined;
  const ids = (Array.isArray(allow) ? allow : []).flatMap((entry) =>
    isJsonObject(entry) && entry.type === "m.room_membership" && isRoomId(entry.room_id)
      ? [entry.room_id]
      : [],
  );
  return [...new Set(ids)];
}

function contentIn(state: SummaryState = new Map()): (type: string) => JsonObject {
  return (type) => state.get(type)?.event.content ?? {};
}

function text(key: string, value: unknown): Record<string, string> {
  return typeof value === "string" && value !== "" ? { [key]: value } : {};
}
