import { describe, expect, test } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import type { Timeline } from "../../src/store/timeline.ts";
import { createEvents, syncOf } from "./events.ts";
import {
  ANN,
  BEN,
  type Context,
  ME,
  type Page,
  ROOM,
  setUp,
  type Script,
} from "./history-server.ts";

describe("older messages", () => {
  test("come page by page, each from where the last one ended, to the start", async () => {
    const make = createEvents(0, "$old");
    const [a, b, c] = ["a", "b", "c"].map((body) => make.message(ANN, body));
    const { history, room, asked, bodies } = setUp([
      { chunk: [c!, b!], end: "p2" },
      { chunk: [a!] },
    ]);
    const before = room.signals.$timeline.get();
    expect(await history.older(room)).toBe(true);
    expect(bodies()).toEqual(["b", "c", "newest"]);
    expect(room.signals.$timeline.get()).toBe(before + 1);
    expect(await history.older(room)).toBe(false);
    expect(bodies()).toEqual(["a", "b", "c", "newest"]);
    expect(asked).toEqual([
      ["messages", "p1"],
      ["messages", "p2"],
    ]);
    expect(await history.older(room)).toBe(false);
    expect(asked).toHaveLength(2);
  });

  test("come in larger pages for who reads on quickly", async () => {
    const make = createEvents(0, "$old");
    const page = (at: number): Page => ({ chunk: [make.message(ANN, `${at}`)], end: `q${at}` });
    const { history, room, sizes, clock } = setUp([1, 2, 3, 4, 5, 6].map(page));
    for (const wait of [100, 100, 100, 100, 5000, 0]) {
      await history.older(room);
      clock.now += wait;
    }
    expect(sizes).toEqual([40, 80, 160, 320, 320, 40]);
  });

  test("are asked for once by all who want them at the same time", async () => {
    const { promise, resolve } = Promise.withResolvers<Page>();
    const { history, room, asked } = setUp([promise]);
    const both = Promise.all([history.older(room), history.older(room)]);
    expect(history.isPaging(room)).toBe(true);
    resolve({ chunk: [] });
    expect(await both).toEqual([false, false]);
    expect(history.isPaging(room)).toBe(false);
    expect(asked).toHaveLength(1);
  });

  test("that cannot be had now can be asked for again", async () => {
    const { history, room, asked } = setUp([new NetworkError("gone"), { chunk: [] }]);
    await expect(history.older(room)).rejects.toThrow(NetworkError);
    expect(history.isPaging(room)).toBe(false);
    expect(await history.older(room)).toBe(false);
    expect(asked).toHaveLength(2);
  });

  test("that are on a server which does not answer are told from the end", async () => {
    const { history, room } = setUp([{ chunk: [], end: "p1" }]);
    await expect(history.older(room)).rejects.toThrow("a server that does not answer");
    expect(room.timeline.reachedStart).toBe(false);
  });

  test("which belong in front of what a gap has thrown away are not put in front of what is new", async () => {
    const { promise, resolve } = Promise.withResolvers<Page>();
    const { history, store, room, make, bodies, asked } = setUp([promise, { chunk: [] }]);
    const paging = history.older(room);
    const fresh = make.message(ANN, "after the gap");
    store.apply(
      syncOf(ROOM, { timeline: { events: [fresh], limited: true, prev_batch: "p9" } }),
      0,
    );
    resolve({ chunk: [make.message(ANN, "before the gap")] });
    expect(await paging).toBe(true);
    expect(bodies()).toEqual(["after the gap"]);
    expect(room.timeline.reachedStart).toBe(false);
    await history.older(room);
    expect(asked.at(-1)).toEqual(["messages", "p9"]);
  });

  test("bring the members who speak in them, but nothing that is known newer", async () => {
    const make = createEvents(0, "$old");
    const state = [make.member(BEN, "join", "Ben"), make.member(ANN, "join", "Ann as she was")];
    const { history, room } = setUp([{ chunk: [make.message(BEN, "old")], state }]);
    await history.older(room);
    expect(room.displayName(BEN)).toBe("Ben");
    expect(room.displayName(ANN)).toBe("Ann");
  });

  test("take the place of the echo of a message that a gap has swallowed", async () => {
    const make = createEvents(0, "$old");
    const mine = make.message(ME, "mine", { event_id: "$mine" });
    const { history, room, bodies } = setUp([{ chunk: [mine], end: "p2" }]);
    room.timeline.addPending(make.message(ME, "mine", { event_id: "~t1" }), "t1");
    room.timeline.sent("t1", "$mine");
    await history.older(room);
    expect(bodies()).toEqual(["mine", "newest"]);
    expect(room.timeline.pending).toEqual([]);
  });
});

