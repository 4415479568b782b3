import type { Schema } from "@weft/spec/types";
import {
  object,
  strings,
  text,
  type Content,
  type JoinedRoomSync,
  type MatrixEvent,
  type StrippedEvent,
  type SyncResponse,
} from "./types.ts";

/** What the client reads of a room that is not open yet, with the key "". */
const TYPES = [
  ...["create", "name", "avatar", "topic", "canonical_alias", "encryption", "tombstone"],
  ...["power_levels", "join_rules", "guest_access", "history_visibility", "server_acl"],
  ...["pinned_events", "retention"],
].map((name) => `m.room.${name}`);

/**
 * What the client reads of a room's state; members come as they are met. By name: a `*` for the type is more than some servers
 * take (Synapse 1.163 fails at it).
 */
export const STATE = [
  ...TYPES.map((type) => [type, ""]),
  ["m.room.member", "$ME"],
  ["m.room.member", "$LAZY"],
  ["m.space.child", "*"],
  ["m.space.parent", "*"],
  ["m.room.image_pack", "*"],
  ["im.ponies.room_emotes", "*"],
];

const ASKED: ReadonlySet<string> = new Set(
  STATE.flatMap(([type]) => (type === undefined ? [] : [type])),
);

export type SlidingAnswer = Schema<"SlidingSyncResponse">;
type SlidingRoom = Schema<"SlidingRoom">;
type Rooms = NonNullable<SyncResponse["rooms"]>;

const events = <Event = MatrixEvent>(value: unknown): Event[] =>
  Array.isArray(value) ? (value as Event[]) : [];

/**
 * The state of a room as far as an answer has it: what was wanted, and of the timeline what was not asked for, or may come there only: who has
 * come and gone just now. Anything else there may not be the room's state, where its servers have disagreed.
 */
function stateOf(room: SlidingRoom): MatrixEvent[] {
  const keyOf = ({ type, state_key: key }: MatrixEvent): string => JSON.stringify([type, key]);
  const wanted = events(room.required_state);
  const keys = new Set(wanted.map(keyOf));
  const timeline = events(room.timeline);
  const past = room.unstable_expanded_timeline === true ? timeline.length - liveIn(room) : 0;
  const said = timeline.slice(past).filter((event) => {
    if (typeof event.state_key !== "string" || keys.has(keyOf(event))) return false;
    return event.type === "m.room.member" || !ASKED.has(event.type);
  });
  return [...said, ...wanted];
}

/** How many events of a timeline are new, where it has others that were only not told before. */
const liveIn = ({ num_live: live }: SlidingRoom): number => live ?? 0;

/** What is unread; `undefined` of a server that does not count. */
function countsOf(room: SlidingRoom, counts: boolean): Partial<JoinedRoomSync> {
  const { notification_count: all, highlight_count: loud } = room;
  if (!counts || all === undefined) return {};
  const threads = room.unread_thread_notifications ?? {};
  const inThreads = { notify: 0, loud: 0 };
  for (const thread of Object.values(threads)) {
    inThreads.notify += thread.notification_count ?? 0;
    inThreads.loud += thread.highlight_count ?? 0;
  }
  return {
    unread_notifications: {
      notification_count: Math.max(0, all - inThreads.notify),
      highlight_count: Math.max(0, (loud ?? 0) - inThreads.loud),
    },
    unread_thread_notifications: threads,
  };
}

/** A room's news as `/sync` says them. */
function joinedRoom(room: SlidingRoom, counts: boolean): JoinedRoomSync {
  const { heroes, joined_count: joined, invited_count: invited, prev_batch: before } = room;
  const timeline = events(room.timeline);
  const isNew = room.initial === true && timeline.length > 0;
  return {
    state_after: { events: stateOf(room) },
    timeline: {
      events: timeline,
      limited: room.limited === true || isNew,
      ...(before !== undefined && { prev_batch: before }),
    },
    summary: {
      ...(heroes && { "m.heroes": heroes.map(({ user_id: userId }) => userId) }),
      ...(joined !== undefined && { "m.joined_member_count": joined }),
      ...(invited !== undefined && { "m.invited_member_count": invited }),
    },
    ...(heroes && { heroes }),
    ...(room.initial === true && { initial: true }),
    ...countsOf(room, counts),
  };
}

