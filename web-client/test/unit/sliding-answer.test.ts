/** What the client makes of an answer of sliding sync. */
import { describe, expect, test } from "vitest";
import { asSync, type SlidingAnswer } from "../../src/api/sliding-answer.ts";
import { Room } from "../../src/store/room.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";

describe("an answer", () => {
  const make = createEvents();
  const given = (room: object, extensions: object = {}, counts = true) =>
    asSync({ pos: "p", rooms: { "!r:one": room }, extensions } as SlidingAnswer, {
      ...{ next: "n", me: ME, counts },
    });

  test("tells of a room as /sync does", () => {
    const [name, said] = [make.state("m.room.name", ANN, { name: "R" }), make.message(ANN, "a")];
    const { rooms } = given({
      ...{ initial: true, required_state: [name], timeline: [said], prev_batch: "b" },
      ...{ joined_count: 3, invited_count: 1, heroes: [{ user_id: ANN, displayname: "Ann" }] },
    });
    expect(rooms!.join!["!r:one"]).toEqual({
      initial: true,
      state_after: { events: [name] },
      timeline: { events: [said], limited: true, prev_batch: "b" },
      summary: {
        "m.heroes": [ANN],
        "m.joined_member_count": 3,
        "m.invited_member_count": 1,
      },
      heroes: [{ user_id: ANN, displayname: "Ann" }],
    });
  });

  test("has state of the timeline that was not asked for, and no other in the place of what was", () => {
    const [old, now] = ["old", "now"].map((name) => make.state("m.room.name", ANN, { name }));
    const other = make.state("x.other", ANN, { a: 1 }, "key");
    const { rooms } = given({ required_state: [now], timeline: [old, other] });
    expect(rooms!.join!["!r:one"]!.state_after!.events).toEqual([other, now]);
  });

  test("has state that was asked for from its own place only, where servers have disagreed about the timeline's", () => {
    const lost = make.state("m.room.topic", ANN, { topic: "lost" });
    const { rooms } = given({ required_state: [], timeline: [lost] });
    expect(rooms!.join!["!r:one"]!.state_after!.events).toEqual([]);
  });

  test("has who came and went from the timeline, and of a longer one from what is new in it", () => {
    const [before, now] = [make.member(ANN, "join"), make.member(ANN, "leave")];
    const said = (room: object) =>
      given({ required_state: [], timeline: [before, now], ...room }).rooms!.join!["!r:one"]!
        .state_after!.events;
    expect(said({})).toEqual([before, now]);
    expect(said({ unstable_expanded_timeline: true, num_live: 1 })).toEqual([now]);
    expect(said({ unstable_expanded_timeline: true, num_live: 0 })).toEqual([]);
    expect(said({ unstable_expanded_timeline: true })).toEqual([]);
  });

  test("counts threads apart from what is said in the room", () => {
    const { rooms } = given({
      ...{ notification_count: 5, highlight_count: 2 },
      unread_thread_notifications: { $t: { notification_count: 3, highlight_count: 1 } },
    });
    expect(rooms!.join!["!r:one"]).toMatchObject({
      unread_notifications: { notification_count: 2, highlight_count: 1 },
      unread_thread_notifications: { $t: { notification_count: 3, highlight_count: 1 } },
    });
    const uncounted = given({ notification_count: 0, highlight_count: 0 }, {}, false);
    expect(uncounted.rooms!.join!["!r:one"]).not.toHaveProperty("unread_notifications");
  });

  test("tells of invites, knocks and what was left, also of servers that name no membership", () => {
    const stripped = [
      { type: "m.room.member", state_key: ME, sender: ANN, content: { membership: "knock" } },
    ];
    const left = make.member(ME, "leave");
    const kinds = (room: object) =>
      Object.entries(given(room).rooms!).flatMap(([kind, rooms]) =>
        Object.keys(rooms ?? {}).length > 0 ? [kind] : [],
      );
    expect(kinds({ membership: "invite", invite_state: [] })).toEqual(["invite"]);
    expect(kinds({ membership: "ban", required_state: [] })).toEqual(["leave"]);
    expect(kinds({ invite_state: stripped })).toEqual(["knock"]);
    expect(kinds({ required_state: [left] })).toEqual(["leave"]);
    expect(kinds({ timeline: [] })).toEqual(["join"]);
  });

  test("has what comes beside rooms, also of rooms without other news", () => {
    const receipt = { type: "m.receipt", content: {} };
    const typing = { type: "m.typing", content: { user_ids: [ANN] } };
    const tag = { type: "m.tag", content: { tags: {} } };
    const rules = { type: "m.push_rules", content: {} };
    const response = given(
      {},
      {
        receipts: { rooms: { "!r:one": receipt } },
        typing: { rooms: { "!r:one": typing, "!other:one": typing } },
        account_data: { global: [rules], rooms: { "!r:one": [tag] } },
        to_device: { next_batch: "m1", events: [{ type: "m.x" }] },
        e2ee: {
          device_lists: { changed: [ANN], left: [] },
          device_one_time_keys_count: { signed_curve25519: 50 },
          device_unused_fallback_key_types: ["signed_curve25519"],
        },
      },
    );
    expect(response).toMatchObject({
      account_data: { events: [rules] },
      to_device: { events: [{ type: "m.x" }] },
      device_lists: { changed: [ANN], left: [] },
      device_one_time_keys_count: { signed_curve25519: 50 },
      device_unused_fallback_key_types: ["signed_curve25519"],
    });
    const { join } = response.rooms!;
    expect(join!["!r:one"]).toMatchObject({
      ephemeral: { events: [receipt, typing] },
      account_data: { events: [tag] },
    });
    expect(join!["!other:one"]).toEqual({ ephemeral: { events: [typing] } });
  });

  test("that is nonsense is borne", () => {
    const nonsense = { required_state: 5, timeline: "x", invite_state: {}, heroes: [] };
    const response = given(nonsense, { e2ee: 7, receipts: [], account_data: { global: "x" } });
    expect(response.rooms!.join!["!r:one"]!.timeline!.events).toEqual([]);
    expect(response.account_data!.events).toEqual([]);
  });
});

