import { describe, expect, test } from "vitest";
import { text } from "../../src/api/types.ts";
import { Room } from "../../src/store/room.ts";
import { createItemBuilder, type TimelineItem } from "../../src/store/timeline-items.ts";
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

function shape(items: TimelineItem[]): string[] {
  return items.map((item) => {
    const words =
      item.kind === "message"
        ? text(item.entry.event.content, "body")
        : item.notices.map((one) => one.text).join(" + ");
    const marks = `${item.day === undefined ? "" : "|"}${item.firstUnread ? "!" : ""}`;
    return `${marks}${item.kind === "message" && item.header ? "#" : ""}${words}`;
  });
}

describe("grouping", () => {
  test("messages of one sender within five minutes stand under one name", () => {
    const { room, make, build } = setUp();
    const late = make.message(ANN, "late");
    late.origin_server_ts += 6 * 60_000;
    room.timeline.append(
      [make.message(ANN, "a"), make.message(ANN, "b"), make.message(ME, "c"), late],
      {
        limited: false,
      },
    );
    expect(shape(build())).toEqual(["|#a", "b", "#c", "#late"]);
  });

  test("an answer gets a name of its own", () => {
    const { room, make, build } = setUp();
    const answer = make.event("m.room.message", ANN, {
      msgtype: "m.text",
      body: "b",
      "m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
    });
    room.timeline.append([make.message(ANN, "a"), answer], { limited: false });
    expect(shape(build())).toEqual(["|#a", "#b"]);
  });

  test("a new day is marked and breaks the group", () => {
    const { room, make, build } = setUp();
    const next = make.message(ANN, "b");
    next.origin_server_ts += 24 * 3600_000;
    room.timeline.append([make.message(ANN, "a"), next], { limited: false });
    expect(shape(build())).toEqual(["|#a", "|#b"]);
  });

  test("what happened in the room folds into one line between messages", () => {
    const { room, make, build } = setUp();
    room.timeline.append(
      [
        make.member(ANN, "join", "Ann"),
        make.state("m.room.name", ANN, { name: "N" }),
        make.message(ANN, "a"),
      ],
      { limited: false },
    );
    expect(shape(build())).toEqual(["|Ann joined + ann named the room “N”", "#a"]);
  });

  test("a folded line keeps its key while it grows at either end", () => {
    const { room, make, build } = setUp();
    const [a, b, c] = ["@a:x", "@b:x", "@c:x"].map((user) => make.member(user));
    room.timeline.append([b!], { limited: false, prevToken: "t" });
    const key = build()[0]?.key;
    room.timeline.append([c!], { limited: false });
    expect(build()[0]?.key).toBe(key);
    room.timeline.prepend([a!], undefined);
    expect(build()).toHaveLength(1);
    expect(build()[0]?.key).toBe(key);
  });

  test("the first message of others behind the read marker is marked as new", () => {
    const { room, make, build } = setUp();
    room.timeline.append([make.message(ANN, "a"), make.message(ANN, "b"), make.message(ANN, "c")], {
      limited: false,
    });
    expect(shape(build("$1"))).toEqual(["|#a", "!#b", "c"]);
  });

  test("readers stand on the line that they have come to, also when that line is a reaction's", () => {
    const { room, make, build } = setUp();
    const said = make.message(ME, "a");
    room.timeline.append([said, make.reaction(ME, said.event_id, "👍")], { limited: false });
    room.receipts.apply({ $2: { "m.read": { [ANN]: { ts: 5 } } } });
    expect(build().map((item) => item.readers)).toEqual([[ANN]]);
  });
});

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
});

test("what is kept between visits begins where paging back can go on", () => {
  const { room, make } = setUp();
  room.timeline.append([make.message(ME, "1"), make.message(ME, "2")], {
    limited: false,
    prevToken: "p1",
  });
  room.timeline.append([make.message(ME, "3"), make.message(ME, "4")], {
    limited: false,
    prevToken: "p2",
  });
  expect(room.timeline.tail(1)).toMatchObject({
    prevToken: "p2",
    events: [{ event_id: "$3" }, { event_id: "$4" }],
  });
  expect(room.timeline.tail(3)).toMatchObject({ prevToken: "p1", reachedStart: false });
});
