import { expect, test } from "vitest";
import { Room } from "../../src/store/room.ts";
import { roomName } from "../../src/store/room-name.ts";
import { createEvents } from "./events.ts";

const ME = "@me:one";

function roomWith(
  heroes: string[],
  joined: number,
  names: Record<string, string> = {},
  membership = "join",
) {
  const room = new Room("!r:one");
  const make = createEvents();
  room.membership = "join";
  room.apply({
    summary: { "m.heroes": heroes, "m.joined_member_count": joined, "m.invited_member_count": 0 },
    state: {
      events: Object.entries(names).map(([userId, name]) => make.member(userId, membership, name)),
    },
  });
  return { room, make };
}

test("the name of the room comes first, then its canonical alias", () => {
  const { room, make } = roomWith(["@ann:two"], 2, { "@ann:two": "Ann" });
  room.setState({
    ...make.state("m.room.canonical_alias", ME, { alias: "#weave:one" }),
    state_key: "",
  });
  expect(roomName(room, ME)).toBe("#weave:one");
  room.setState({ ...make.state("m.room.name", ME, { name: "  Weave " }), state_key: "" });
  expect(roomName(room, ME)).toBe("Weave");
});

test("an empty name counts as none", () => {
  const { room, make } = roomWith(["@ann:two"], 2, { "@ann:two": "Ann" });
  room.setState({ ...make.state("m.room.name", ME, { name: "" }), state_key: "" });
  expect(roomName(room, ME)).toBe("Ann");
});

test("two heroes are joined by and", () => {
  const { room } = roomWith(["@ann:two", "@ben:two"], 3, { "@ann:two": "Ann", "@ben:two": "Ben" });
  expect(roomName(room, ME)).toBe("Ann and Ben");
});

test("more people than heroes are counted", () => {
  const { room } = roomWith(["@ann:two", "@ben:two"], 10, { "@ann:two": "Ann", "@ben:two": "Ben" });
  expect(roomName(room, ME)).toBe("Ann, Ben and 7 more");
});

test("two people of the same name are told apart by their ids", () => {
  const { room } = roomWith(["@ann:two", "@ann:three"], 3, {
    "@ann:two": "Ann",
    "@ann:three": "Ann",
  });
  expect(roomName(room, ME)).toBe("Ann (@ann:two) and Ann (@ann:three)");
});

test("when all others have left, they are still remembered", () => {
  const { room } = roomWith(["@ann:two"], 1, { "@ann:two": "Ann" }, "leave");
  expect(roomName(room, ME)).toBe("Empty room (was Ann)");
});

test("nobody and nothing known makes an empty room", () => {
  expect(roomName(new Room("!r:one"), ME)).toBe("Empty room");
});

test("a member without a display name is called by their localpart", () => {
  const { room } = roomWith(["@cara:two"], 2);
  expect(roomName(room, ME)).toBe("cara");
});