describe("a single event", () => {
  test("that is loaded is not fetched", async () => {
    const { history, room, newest, asked } = setUp();
    expect(await history.event(room, newest.event_id)).toEqual(newest);
    expect(asked).toEqual([]);
  });

  test("is fetched once", async () => {
    const old = createEvents(0, "$old").message(ANN, "old", { event_id: "$old" });
    const { history, room, asked } = setUp([], [old]);
    const both = await Promise.all([history.event(room, "$old"), history.event(room, "$old")]);
    expect(both).toEqual([old, old]);
    expect(asked).toEqual([["event", "$old"]]);
  });

  test("that does not exist is not asked for again", async () => {
    const { history, room, asked } = setUp([], [new ApiError(404, { errcode: "M_NOT_FOUND" })]);
    expect(await history.event(room, "$none")).toBeUndefined();
    expect(await history.event(room, "$none")).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  test("that could not be had for now is asked for again", async () => {
    const old = createEvents(0, "$old").message(ANN, "old", { event_id: "$old" });
    const { history, room, asked } = setUp([], [new NetworkError("gone"), old]);
    expect(await history.event(room, "$old")).toBeUndefined();
    expect(await history.event(room, "$old")).toEqual(old);
    expect(asked).toHaveLength(2);
  });

  test("is forgotten after five hundred others", async () => {
    const make = createEvents(0, "$old");
    const { history, room, asked } = setUp(
      [],
      Array.from({ length: 502 }, () => make.message(ANN, "old")),
    );
    for (let count = 0; count <= 500; count++) await history.event(room, `$old${count}`);
    await history.event(room, "$old500");
    expect(asked).toHaveLength(501);
    await history.event(room, "$old0");
    expect(asked.at(-1)).toEqual(["event", "$old0"]);
  });
});

describe("a place in the past", () => {
  const make = createEvents(0, "$old");
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((body) => make.message(ANN, body));
  const around = (more: Partial<Context> = {}): Context => ({
    start: "s1",
    end: "e1",
    event: c!,
    events_before: [b!],
    events_after: [d!],
    ...more,
  });
  const words = (stretch: Timeline) => stretch.entries.map(({ event }) => event.content["body"]);

  test("is a stretch of its own, from which one goes on in both directions", async () => {
    const { history, room, asked, bodies } = setUp(
      [{ chunk: [a!] }, { chunk: [e!], end: "e2" }],
      [],
      [],
      [around()],
    );
    const stretch = await history.around(room, c!.event_id);
    expect(words(stretch)).toEqual(["b", "c", "d"]);
    expect(await history.older(room, stretch)).toBe(false);
    expect(await history.newer(room, stretch)).toBe(true);
    expect(words(stretch)).toEqual(["a", "b", "c", "d", "e"]);
    expect(stretch.reachedStart).toBe(true);
    expect(stretch.nextToken).toBe("e2");
    expect(bodies()).toEqual(["newest"]);
    expect(asked).toEqual([
      ["context", c!.event_id],
      ["messages", "s1"],
      ["newer", "e1"],
    ]);
  });

  test("becomes part of the newest stretch once it reaches into it", async () => {
    const pages: Script<Page> = [];
    const { history, room, newest, bodies } = setUp(pages, [], [], [around()]);
    const stretch = await history.around(room, c!.event_id);
    pages.push({ chunk: [e!, newest] });
    await history.newer(room, stretch);
    expect(stretch.isJoined).toBe(true);
    expect(bodies()).toEqual(["b", "c", "d", "e", "newest"]);
    // Paging back goes on from where the place began.
    expect(room.timeline.prevToken).toBe("s1");
  });

  test("is the newest stretch itself where it stands in it", async () => {
    const { history, room, asked, newest } = setUp();
    expect(await history.around(room, newest.event_id)).toBe(room.timeline);
    expect(asked).toEqual([]);
  });

  test("shows what is said of its messages later", async () => {
    const { history, store, room, make: now } = setUp([], [], [], [around()]);
    const stretch = await history.around(room, c!.event_id);
    const events = [
      now.reaction(ANN, c!.event_id, "👍"),
      now.edit(ANN, b!.event_id, "better"),
      now.redaction(ANN, d!.event_id),
    ];
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    expect(room.timeline.relations.reactionsTo(c!.event_id)).toHaveLength(1);
    expect(stretch.relations.editOf(stretch.find(b!.event_id)!.event)).toBe(events[1]);
    expect(stretch.find(d!.event_id)!.event.content).toEqual({});
  });

  test("that does not exist leaves nothing behind", async () => {
    const gone = new ApiError(404, { errcode: "M_NOT_FOUND", error: "" });
    const { history, room } = setUp([], [], [], [gone]);
    await expect(history.around(room, "$none")).rejects.toBe(gone);
    expect(room.record.stretches.size).toBe(1);
  });
});

describe("a thread", () => {
  const make = createEvents(0, "$old");
  const root = make.message(ANN, "root");
  const inThread = (body: string, by = make) =>
    by.event("m.room.message", ANN, {
      msgtype: "m.text",
      body,
      "m.relates_to": { rel_type: "m.thread", event_id: root.event_id },
    });
  const [one, two] = [inThread("one"), inThread("two")];
  const words = (stretch: Timeline) => stretch.entries.map(({ event }) => event.content["body"]);

  test("is read from its newest message back to what it began with", async () => {
    const { history, room, asked } = setUp(
      [],
      [root],
      [],
      [],
      [{ chunk: [two], next_batch: "t1" }, { chunk: [one] }],
    );
    const thread = await history.thread(room, root.event_id);
    expect(words(thread)).toEqual(["two"]);
    await history.older(room, thread);
    expect(words(thread)).toEqual(["root", "one", "two"]);
    expect(thread.reachedStart).toBe(true);
    expect(asked.at(-1)).toEqual(["event", root.event_id]);
  });

  test("goes on with what sync brings, and only with what is said in it", async () => {
    const { history, store, room, make: now } = setUp([], [root], [], [], [{ chunk: [one] }]);
    const thread = await history.thread(room, root.event_id);
    const events = [now.message(ANN, "elsewhere"), inThread("three", now)];
    store.apply(syncOf(ROOM, { timeline: { events } }), 0);
    expect(words(thread)).toEqual(["root", "one", "three"]);
    store.apply(syncOf(ROOM, { timeline: { events: [], limited: true } }), 0);
    expect(thread.isBehind).toBe(true);
  });

  test("cannot be read: nothing is held", async () => {
    const { history, room } = setUp([], [], [], [], [new NetworkError("gone")]);
    await expect(history.thread(room, root.event_id)).rejects.toThrow();
    expect(room.record.stretches.size).toBe(1);
  });
});
