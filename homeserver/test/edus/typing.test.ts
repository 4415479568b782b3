import { expect, test } from "vitest";
import type { ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { ALICE, BOB, ROOM, THERE, denied, pass, state, told, typing } from "./alone.ts";

const typists = () => state.typing(ROOM).users;
const tellings = () => told.splice(0).map(({ content }) => content.typing);

const says = (typing: unknown, user: unknown = BOB, room: unknown = ROOM) =>
  ({ room_id: room, user_id: user, typing }) as never;

test("typing ends when its time is over, here and for other servers", async () => {
  await typing.set(ALICE, ROOM, true, 5_000);
  expect([typists(), tellings()]).toEqual([[ALICE], [true]]);
  await pass(6_000);
  expect([typists(), tellings()]).toEqual([[], [false]]);
  await pass(60_000);
  expect(tellings()).toEqual([]);
});

test("who goes on typing is announced again before other servers forget it, and no more often", async () => {
  for (let i = 0; i < 12; i += 1) {
    await typing.set(ALICE, ROOM, true, 10_000);
    await pass(5_000);
  }
  const announced = tellings();
  expect(announced.every((is) => is === true)).toBe(true);
  expect(announced.length).toBeGreaterThanOrEqual(3);
  expect(announced.length).toBeLessThanOrEqual(4);
  await typing.set(ALICE, ROOM, false, undefined);
  expect([typists(), tellings()]).toEqual([[], [false]]);
});

test("who leaves the room does not type in it any more", async () => {
  await typing.set(ALICE, ROOM, true, 20_000);
  await typing.receive(THERE, says(true));
  typing.left(ROOM, ALICE);
  expect(typists()).toEqual([BOB]);
  typing.left(ROOM, BOB);
  expect(typists()).toEqual([]);
  tellings();
  await pass(60_000);
  expect(tellings()).toEqual([]);
});

test("nobody types for longer than two minutes by one request, nor in a room that they are not in", async () => {
  await typing.set(ALICE, ROOM, true, 3_600_000);
  await pass(121_000);
  expect(typists()).toEqual([]);
  await expect(typing.set("@x:here" as UserId, ROOM, true, 1)).rejects.toThrow("not in the room");
});

test("another server's user types for half a minute unless it says so again", async () => {
  await typing.receive(THERE, says(true));
  await pass(20_000);
  await typing.receive(THERE, says(true));
  await pass(20_000);
  expect(typists()).toEqual([BOB]);
  await pass(11_000);
  expect(typists()).toEqual([]);
});

test.each([
  ["of a user of another server", () => typing.receive("elsewhere" as ServerName, says(true))],
  ["of a user who is not in the room", () => typing.receive(THERE, says(true, "@x:there"))],
  ["without a boolean", () => typing.receive(THERE, says("yes"))],
  [
    "of a server that the room's ACL denies",
    () => {
      denied.add(THERE);
      return typing.receive(THERE, says(true));
    },
  ],
])("a typing EDU %s is ignored", async (_what, receive) => {
  await receive();
  expect(typists()).toEqual([]);
});
