import { describe, expect, test } from "vitest";
import type { EventContent } from "../../src/api/types.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ROOM = "!room:one";

function setUp() {
  return { store: new RoomStore(ME), make: createEvents() };
}

describe("what comes beside a room's own news", () => {
  const typing = { type: "m.typing", content: { user_ids: ["@ann:one"] } };
  const beside = {
    ephemeral: { events: [typing] },
    account_data: { events: [{ type: "m.tag", content: { tags: { "m.favourite": {} } } }] },
  };

  test("says nothing of being in it: an invitation stays one, and an unknown room unknown", () => {
    const { store } = setUp();
    const invited = { type: "m.room.name", state_key: "", sender: ME, content: { name: "R" } };
    const rooms = {
      invite: { [ROOM]: { invite_state: { events: [invited] } } },
      join: { [ROOM]: beside, "!other:one": beside, "!none:one": {} },
    };
    store.apply({ next_batch: "1", rooms }, 0);
    expect(store.summary(ROOM)).toMatchObject({ membership: "invite", name: "R", favourite: true });
    expect([...store.rooms.keys()]).toEqual([ROOM]);
    store.apply({ next_batch: "2", rooms: { join: { [ROOM]: beside } } }, 0);
    expect(store.summary(ROOM)).toMatchObject({ membership: "invite", name: "R" });
  });

  test("is taken in by a room that one is in, and does not bring back one that was left", () => {
    const { store, make } = setUp();
    store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }), 0);
    store.apply({ next_batch: "2", rooms: { join: { [ROOM]: beside } } }, 0);
    expect(store.room(ROOM)!.typing).toEqual(["@ann:one"]);
    expect(store.summary(ROOM)?.favourite).toBe(true);
    store.apply({ next_batch: "3", rooms: { join: { [ROOM]: beside }, leave: { [ROOM]: {} } } }, 0);
    store.apply({ next_batch: "4", rooms: { join: { [ROOM]: beside } } }, 0);
    expect([store.room(ROOM)!.membership, store.summary(ROOM)]).toEqual(["leave", undefined]);
  });
});

test("a room that is told of anew without counts is counted here, whoever counted it before", () => {
  const { store, make } = setUp();
  const counted = { unread_notifications: { notification_count: 3 } };
  store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] }, ...counted }), 0);
  expect(store.room(ROOM)!.isCounted).toBe(true);
  store.apply(syncOf(ROOM, { initial: true, timeline: { events: [make.member(ME)] } }), 0);
  expect(store.room(ROOM)!.isCounted).toBe(false);
});

