/** Sliding sync tells of profiles. (MSC4262.) */
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";
import { Connection, list } from "./connection.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const NAME = "org.matrix.msc4262.profiles";
const wanting = (more: object = { fields: ["m.status"] }) => ({
  extensions: { [NAME]: { enabled: true, ...more } },
});
const LAZY = list([0, 19], { required_state: [["m.room.member", "$LAZY"]] });
const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const set = (user: TestUser, field: string, value: unknown) =>
  user.call("PUT", `/profile/${encodeURIComponent(user.userId)}/${field}`, { [field]: value });
const told = (answer: Body): Body => answer.extensions[NAME]?.users;

let scenes = 0;
async function scene(count = 2) {
  scenes += 1;
  const users: TestUser[] = [];
  for (let n = 0; n < count; n += 1) users.push(await register(server, `u${scenes}x${n}`));
  const [one, ...others] = users as [TestUser, ...TestUser[]];
  const body = { preset: "public_chat", name: "A room" };
  const { room_id: roomId } = await one.call("POST", "/createRoom", body);
  for (const other of others) await other.call("POST", path(roomId, "/join"), {});
  const open = (request: object) => new Connection(server.baseUrl, one, request);
  return { one, others: others as [TestUser, ...TestUser[]], roomId, open };
}

test("changes of those who share a room come, wherever the windows are, and wake the client", async () => {
  const { one, others, open } = await scene();
  const [other] = others;
  const stranger = await register(server, `stranger${scenes}`);
  const connection = open(wanting());
  expect(told(await connection.next())).toBe(undefined);
  const waiting = connection.next({}, 20_000);
  await set(stranger, "m.status", "unknown");
  await set(other, "m.status", "awake");
  const answer = await waiting;
  expect(told(answer)).toEqual({ [other.userId]: { updated: { "m.status": "awake" } } });
  expect(createValidators().response("slidingSync", 200, answer)).toEqual([]);
  await set(other, "m.tz", "UTC");
  await other.call("DELETE", `/profile/${encodeURIComponent(other.userId)}/m.status`);
  await set(one, "m.status", "mine");
  const lost = told(await connection.peek());
  expect(lost).toEqual({
    [other.userId]: { removed: ["m.status"] },
    [one.userId]: { updated: { "m.status": "mine" } },
  });
  expect(told(await connection.next())).toEqual(lost);
  expect(told(await connection.next())).toBe(undefined);
});

test("profiles come along with the members of a room that comes into view", async () => {
  const { one, others, roomId, open } = await scene(3);
  const [speaker, silent] = others as unknown as [TestUser, TestUser];
  for (const user of [speaker, silent]) await set(user, "m.status", user.userId);
  for (let n = 0; n < 3; n += 1) await speaker.send(roomId, `${n}`);
  const connection = open({ ...LAZY, ...wanting() });
  const first = told(await connection.next());
  expect(first).toEqual({ [speaker.userId]: { updated: { "m.status": speaker.userId } } });
  await silent.send(roomId, "not any more");
  expect(told(await connection.next())).toEqual({
    [silent.userId]: { updated: { "m.status": silent.userId } },
  });
  const all = open({
    ...list([0, 19], { required_state: [["m.room.member", "*"]] }),
    ...wanting(),
  });
  expect(Object.keys(told(await all.next())).toSorted()).toEqual(
    [speaker.userId, silent.userId].toSorted(),
  );
  expect(one.userId).toBeTruthy();
});

test("who asks for more fields, or later, gets those of the members in view", async () => {
  const { others, open } = await scene();
  const [other] = others;
  await set(other, "m.status", "here");
  await set(other, "m.tz", "UTC");
  const connection = open(LAZY);
  await connection.next();
  const later = told(await connection.next(wanting()));
  expect(later).toEqual({ [other.userId]: { updated: { "m.status": "here" } } });
  expect(told(await connection.next(wanting()))).toBe(undefined);
  const more = told(await connection.next(wanting({ fields: ["m.status", "m.tz"] })));
  expect(more).toMatchObject({ [other.userId]: { updated: { "m.tz": "UTC" } } });
  const everything = told(await connection.next(wanting({})));
  expect(everything[other.userId].updated).toMatchObject({ "m.status": "here", "m.tz": "UTC" });
});

test("of who shares no room any more it is said once", async () => {
  const { others, roomId, open } = await scene();
  const [other] = others;
  await set(other, "m.status", "here");
  const connection = open({ ...LAZY, ...wanting() });
  await connection.next();
  await other.call("POST", path(roomId, "/leave"), {});
  expect(told(await connection.next())).toEqual({ [other.userId]: null });
  await set(other, "m.status", "away");
  expect(told(await connection.next())).toBe(undefined);
});

test("the other one's profile comes with a direct chat that is named after them", async () => {
  const { one, others, open } = await scene();
  const [other] = others;
  await set(other, "m.status", "your friend");
  const body = { preset: "trusted_private_chat", invite: [other.userId] };
  const { room_id: direct } = await one.call("POST", "/createRoom", body);
  await other.call("POST", path(direct, "/join"), {});
  for (let n = 0; n < 3; n += 1) await one.send(direct, `${n}`);
  const answer = await open({ ...list([0, 0]), ...wanting() }).next();
  expect(answer.rooms[direct].heroes).toHaveLength(1);
  expect(told(answer)[other.userId]).toEqual({ updated: { "m.status": "your friend" } });
});
