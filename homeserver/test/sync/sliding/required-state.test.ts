/** Sliding sync: which state of a room comes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { UserId } from "../../../src/protocol/identifiers.ts";
import {
  combineRequiredState,
  goesBeyond,
  isLazy,
  parseRequiredState,
  wantsState,
} from "../../../src/sync/sliding/required-state.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { register, type TestUser } from "../../support/user.ts";
import { Connection, list, stateOf } from "./connection.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let roomId: string;
const path = (rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
  const carol = await register(server, "carol");
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  for (const user of [bob, carol]) await user.call("POST", path("/join"), {});
  for (const text of ["1", "2"]) await bob.send(roomId, text);
});
afterAll(() => server.close());

const first = async (required: string[][], limit = 1) => {
  const request = list([0, 19], { required_state: required, timeline_limit: limit });
  return stateOf((await new Connection(server.baseUrl, alice, request).next()).rooms[roomId]);
};
const member = (user: TestUser) => `m.room.member|${user.userId}`;

test("named state, all of a type, one's own member event, and everything", async () => {
  expect(await first([])).toEqual([]);
  expect(await first([["m.room.create", ""]])).toEqual(["m.room.create|"]);
  expect(await first([["m.room.member", "$ME"]])).toEqual([member(alice)]);
  expect(await first([["m.room.member", "*"]])).toHaveLength(3);
  expect(await first([["*", alice.userId]])).toEqual([member(alice)]);
  const all = await first([["*", "*"]]);
  expect(all.filter((key) => key.startsWith("m.room.member|"))).toHaveLength(3);
  expect(all).toEqual(expect.arrayContaining(["m.room.create|", "m.room.power_levels|"]));
});

test("lazily, only members of the timeline come, beside everything else", async () => {
  const lazy = ["m.room.member", "$LAZY"];
  expect(await first([lazy])).toEqual([member(bob)]);
  expect(await first([lazy, ["m.room.member", "$ME"]])).toEqual(
    [member(alice), member(bob)].sort(),
  );
  const all = await first([["*", "*"], lazy]);
  expect(all.filter((key) => key.startsWith("m.room.member|"))).toEqual([member(bob)]);
  expect(all).toContain("m.room.create|");
});

test("a member who was sent is not sent again, one who changed is", async () => {
  const lazy = list([0, 19], { required_state: [["m.room.member", "$LAZY"]], timeline_limit: 5 });
  const connection = new Connection(server.baseUrl, alice, lazy);
  await connection.next();
  await bob.send(roomId, "3");
  expect(stateOf(await connection.until(roomId))).toEqual([]);
  await bob.call("PUT", `/profile/${bob.userId}/displayname`, { displayname: "Robert" });
  expect(stateOf(await connection.until(roomId))).toEqual([member(bob)]);
  const beside = new Connection(server.baseUrl, alice, { ...lazy, conn_id: "beside" });
  expect(stateOf((await beside.next()).rooms[roomId])).toContain(member(bob));
});

test("wishes that grow are met at once, and only for what is new in them", async () => {
  const connection = new Connection(server.baseUrl, alice, {});
  const create = ["m.room.create", ""];
  await connection.next(list([0, 19], { required_state: [create] }));
  const more = { required_state: [create, ["m.room.join_rules", ""]] };
  const grown = await connection.next(list([0, 19], more), 20_000);
  expect(stateOf(grown.rooms[roomId])).toEqual(["m.room.join_rules|"]);
  expect(grown.rooms[roomId]).not.toHaveProperty("timeline");
  expect((await connection.next(list([0, 19], { required_state: [create] }))).rooms).toEqual({});
});

test("a list and a subscription together want what one of them wants", () => {
  const me = "@me:x.example" as UserId;
  const parse = (...pairs: string[][]) => parseRequiredState(pairs, me);
  const lazy = parse(["*", "*"], ["m.room.member", "$LAZY"]);
  const all = parse(["m.room.member", "*"]);
  const both = combineRequiredState([lazy, all]);
  expect([isLazy(lazy), isLazy(all), isLazy(both)]).toEqual([true, false, false]);
  expect(wantsState(lazy, "m.room.member", "@a:x.example")).toBe(false);
  expect(wantsState(both, "m.room.member", "@a:x.example")).toBe(true);
  expect([goesBeyond(both, lazy.key), goesBeyond(lazy, both.key)]).toEqual([true, false]);
  expect(combineRequiredState([all, lazy]).key).toBe(both.key);
});
