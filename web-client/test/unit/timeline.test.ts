import { describe, expect, test } from "vitest";
import { Room } from "../../src/store/room.ts";
import { createItemBuilder } from "../../src/store/timeline-items.ts";
import { createEvents } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";

function setUp() {
  const room = new Room("!r:one");
  room.membership = "join";
  const make = createEvents();
  const builder = createItemBuilder(room, ME);
  return { room, make, build: (unreadAfter?: string) => builder.build(unreadAfter) };
}

describe("relations", () => {
  test("reactions are counted once per sender and key, and taken back by redaction", () => {
    const { room, make } = setUp();
    const said = make.message(ANN, "a");
    const mine = make.reaction(ME, said.event_id, "👍");
    room.timeline.append(
      [said, mine, make.reaction(ANN, said.event_id, "👍"), make.reaction(ME, said.event_id, "👍")],
      {
        limited: false,
      },
    );
    expect(
      room.timeline.relations.reactionsTo(said.event_id).map(({ key, by }) => [key, by.size]),
    ).toEqual([["👍", 2]]);
    room.timeline.append([make.redaction(ME, mine.event_id)], { limited: false });
    expect(room.timeline.relations.reactionsTo(said.event_id)[0]?.by.size).toBe(1);
  });

  test("the newest edit by the same sender counts, those of others do not", () => {
    const { room, make } = setUp();
    const said = make.message(ANN, "a");
    room.timeline.append(
      [said, make.edit(ANN, said.event_id, "b"), make.edit(ME, said.event_id, "forged")],
      {
        limited: false,
      },
    );
    expect(room.timeline.relations.editOf(said)?.content["m.new_content"]).toEqual({
      msgtype: "m.text",
      body: "b",
    });
  });

  test("an event whose redaction is known already loses its content when it is paged in", () => {
    const { room, make } = setUp();
    const said = make.message(ANN, "secret");
    room.timeline.append([make.redaction(ANN, said.event_id)], { limited: false, prevToken: "t" });
    room.timeline.prepend([said], undefined);
    expect(room.timeline.find(said.event_id)?.event.content).toEqual({});
    expect(room.timeline.reachedStart).toBe(true);
  });
});

describe("local echo", () => {
  test("the server's copy takes the echo's place under the same key", () => {
    const { room, make, build } = setUp();
    room.timeline.addPending(make.message(ME, "hi", { event_id: "~t1" }), "t1");
    const key = build()[0]?.key;
    room.timeline.append([make.message(ME, "hi", { unsigned: { transaction_id: "t1" } })], {
      limited: false,
    });
    expect(room.timeline.pending).toHaveLength(0);
    expect(build().map((item) => item.key)).toEqual([key]);
  });

  test("an answer that comes before the sync leaves one line, and after it too", () => {
    const { room, make, build } = setUp();
    room.timeline.addPending(make.message(ME, "hi", { event_id: "~t1" }), "t1");
    room.timeline.sent("t1", "$real");
    expect(build()).toHaveLength(1);
    room.timeline.append([make.message(ME, "hi", { event_id: "$real" })], { limited: false });
    room.timeline.sent("t1", "$real");
    expect(build()).toHaveLength(1);
    expect(room.timeline.pending).toHaveLength(0);
  });

  test("a reaction of ours shows before the server has it", () => {
    const { room, make, build } = setUp();
    const said = make.message(ANN, "a");
    room.timeline.append([said], { limited: false });
    room.timeline.addPending(
      make.event("m.reaction", ME, make.reaction(ME, said.event_id, "👍").content),
      "t1",
    );
    expect(room.timeline.relations.reactionsTo(said.event_id)).toHaveLength(1);
    expect(build()).toHaveLength(1);
    room.timeline.discard("t1");
    expect(room.timeline.relations.reactionsTo(said.event_id)).toHaveLength(0);
  });

  test("a gap takes away the echo of what the server has, and keeps what is still being sent", () => {
    const { room, make } = setUp();
    room.timeline.append([make.message(ANN, "a")], { limited: false });
    const reaction = make.reaction(ME, "$1", "👍").content;
    room.timeline.addPending(make.message(ME, "sent", { event_id: "~t1" }), "t1");
    room.timeline.addPending(make.event("m.reaction", ME, reaction, { event_id: "~t2" }), "t2");
    room.timeline.addPending(make.message(ME, "on its way", { event_id: "~t3" }), "t3");
    room.timeline.sent("t1", "$sent");
    room.timeline.sent("t2", "$reaction");
    room.timeline.append([make.message(ANN, "z")], { limited: true });
    expect(room.timeline.pending.map((entry) => entry.key)).toEqual(["t3"]);
    expect(room.timeline.relations.reactionsTo("$1")).toEqual([]);
  });

  test("a message that the server answered twice, or nobody sent, changes nothing", () => {
    const { room } = setUp();
    room.timeline.sent("t9", "$x");
    room.timeline.setPendingState("t9", "failed");
    room.timeline.discard("t9");
    expect(room.timeline.pending).toEqual([]);
  });
});