describe("what is taken in", () => {
  test("more of the same room's past comes in front of what is there", () => {
    const make = createEvents();
    const said = ["a", "b", "c", "d"].map((body) => make.message(ANN, body));
    const room = new Room("!r:one");
    room.apply({ timeline: { events: [said[2]!], limited: true, prev_batch: "p2" } });
    room.membersLoaded = true;
    room.apply({ timeline: { events: said, limited: true, prev_batch: "p0" } });
    expect(room.timeline.entries.map(({ event }) => event)).toEqual(said);
    expect(room.timeline.prevToken).toBe("p0");
    // It is no gap: nobody can have come unseen.
    expect(room.membersLoaded).toBe(true);
  });

  test("one after whom a room is called has a name, until their member event is there", () => {
    const make = createEvents();
    const room = new Room("!r:one");
    room.apply({ heroes: [{ user_id: ANN, displayname: "Ann" }] });
    expect(room.displayName(ANN)).toBe("Ann");
    expect(room.members("join", "invite")).toEqual([]);
    room.apply({ state_after: { events: [make.member(ANN, "join", "Anna")] } });
    room.apply({ heroes: [{ user_id: ANN, displayname: "Ann" }] });
    expect(room.displayName(ANN)).toBe("Anna");
  });

  test("where the server does not count, what is unread is counted here", () => {
    const make = createEvents();
    const store = new RoomStore(ME);
    const rule = {
      ...{ rule_id: ".m.rule.message", enabled: true, actions: ["notify"] },
      conditions: [{ kind: "event_match", key: "type", pattern: "m.room.message" }],
    };
    const rules = { type: "m.push_rules", content: { global: { underride: [rule] } } };
    const before = make.message(ANN, "before I came");
    const own = make.member(ME);
    const root = make.message(ANN, "one");
    const reply = make.event("m.room.message", ANN, {
      ...{ msgtype: "m.text", body: "reply" },
      "m.relates_to": { rel_type: "m.thread", event_id: root.event_id },
    });
    const two = make.message(ANN, "two");
    const state_after = { events: [own] };
    const timeline = { events: [before, own, root, reply, two] };
    const join = { "!r:one": { state_after, timeline } };
    store.apply({ next_batch: "1", account_data: { events: [rules] }, rooms: { join } }, 0);
    const unread = () => {
      const { notificationCount, threadCounts } = store.room("!r:one")!;
      return [notificationCount, threadCounts.get(root.event_id)?.notifications];
    };
    expect(unread()).toEqual([2, 1]);
    expect(store.summary("!r:one")!.unread).toBe(3);
    const content = { [root.event_id]: { "m.read": { [ME]: { ts: root.origin_server_ts } } } };
    const ephemeral = { events: [{ type: "m.receipt", content }] };
    store.apply({ next_batch: "2", rooms: { join: { "!r:one": { ephemeral } } } }, 0);
    expect(unread()).toEqual([1, 1]);
  });
});