describe("what sync brings", () => {
  test("a joined room gets its state from before the timeline and from the timeline", () => {
    const { store, make } = setUp();
    const name = make.state("m.room.name", ME, { name: "Old" });
    const renamed = make.state("m.room.name", ME, { name: "New" });
    store.apply(syncOf(ROOM, { state: { events: [name] }, timeline: { events: [renamed] } }), 0);
    expect(store.summary(ROOM)?.name).toBe("New");
  });

  test.each(["state_after", "org.matrix.msc4222.state_after"])(
    "with %s the timeline's state events do not change the state",
    (key) => {
      const { store, make } = setUp();
      const current = make.state("m.room.name", ME, { name: "Current" });
      const lost = make.state("m.room.name", ME, { name: "Lost the fork" });
      store.apply(syncOf(ROOM, { [key]: { events: [current] }, timeline: { events: [lost] } }), 0);
      expect(store.summary(ROOM)?.name).toBe("Current");
    },
  );

  test("a limited timeline with a gap replaces what was loaded", () => {
    const { store, make } = setUp();
    const old = make.message(ME, "old");
    const fresh = make.message(ME, "fresh");
    store.apply(syncOf(ROOM, { timeline: { events: [old], prev_batch: "p1" } }), 0);
    store.apply(
      syncOf(ROOM, { timeline: { events: [fresh], limited: true, prev_batch: "p2" } }),
      0,
    );
    const { timeline } = store.room(ROOM)!;
    expect(timeline.entries.map((entry) => entry.event)).toEqual([fresh]);
    expect(timeline.prevToken).toBe("p2");
  });

  test("a limited timeline that overlaps what is loaded only adds what is new", () => {
    const { store, make } = setUp();
    const [a, b, c] = [make.message(ME, "a"), make.message(ME, "b"), make.message(ME, "c")];
    store.apply(syncOf(ROOM, { timeline: { events: [a, b], prev_batch: "p1" } }), 0);
    store.apply(syncOf(ROOM, { timeline: { events: [b, c], limited: true, prev_batch: "p2" } }), 0);
    const { timeline } = store.room(ROOM)!;
    expect(timeline.entries.map((entry) => entry.event)).toEqual([a, b, c]);
    expect(timeline.prevToken).toBe("p1");
  });

  test("the list is sorted by the last message and says who wrote it", () => {
    const { store, make } = setUp();
    const member = make.member("@ann:one", "join", "Ann");
    store.apply(
      syncOf("!a:one", { timeline: { events: [member, make.message("@ann:one", "first")] } }),
      0,
    );
    store.apply(syncOf("!b:one", { timeline: { events: [make.message(ME, "second")] } }), 0);
    expect(store.$list.get().map(({ roomId, preview }) => [roomId, preview])).toEqual([
      ["!b:one", "You: second"],
      ["!a:one", "Ann: first"],
    ]);
  });

  test("unread counts are the server's", () => {
    const { store } = setUp();
    store.apply(
      syncOf(ROOM, { unread_notifications: { notification_count: 3, highlight_count: 1 } }),
      0,
    );
    expect(store.summary(ROOM)).toMatchObject({ unread: 3, highlights: 1 });
    store.apply(
      syncOf(ROOM, { unread_notifications: { notification_count: 0, highlight_count: 0 } }),
      0,
    );
    expect(store.summary(ROOM)).toMatchObject({ unread: 0, highlights: 0 });
  });

  test("an invitation is listed with its stripped state, and the join that follows starts afresh", () => {
    const { store, make } = setUp();
    const stripped = [
      { type: "m.room.name", state_key: "", sender: "@ann:two", content: { name: "Come in" } },
      {
        type: "m.room.member",
        state_key: ME,
        sender: "@ann:two",
        content: { membership: "invite" },
      },
    ];
    store.apply(
      { next_batch: "s1", rooms: { invite: { [ROOM]: { invite_state: { events: stripped } } } } },
      0,
    );
    expect(store.summary(ROOM)).toMatchObject({ name: "Come in", membership: "invite" });
    store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }), 0);
    expect(store.summary(ROOM)?.membership).toBe("join");
    expect(store.room(ROOM)?.stateEvent("m.room.name")).toBeUndefined();
  });

  test("a room that was left is no longer listed", () => {
    const { store, make } = setUp();
    store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }), 0);
    const left = { timeline: { events: [make.member(ME, "leave")] } };
    store.apply({ next_batch: "s2", rooms: { leave: { [ROOM]: left } } }, 0);
    expect(store.$list.get()).toEqual([]);
    expect(store.room(ROOM)?.membership).toBe("leave");
  });

  test("direct chats are known by m.direct, and found again by partner", () => {
    const { store, make } = setUp();
    const account = {
      account_data: { events: [{ type: "m.direct", content: { "@ann:two": [ROOM, 7] } }] },
    };
    store.apply(
      syncOf(ROOM, { timeline: { events: [make.member("@ann:two", "join", "Ann")] } }, account),
      0,
    );
    expect(store.summary(ROOM)?.partner).toBe("@ann:two");
    expect(store.directWith("@ann:two")).toBe(ROOM);
  });

  test("a room that is no direct chat any more is no longer called after a person", () => {
    const { store, make } = setUp();
    const directs = (content: EventContent<"m.direct">) => ({
      account_data: { events: [{ type: "m.direct", content }] },
    });
    store.apply(
      syncOf(ROOM, { timeline: { events: [make.member(ME)] } }, directs({ "@ann:two": [ROOM] })),
      0,
    );
    expect(store.summary(ROOM)?.partner).toBe("@ann:two");
    store.apply({ next_batch: "s2", ...directs({}) }, 0);
    expect(store.summary(ROOM)?.partner).toBeUndefined();
    expect(store.directWith("@ann:two")).toBeUndefined();
  });

  test("a direct chat that was left is not found again", () => {
    const { store, make } = setUp();
    const directs = {
      account_data: { events: [{ type: "m.direct", content: { "@ann:two": [ROOM] } }] },
    };
    store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }, directs), 0);
    store.apply({ next_batch: "s2", rooms: { leave: { [ROOM]: {} } } }, 0);
    expect(store.directWith("@ann:two")).toBeUndefined();
  });

  test("who joins again begins with what the server says now", () => {
    const { store, make } = setUp();
    const people = [make.member("@ann:two", "join", "Ann"), make.member(ME)];
    store.apply(syncOf(ROOM, { state: { events: people }, timeline: { events: [] } }), 0);
    store.room(ROOM)!.membersLoaded = true;
    store.apply({ next_batch: "s2", rooms: { leave: { [ROOM]: {} } } }, 0);
    store.apply(syncOf(ROOM, { state: { events: [make.member(ME)] } }), 0);
    expect(
      store
        .room(ROOM)
        ?.members("join")
        .map(({ userId }) => userId),
    ).toEqual([ME]);
    expect(store.room(ROOM)?.membersLoaded).toBe(false);
  });

  test("a ban is told from leaving, and a withdrawn invitation is gone", () => {
    const { store, make } = setUp();
    store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }), 0);
    const banned = make.state("m.room.member", "@ann:two", { membership: "ban" }, ME);
    store.apply(
      { next_batch: "s2", rooms: { leave: { [ROOM]: { timeline: { events: [banned] } } } } },
      0,
    );
    expect(store.room(ROOM)?.membership).toBe("ban");
    const removal = { how: "banned", by: "@ann:two", reason: "", ts: banned.origin_server_ts };
    expect(store.summary(ROOM)).toMatchObject({ removal, unread: 0 });
    const invite_state = { events: [] };
    store.apply({ next_batch: "s3", rooms: { invite: { "!i:one": { invite_state } } } }, 0);
    expect(store.$list.get().map(({ roomId }) => roomId)).toEqual([ROOM, "!i:one"]);
    store.apply({ next_batch: "s4", rooms: { leave: { "!i:one": {}, "!never:one": {} } } }, 0);
    expect(store.$list.get().map(({ roomId }) => roomId)).toEqual([ROOM]);
    store.forget(ROOM);
    expect(store.$list.get()).toEqual([]);
    expect(store.room("!never:one")).toBeUndefined();
  });

  test("a room at whose door we knocked is listed with what may be known of it", () => {
    const { store } = setUp();
    const events = [
      { type: "m.room.name", state_key: "", sender: "@a:b", content: { name: "Door" } },
    ];
    store.apply({ next_batch: "s", rooms: { knock: { [ROOM]: { knock_state: { events } } } } }, 0);
    expect(store.summary(ROOM)).toMatchObject({ name: "Door", membership: "knock" });
  });

  test("contents of the wrong shape harm nothing", () => {
    const { store, make } = setUp();
    const odd = [
      make.state("m.room.name", ME, { name: ["no"] }),
      make.state("m.room.member", ME, { displayname: 5, membership: {} }, "@ann:two"),
      make.event("m.room.message", ME, { body: 3, msgtype: null }),
      make.event("m.reaction", ME, { "m.relates_to": "x" }),
      make.event("m.room.redaction", ME, { redacts: {} }),
    ];
    const typing = [{ type: "m.typing", content: { user_ids: "all" } }];
    const receipts = [{ type: "m.receipt", content: { $1: { "m.read": { "@ann:two": 4 } } } }];
    store.apply(
      syncOf(ROOM, { timeline: { events: odd }, ephemeral: { events: [...typing, ...receipts] } }),
      0,
    );
    expect(store.summary(ROOM)?.name).toBe("Empty room");
  });
});

