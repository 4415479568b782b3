/** Sliding sync: which rooms are in a list. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { register, type TestUser } from "../../support/user.ts";
import { Connection, list } from "./connection.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
/** Name → room id. */
const rooms: Record<string, string> = {};

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const create = async (by: TestUser, options: object = {}): Promise<string> =>
  (await by.call("POST", "/createRoom", { preset: "public_chat", ...options })).room_id;

beforeAll(async () => {
  server = await startServer();
  [alice, bob] = [await register(server, "alice"), await register(server, "bob")];
  const encryption = { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } };
  rooms.plain = await create(alice);
  rooms.encrypted = await create(alice, { initial_state: [encryption] });
  rooms.space = await create(alice, { creation_content: { type: "m.space" } });
  rooms.child = await create(alice);
  rooms.direct = await create(alice);
  rooms.tagged = await create(alice);
  rooms.invite = await create(bob, { invite: [alice.userId], initial_state: [encryption] });
  const child = `/state/m.space.child/${encodeURIComponent(rooms.child)}`;
  await alice.call("PUT", path(rooms.space, child), { via: ["x.example"] });
  const user = `/user/${encodeURIComponent(alice.userId)}`;
  await alice.call("PUT", `${user}/account_data/m.direct`, { [bob.userId]: [rooms.direct] });
  await alice.call("PUT", `${user}${path(rooms.tagged, "/tags/m.favourite")}`, { order: 0.5 });
  await alice.call("PUT", `${user}${path(rooms.tagged, "/tags/u.other")}`, {});
});
afterAll(() => server.close());

const all = ["child", "direct", "encrypted", "invite", "plain", "space", "tagged"];
const without = (...names: string[]) => all.filter((name) => !names.includes(name));

test.each<[filters: Record<string, unknown>, expected: string[]]>([
  [{}, all],
  [{ is_dm: true }, ["direct"]],
  [{ is_dm: false }, without("direct")],
  [{ is_invite: true }, ["invite"]],
  [{ is_invite: false }, without("invite")],
  [{ is_encrypted: true }, ["encrypted", "invite"]],
  [{ is_encrypted: false }, without("encrypted", "invite")],
  [{ room_types: ["m.space"] }, ["space"]],
  [{ room_types: [null] }, without("space")],
  [{ not_room_types: ["m.space"] }, without("space")],
  [{ room_types: ["m.space"], not_room_types: ["m.space"] }, []],
  [{ tags: ["m.favourite", "m.lowpriority"] }, ["tagged"]],
  [{ tags: ["m.favourite"], not_tags: ["u.other"] }, []],
  [{ not_tags: ["m.favourite"] }, without("tagged")],
  [{ spaces: ["SPACE"] }, ["child"]],
  [{ spaces: ["!none:x.example"] }, []],
  [{ is_dm: null, tags: null }, all],
])("%j", async (filters, expected) => {
  const spaces = (filters.spaces as string[] | undefined)?.map((name) =>
    name === "SPACE" ? rooms.space : name,
  );
  const request = list([0, 99], { filters: { ...filters, ...(spaces && { spaces }) } });
  const body = await new Connection(server.baseUrl, alice, request).next();
  const names = Object.keys(body.rooms).map(
    (roomId) => Object.entries(rooms).find(([, id]) => id === roomId)![0],
  );
  expect(names.sort()).toEqual(expected);
  expect(body.lists.all.count).toBe(expected.length);
});

test("a room moves from list to list as its labels change, and says that it is direct", async () => {
  const request = list([0, 99], { filters: { is_dm: true } });
  const connection = new Connection(server.baseUrl, alice, request);
  const first = await connection.next();
  expect(first.rooms[rooms.direct!].is_dm).toBe(true);
  const user = `/user/${encodeURIComponent(alice.userId)}`;
  await alice.call("PUT", `${user}/account_data/m.direct`, { [bob.userId]: [rooms.plain] });
  const second = await connection.next();
  expect(Object.keys(second.rooms)).toEqual([rooms.plain]);
  expect(second.rooms[rooms.plain!]).toMatchObject({ initial: true, is_dm: true });
  const third = await connection.next(list([0, 99]));
  expect(third.rooms[rooms.direct!]).toMatchObject({ is_dm: false });
  expect(third.rooms[rooms.direct!]).not.toHaveProperty("initial");
  expect(third.rooms).not.toHaveProperty([rooms.plain!]);
  await alice.call("PUT", `${user}/account_data/m.direct`, { [bob.userId]: [rooms.direct] });
});