describe("redactions", () => {
  test("of messages leave a line, also when they were redacted before they were loaded", () => {
    for (const type of ["m.room.message", "m.sticker", "m.room.encrypted"]) {
      const { room, make } = setUp();
      const live = make.event(type, ANN, { body: "x" });
      const past = make.event(type, ANN, {});
      past.unsigned = { redacted_because: make.redaction(ANN, past.event_id) };
      room.timeline.append([live, make.redaction(ANN, live.event_id), past], { limited: false });
      const shown = room.timeline.entries.filter((entry) => !entry.hidden);
      expect(shown.map((entry) => entry.event.event_id)).toEqual([live.event_id, past.event_id]);
      expect(shown[0]?.event.content).toEqual({});
    }
  });

  test("of reactions that were redacted before leave none", () => {
    const { room, make } = setUp();
    const past = make.event("m.reaction", ANN, {});
    past.unsigned = { redacted_because: make.redaction(ANN, past.event_id) };
    room.timeline.append([past], { limited: false });
    expect(room.timeline.entries[0]?.hidden).toBe(true);
  });

  test("keep who is a member", () => {
    const { room, make } = setUp();
    const joined = make.member(ANN, "join", "Ann");
    room.timeline.append([joined, make.redaction(ANN, joined.event_id)], { limited: false });
    expect(room.timeline.find(joined.event_id)?.event.content).toEqual({ membership: "join" });
  });

  test("that are redacted themselves, or name nothing, take nothing away", () => {
    const { room, make } = setUp();
    const said = make.message(ANN, "kept");
    const undone = make.redaction(ANN, said.event_id);
    undone.unsigned = { redacted_because: make.redaction(ANN, undone.event_id) };
    const odd = make.event("m.room.redaction", ANN, { redacts: 5 });
    room.timeline.append([said, undone, odd], { limited: false });
    expect(room.timeline.find(said.event_id)?.event.content["body"]).toBe("kept");
  });

  test("in old rooms name their event outside the content", () => {
    const { room, make } = setUp();
    const said = make.message(ANN, "gone");
    const old = make.event("m.room.redaction", ANN, {}, { redacts: said.event_id });
    room.timeline.append([said, old], { limited: false });
    expect(room.timeline.find(said.event_id)?.event.content).toEqual({});
  });
});

describe("what is kept between visits", () => {
  const page = (make: ReturnType<typeof createEvents>, count: number) =>
    Array.from({ length: count }, (_, at) => make.message(ME, String(at)));

  test("begins where paging back can go on", () => {
    const { room, make } = setUp();
    room.timeline.append(page(make, 2), { limited: false, prevToken: "p1" });
    room.timeline.append(page(make, 2), { limited: false, prevToken: "p2" });
    expect(room.timeline.tail(1)).toMatchObject({
      prevToken: "p2",
      events: [{ event_id: "$3" }, { event_id: "$4" }],
    });
    expect(room.timeline.tail(3)).toMatchObject({ prevToken: "p1", reachedStart: false });
  });

  test("is everything, with the room's start, when that is loaded and wanted", () => {
    const { room, make } = setUp();
    room.timeline.append(page(make, 2), { limited: false, prevToken: "p1" });
    room.timeline.prepend(page(make, 1), undefined);
    const all = room.timeline.tail(9);
    expect(all.events.map((event) => event.event_id)).toEqual(["$3", "$1", "$2"]);
    expect(all).toMatchObject({ reachedStart: true });
    expect(all).not.toHaveProperty("prevToken");
    expect(room.timeline.tail(2)).toMatchObject({ prevToken: "p1", reachedStart: false });
  });

  test("is nothing but the token of a room in which nothing is loaded", () => {
    const { room } = setUp();
    expect(room.timeline.tail(9)).toEqual({ events: [], reachedStart: false });
    room.timeline.prepend([], "p7");
    expect(room.timeline.prevToken).toBe("p7");
  });
});
