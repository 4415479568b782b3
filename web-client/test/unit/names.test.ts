import { describe, expect, test } from "vitest";
import { describeMessage, describeNotice } from "../../src/store/describe.ts";
import { Room } from "../../src/store/room.ts";
import { roomName } from "../../src/store/room-name.ts";
import { plainName, plainText } from "../../src/text/names.ts";
import { createEvents } from "./events.ts";

const ANN = "@ann:one";
const EVE = "@eve:two";

describe("a stranger's name", () => {
  test("does not turn the text around it", () => {
    expect(plainName("\u202Eevil\u202C \u2067x\u2069\u200F\u061C")).toBe("evil x");
    expect(plainName("holiday\u202Egpj.exe")).toBe("holidaygpj.exe");
  });

  test("stays in its line, and holds nothing that cannot be seen", () => {
    expect(plainName(" Ann\n\n\tB\u0000\u200b\u2060\ufeff ")).toBe("Ann B");
    expect(plainName("\u200b\u200d\u3164\u2800 ")).toBeUndefined();
  });

  test("keeps letters and emoji that are joined", () => {
    for (const name of ["می‌خواهم", "👩‍👩‍👧", "❤️", "עברית", "Zoë"]) expect(plainName(name)).toBe(name);
  });

  test("is no longer than a line", () => {
    expect(plainName("x".repeat(60_000))).toHaveLength(201);
    expect(plainName("😀".repeat(300))!.isWellFormed()).toBe(true);
  });
});

test("a stranger's longer text keeps its lines", () => {
  expect(plainText("one\ntwo\u202E")).toBe("one\ntwo");
});

describe("in a room", () => {
  const make = createEvents();

  function roomWith(names: Record<string, string | undefined>): Room {
    const room = new Room("!room:one");
    for (const [userId, name] of Object.entries(names)) {
      room.setState(make.member(userId, "join", name) as never);
    }
    return room;
  }

  test.each([
    ["letters that cannot be seen", "Ann\u200b"],
    ["a turn", "\u202DAnn"],
    ["a joiner", "An\u200dn"],
    ["spaces", "  Ann "],
    ["wide letters", "Ａｎｎ"],
    ["capitals", "ANN"],
  ])("a name that differs from another by %s has its owner's id behind it", (_, name) => {
    const room = roomWith({ [ANN]: "Ann", [EVE]: name });
    expect(room.displayName(EVE)).toContain(`(${EVE})`);
    expect(room.displayName(ANN)).toBe(`Ann (${ANN})`);
  });

  test("a name that pretends to be somebody's id has the true one behind it", () => {
    const room = roomWith({ [EVE]: `Ann (${ANN})` });
    expect(room.displayName(EVE)).toBe(`Ann (${ANN}) (${EVE})`);
  });

  test("a name that is what another is called without one has its owner's id behind it", () => {
    const room = roomWith({ [ANN]: undefined, [EVE]: "ann" });
    expect(room.displayName(EVE)).toBe(`ann (${EVE})`);
  });

  test("of a name without anything to be seen the id is shown", () => {
    expect(roomWith({ [EVE]: "\u202E \u200b" }).displayName(EVE)).toBe("eve");
  });

  test("notices, names, topics and quotations hold nothing that turns", () => {
    const room = roomWith({ [EVE]: "E\u202Eve" });
    const name = make.state("m.room.name", EVE, { name: "W\u202Eork\n" });
    room.setState(name as never);
    expect(roomName(room, ANN)).toBe("Work");
    const topic = make.state("m.room.topic", EVE, { topic: "\u2066T" });
    const renamed = {
      ...make.member(EVE, "join", "\u202Enn"),
      unsigned: { prev_content: { membership: "join", displayname: "\u202Ea" } },
    };
    expect([name, topic, renamed].map((event) => describeNotice(room, event))).toEqual([
      "Eve named the room “Work”",
      "Eve set the topic: T",
      "a is now called nn",
    ]);
    expect(describeMessage(room, make.message(EVE, "a\u202Eb"))).toBe("ab");
  });
});
