import { describe, expect, test } from "vitest";
import { NetworkError } from "../../src/api/errors.ts";
import type { MatrixEvent } from "../../src/api/types.ts";
import { createEvents, syncOf } from "./events.ts";
import { ANN, BEN, ME, ROOM, setUp } from "./history-server.ts";

describe("everyone in the room", () => {
  const make = () => createEvents(0, "$old");

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

  test("is waited for by all who ask meanwhile: a message is encrypted for those who are known then", async () => {
    const { promise, resolve } = Promise.withResolvers<MatrixEvent[]>();
    const { history, room, asked } = setUp([], [], [promise]);
    const shown = history.members(room);
    let known: number | undefined;
    const encrypted = history.members(room).then(() => (known = room.members("join").length));
    await Promise.race([encrypted, new Promise((done) => setTimeout(done, 0))]);
    expect(known).toBeUndefined();
    resolve([make().member(ME), make().member(ANN, "join", "Ann")]);
    await Promise.all([shown, encrypted]);
    expect(known).toBe(2);
    expect(asked).toEqual([["members"]]);
  });

  test("is asked for once more when sync had a gap meanwhile", async () => {
    const { promise, resolve } = Promise.withResolvers<MatrixEvent[]>();
    const { history, store, room, asked } = setUp([], [], [promise, [make().member(ME)]]);
    const loading = history.members(room);
    const fresh = make().message(ME, "after the gap");
    store.apply(syncOf(ROOM, { timeline: { events: [fresh], limited: true } }), 0);
    resolve([make().member(ME), make().member(ANN, "join", "Ann")]);
    await loading;
    expect(asked).toHaveLength(2);
    expect(room.membersLoaded).toBe(true);
    expect(room.members("join").map(({ userId }) => userId)).toEqual([ME]);
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