/** The user's membership, which older servers leave to be told from the state. */
function membershipIn(room: SlidingRoom, me: string): string {
  if (room.membership !== undefined) return room.membership;
  const isMine = ({ type, state_key: key }: { type: string; state_key?: string }): boolean =>
    type === "m.room.member" && key === me;
  const stripped = events<StrippedEvent>(room.invite_state);
  const own =
    events(room.required_state).findLast(isMine) ?? events(room.timeline).findLast(isMine);
  if (stripped.length === 0) return text(own?.content, "membership") ?? "join";
  return text(stripped.find(isMine)?.content, "membership") ?? "invite";
}

function roomsOf(answer: SlidingAnswer, me: string, counts: boolean): Required<Rooms> {
  const rooms: Required<Rooms> = { join: {}, invite: {}, knock: {}, leave: {} };
  for (const [roomId, room] of Object.entries(answer.rooms ?? {})) {
    const stripped = { events: events<StrippedEvent>(room.invite_state) };
    const membership = membershipIn(room, me);
    if (membership === "invite") rooms.invite[roomId] = { invite_state: stripped };
    else if (membership === "knock") rooms.knock[roomId] = { knock_state: stripped };
    else if (membership === "join") rooms.join[roomId] = joinedRoom(room, counts);
    else rooms.leave[roomId] = joinedRoom(room, false);
  }
  return rooms;
}

type EventOf<Key extends "account_data" | "ephemeral"> = NonNullable<
  NonNullable<JoinedRoomSync[Key]>["events"]
>[number];

/** Adds to rooms what comes beside them: by room id, an event of each or several. */
function addBeside(
  rooms: Required<Rooms>["join"],
  news: Content | undefined,
  key: "account_data" | "ephemeral",
): void {
  for (const [roomId, given] of Object.entries(news ?? {})) {
    const room = (rooms[roomId] ??= {});
    const added = events<EventOf<typeof key>>(Array.isArray(given) ? given : [given]);
    room[key] = { events: [...(room[key]?.events ?? []), ...added] };
  }
}

/**
 * An answer of sliding sync as `/sync` would give it. `next` is the position to go on from; `counts` says whether the server
 * counts what is unread.
 */
export function asSync(
  answer: SlidingAnswer,
  { next, me, counts }: { next: string; me: string; counts: boolean },
): SyncResponse {
  const { extensions } = answer;
  const rooms = roomsOf(answer, me, counts);
  const accountData = object(extensions, "account_data");
  addBeside(rooms.join, object(accountData, "rooms"), "account_data");
  addBeside(rooms.join, object(object(extensions, "receipts"), "rooms"), "ephemeral");
  addBeside(rooms.join, object(object(extensions, "typing"), "rooms"), "ephemeral");
  const keys = object(extensions, "e2ee");
  const lists = object(keys, "device_lists");
  return {
    next_batch: next,
    rooms,
    account_data: { events: events(accountData?.["global"]) },
    to_device: { events: events(object(extensions, "to_device")?.["events"]) },
    ...(lists && {
      device_lists: { changed: strings(lists, "changed"), left: strings(lists, "left") },
    }),
    ...(keys && keyCountsOf(keys)),
  };
}

/** How many keys of the device are unused. */
function keyCountsOf(
  keys: Content,
): Pick<SyncResponse, "device_one_time_keys_count" | "device_unused_fallback_key_types"> {
  const counts = Object.entries(object(keys, "device_one_time_keys_count") ?? {});
  const known = counts.filter((one): one is [string, number] => typeof one[1] === "number");
  const hasFallbacks = Array.isArray(keys["device_unused_fallback_key_types"]);
  return {
    device_one_time_keys_count: Object.fromEntries(known),
    ...(hasFallbacks && {
      device_unused_fallback_key_types: strings(keys, "device_unused_fallback_key_types"),
    }),
  };
}
