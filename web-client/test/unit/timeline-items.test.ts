import { describe, expect, test } from "vitest";
import { text } from "../../src/api/types.ts";
import { Room } from "../../src/store/room.ts";
import { createItemBuilder, readUpTo, type TimelineItem } from "../../src/store/timeline-items.ts";
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

  test("a sender's own receipt on their own words, that of who left, and ours are not shown", () => {
    const { room, make, build } = setUp();
    const said = make.message(ANN, "a");
    room.setState({ ...make.member("@gone:two", "leave"), state_key: "@gone:two" });
    room.timeline.append([said], { limited: false });
    room.receipts.apply({
      [said.event_id]: {
        "m.read": {
          [ANN]: { ts: 5 },
          [ME]: { ts: 5 },
          "@gone:two": { ts: 5 },
          "@ben:two": { ts: 1 },
        },
      },
    });
    expect(build().map((item) => item.readers)).toEqual([["@ben:two"]]);
  });

  test("readers stand newest first, and nowhere when their event is not loaded", () => {
    const { room, make, build } = setUp();
    const said = make.message(ME, "a");
    room.timeline.append([said], { limited: false });
    room.receipts.apply({
      [said.event_id]: { "m.read": { "@b:two": { ts: 1 }, "@c:two": { ts: 2 } } },
      $elsewhere: { "m.read": { "@d:two": { ts: 3 } } },
    });
    expect(build()[0]?.readers).toEqual(["@c:two", "@b:two"]);
  });

  test("what is not worth a line, and what was redacted of it, has none", () => {
    const { room, make, build } = setUp();
    const renamed = make.state("m.room.name", ANN, { name: "N" });
    renamed.unsigned = { redacted_because: make.redaction(ANN, renamed.event_id) };
    room.timeline.append(
      [make.state("m.room.third_party_invite", ANN, {}), renamed, make.message(ANN, "a")],
      { limited: false },
    );
    expect(shape(build())).toEqual(["|#a"]);
  });

  test("messages and notes of one's own do not begin what is new", () => {
    const { room, make, build } = setUp();
    room.timeline.append([make.message(ANN, "a"), make.message(ME, "b"), make.message(ANN, "c")], {
      limited: false,
    });
    expect(shape(build("$1"))).toEqual(["|#a", "#b", "#c"]);
  });

  test("clocks that go back do not put messages under one name that are far apart", () => {
    const { room, make, build } = setUp();
    const early = make.message(ANN, "b");
    early.origin_server_ts -= 6 * 60_000;
    room.timeline.append([make.message(ANN, "a"), early], { limited: false });
    expect(shape(build())).toEqual(["|#a", "#b"]);
  });
});

describe("where reading stopped", () => {
  function readTo(read: string | undefined, senders: string[]) {
    const { room, make } = setUp();
    room.timeline.append(
      senders.map((sender) => make.message(sender, "x")),
      { limited: false },
    );
    if (read !== undefined) room.accountData.set("m.fully_read", { event_id: read });
    return readUpTo(room, ME);
  }

  test("is the marked event when others have written since", () => {
    expect(readTo("$1", [ANN, ANN])).toBe("$1");
  });

  test("is nowhere when only we have, when all is read, or when the event is not loaded", () => {
    expect(readTo("$1", [ANN, ME])).toBeUndefined();
    expect(readTo("$2", [ANN, ANN])).toBeUndefined();
    expect(readTo("$older", [ANN, ANN])).toBeUndefined();
    expect(readTo(undefined, [ANN])).toBeUndefined();
  });

  test("is nowhere when what came since has no line of its own", () => {
    const { room, make } = setUp();
    const said = make.message(ANN, "x");
    room.timeline.append([said, make.reaction(ANN, said.event_id, "👍")], { limited: false });
    room.accountData.set("m.fully_read", { event_id: said.event_id });
    expect(readUpTo(room, ME)).toBeUndefined();
  });
});