test("presence is kept by user, with the time of the last activity", () => {
  const { store } = setUp();
  const content = { presence: "unavailable", last_active_ago: 400 };
  store.apply(
    {
      next_batch: "s",
      presence: { events: [{ type: "m.presence", sender: "@ann:two", content }] },
    },
    1000,
  );
  expect(store.presence.of("@ann:two")).toEqual({ state: "unavailable", lastActive: 600 });
});

describe("a sync that begins anew", () => {
  test("takes away the rooms that it does not name, and keeps the rest with what is being sent in it", () => {
    const { store, make } = setUp();
    for (const roomId of [ROOM, "!gone:one"]) {
      const state = { events: [make.member(ME), make.member("@ann:two", "join", "Ann")] };
      const timeline = { events: [make.message("@ann:two", "old")], prev_batch: "p1" };
      store.apply(syncOf(roomId, { state, timeline }), 0);
    }
    const room = store.room(ROOM)!;
    room.membersLoaded = true;
    room.timeline.addPending(make.message(ME, "mine", { event_id: "~t1" }), "t1");
    const fresh = make.message(ME, "fresh");
    const whole = syncOf(ROOM, {
      state: { events: [make.member(ME)] },
      timeline: { events: [fresh], limited: true, prev_batch: "p9" },
      initial: true,
    });
    expect([...store.apply(whole, 0, new Set([ROOM]))].toSorted()).toEqual(["!gone:one", ROOM]);
    expect(store.$list.get().map(({ roomId }) => roomId)).toEqual([ROOM]);
    expect(store.room(ROOM)).toBe(room);
    expect(room.members("join").map(({ userId }) => userId)).toEqual([ME]);
    expect(room.membersLoaded).toBe(false);
    expect(room.timeline.entries.map((entry) => entry.event)).toEqual([fresh]);
    expect(room.timeline.pending.map((entry) => entry.key)).toEqual(["t1"]);
  });
});
