import { describe, expect, test } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import type { RoomApi } from "../../src/api/rooms.ts";
import type { MatrixEvent } from "../../src/api/types.ts";
import { createHistory } from "../../src/store/history.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";
const BEN = "@ben:two";
const ROOM = "!r:one";

type Page = { chunk: MatrixEvent[]; end?: string; state?: MatrixEvent[] };
type Script<T> = (T | Error | Promise<T>)[];

/** A joined room, and a server that answers as the scripts say. */
function setUp(
  pages: Script<Page> = [],
  events: Script<MatrixEvent> = [],
  members: Script<MatrixEvent[]> = [],
) {
  const asked: unknown[][] = [];
  const next = async <T>(script: Script<T>, ...what: unknown[]): Promise<T> => {
    asked.push(what);
    const answer = script.shift();
    if (answer === undefined) throw new Error("nothing more was expected");
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const store = new RoomStore(ME);
  const make = createEvents();
  const api = {
    messages: (_room: string, token: string | undefined) => next(pages, "messages", token),
    event: (_room: string, eventId: string) => next(events, "event", eventId),
    members: () => next(members, "members"),
  } as unknown as RoomApi;
  const newest = make.message(ANN, "newest");
  store.apply(
    syncOf(ROOM, {
      state: { events: [make.member(ME), make.member(ANN, "join", "Ann")] },
      timeline: { events: [newest], limited: true, prev_batch: "p1" },
    }),
    0,
  );
  const room = store.room(ROOM)!;
  const history = createHistory(api, store);
  const bodies = () => room.timeline.entries.map((entry) => entry.event.content["body"]);
  return { history, store, room, make, asked, newest, bodies };
}

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

describe("the way to an event far back", () => {
  const page = (eventId: string, end?: string): Page => ({
    chunk: [createEvents(0, "$old").message(ANN, "x", { event_id: eventId })],
    ...(end === undefined ? {} : { end }),
  });

  test("leads through pages until it is there", async () => {
    const { history, room, asked } = setUp([page("$b", "p2"), page("$a", "p3")]);
    expect(await history.reach(room, "$a")).toBe(true);
    expect(asked).toHaveLength(2);
  });

  test("ends at the room's start", async () => {
    const { history, room, asked } = setUp([page("$b", "p2"), page("$a")]);
    expect(await history.reach(room, "$none")).toBe(false);
    expect(asked).toHaveLength(2);
  });

  test("ends after so many pages", async () => {
    const { history, room, asked } = setUp([page("$c", "p2"), page("$b", "p3"), page("$a", "p4")]);
    expect(await history.reach(room, "$a", 2)).toBe(false);
    expect(asked).toHaveLength(2);
  });
});

describe("everyone in the room", () => {
  test("is asked for once, and shown in the list", async () => {
    const make = createEvents(0, "$old");
    const all = [make.member(ME), make.member(ANN, "join", "Ann"), make.member(BEN, "invite")];
    const { history, room, asked } = setUp([], [], [all]);
    const before = room.signals.$state.get();
    await history.members(room);
    await history.members(room);
    expect(asked).toEqual([["members"]]);
    expect(room.members("join", "invite").map(({ userId }) => userId)).toEqual([ME, ANN, BEN]);
    expect(room.signals.$state.get()).toBe(before + 1);
  });

  test("is asked for again after a failure", async () => {
    const { history, room, asked } = setUp([], [], [new NetworkError("gone"), []]);
    await expect(history.members(room)).rejects.toThrow(NetworkError);
    await history.members(room);
    expect(asked).toHaveLength(2);
  });

  test("is not wrong about those who came or left while it was under way, whatever the clocks say", async () => {
    const { promise, resolve } = Promise.withResolvers<MatrixEvent[]>();
    const { history, store, room, make } = setUp([], [], [promise]);
    const back = "@back:two";
    store.apply(syncOf(ROOM, { timeline: { events: [make.member(back, "leave")] } }), 0);
    const loading = history.members(room);
    const left = make.member(ANN, "leave");
    left.origin_server_ts = 0;
    const came = [make.member(BEN), make.member(back)];
    store.apply(syncOf(ROOM, { timeline: { events: [left, ...came] } }), 0);
    resolve([make.member(ME), make.member(ANN, "join", "Ann")]);
    await loading;
    expect(room.member(ANN)?.membership).toBe("leave");
    expect(room.member(BEN)?.membership).toBe("join");
    expect(room.member(back)?.membership).toBe("join");
  });

  test("is asked for again after a gap, and those who left in it are gone, but not their names", async () => {
    const { history, store, room, make, asked } = setUp(
      [],
      [],
      [
        [createEvents(0, "$old").member(ME), createEvents(0, "$old").member(ANN, "join", "Ann")],
        [createEvents(0, "$old").member(ME)],
      ],
    );
    await history.members(room);
    const fresh = make.message(ME, "after the gap");
    store.apply(syncOf(ROOM, { timeline: { events: [fresh], limited: true } }), 0);
    expect(room.members("join")).toHaveLength(2);
    await history.members(room);
    expect(asked).toHaveLength(2);
    expect(room.members("join").map(({ userId }) => userId)).toEqual([ME]);
    expect(room.displayName(ANN)).toBe("Ann");
  });
});
