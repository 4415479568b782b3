import { describe, expect, test } from "vitest";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ROOM = "!room:one";

function setUp() {
  return { store: new RoomStore(ME), make: createEvents() };
}

describe("the line of a room in the list", () => {
  const partner = {
    account_data: { events: [{ type: "m.direct", content: { "@ann:two": [ROOM] } }] },
  };

  test("names who said it, but for direct chats and what people do", () => {
    const { store, make } = setUp();
    const ann = make.member("@ann:two", "join", "Ann");
    const say = (event = make.message("@ann:two", "hi"), more = {}) => {
      store.apply(syncOf(ROOM, { timeline: { events: [event] } }, more), 0);
      return store.summary(ROOM)?.preview;
    };
    expect(say(ann)).toBe("");
    expect(say()).toBe("Ann: hi");
    expect(
      say(make.event("m.room.message", "@ann:two", { msgtype: "m.emote", body: "waves" })),
    ).toBe("Ann waves");
    expect(say(undefined, partner)).toBe("hi");
  });

  test("is what is being sent before the server has it, and not what has no line", () => {
    const { store, make } = setUp();
    const said = make.message("@ann:two", "hi");
    store.apply(
      syncOf(ROOM, { timeline: { events: [said, make.reaction(ME, said.event_id, "👍")] } }),
      0,
    );
    expect(store.summary(ROOM)?.preview).toBe("ann: hi");
    store.room(ROOM)!.timeline.addPending(make.message(ME, "soon"), "t1");
    store.refresh([ROOM]);
    expect(store.summary(ROOM)?.preview).toBe("You: soon");
  });

  test("without messages has the time of the newest that is known, else none", () => {
    const { store, make } = setUp();
    const [older, newer] = [make.member(ME), make.state("m.room.name", ME, { name: "N" })];
    store.apply(syncOf(ROOM, { state: { events: [newer, older] } }), 0);
    expect(store.summary(ROOM)?.ts).toBe(newer.origin_server_ts);
    store.apply(
      { next_batch: "s", rooms: { invite: { "!i:one": { invite_state: { events: [] } } } } },
      0,
    );
    expect(store.summary("!i:one")?.ts).toBe(0);
  });

  test("knows favourites and spaces", () => {
    const { store, make } = setUp();
    const tags = { type: "m.tag", content: { tags: { "m.favourite": { order: 0.5 } } } };
    const create = make.state("m.room.create", ME, { type: "m.space" });
    store.apply(syncOf(ROOM, { state: { events: [create] }, account_data: { events: [tags] } }), 0);
    expect(store.summary(ROOM)).toMatchObject({ favourite: true, isSpace: true });
  });

  test("goes with the room", () => {
    const { store, make } = setUp();
    store.apply(syncOf(ROOM, { timeline: { events: [make.member(ME)] } }), 0);
    store.forget(ROOM);
    expect(store.$list.get()).toEqual([]);
    expect(store.room(ROOM)).toBeUndefined();
  });
});
