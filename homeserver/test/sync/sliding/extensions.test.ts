/** Sliding sync: what comes beside rooms. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";
import { ask, Connection, list } from "./connection.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  [alice, bob] = [await register(server, "alice"), await register(server, "bob")];
});
afterAll(() => server.close());

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const enabled = (...names: string[]) => ({
  extensions: Object.fromEntries(names.map((name) => [name, { enabled: true }])),
});

async function shared(): Promise<string> {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  await bob.call("POST", path(roomId, "/join"), {});
  return roomId;
}

let transactions = 0;
const tell = (device: string, number: number) =>
  bob.call("PUT", `/sendToDevice/x.told/m${++transactions}`, {
    messages: { [alice.userId]: { [device]: { number } } },
  });

test("nothing comes that is not enabled, and what is not known is passed over", async () => {
  const request = { extensions: { "x.unknown": { enabled: true }, to_device: { enabled: false } } };
  expect((await new Connection(server.baseUrl, alice, request).next()).extensions).toEqual({});
});

test("messages for the device come until the client has them, and wake it", async () => {
  const connection = new Connection(server.baseUrl, alice, enabled("to_device"));
  const first = await connection.next();
  expect(first.extensions.to_device.events).toEqual([]);
  for (const number of [1, 2, 3]) await tell(alice.deviceId, number);
  const numbers = (body: Body) =>
    body.extensions.to_device.events.map((event: Body) => event.content.number);
  const since = (value: string, limit = 2) => ({
    extensions: { to_device: { enabled: true, since: value, limit } },
  });
  const start = first.extensions.to_device.next_batch;
  const two = await connection.next(since(start), 20_000);
  expect(numbers(two)).toEqual([1, 2]);
  expect(numbers(await connection.next(since(start)))).toEqual([1, 2]);
  const third = await connection.next(since(two.extensions.to_device.next_batch), 20_000);
  expect(numbers(third)).toEqual([3]);
  const waiting = connection.next(since(third.extensions.to_device.next_batch), 20_000);
  await tell(alice.deviceId, 4);
  expect(numbers(await waiting)).toEqual([4]);
  const wrong = await ask(server.baseUrl, alice, since("nonsense"));
  expect([wrong.status, wrong.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
});

test("key counts always come, device lists when they changed", async () => {
  await shared();
  const connection = new Connection(server.baseUrl, alice, enabled("e2ee"));
  const first = await connection.next();
  expect(first.extensions.e2ee).toEqual({
    device_one_time_keys_count: { signed_curve25519: 0 },
    device_unused_fallback_key_types: [],
  });
  const waiting = connection.next({}, 20_000);
  await bob.call("PUT", `/devices/${bob.deviceId}`, { display_name: "Other" });
  expect((await waiting).extensions.e2ee.device_lists).toEqual({ changed: [bob.userId], left: [] });
});

test("account data comes whole, then as it changes, of rooms that are wanted", async () => {
  const [one, two] = [await shared(), await shared()];
  const user = `/user/${encodeURIComponent(alice.userId)}`;
  await alice.call("PUT", `${user}/account_data/x.global`, { a: 1 });
  await alice.call("PUT", `${user}${path(one, "/account_data/x.room")}`, { a: 1 });
  await alice.call("PUT", `${user}${path(two, "/account_data/x.room")}`, { a: 1 });
  const request = { ...list([0, 0]), ...enabled("account_data") };
  const connection = new Connection(server.baseUrl, alice, request);
  const first = await connection.next();
  const types = first.extensions.account_data.global.map((event: Body) => event.type);
  expect(types).toEqual(expect.arrayContaining(["x.global", "m.push_rules"]));
  expect(first.extensions.account_data.rooms).toEqual({
    [two]: [{ type: "x.room", content: { a: 1 } }],
  });
  expect((await connection.next()).extensions).toEqual({});
  await alice.call("PUT", `${user}${path(two, "/account_data/x.room")}`, { a: 2 });
  // The room leaves the list before its data was told.
  await alice.send(one, "to the top");
  expect((await connection.next()).extensions.account_data.rooms).toEqual({
    [one]: [{ type: "x.room", content: { a: 1 } }],
  });
  await alice.call("PUT", `${user}/account_data/x.global`, { a: 2 });
  const last = await connection.next(list([0, 1]));
  expect(last.extensions.account_data).toEqual({
    global: [{ type: "x.global", content: { a: 2 } }],
    rooms: { [two]: [{ type: "x.room", content: { a: 2 } }] },
  });
});

test("receipts come with the events that they are at, and as they are made", async () => {
  const roomId = await shared();
  const [old, newer] = [await alice.send(roomId, "old"), await alice.send(roomId, "newer")];
  await bob.call("POST", path(roomId, `/receipt/m.read/${encodeURIComponent(old)}`), {});
  const request = {
    ...{ room_subscriptions: { [roomId]: { timeline_limit: 1 } }, conn_id: "receipts" },
    ...enabled("receipts"),
  };
  const connection = new Connection(server.baseUrl, alice, request);
  // Bob's is at an event that is not in the answer.
  expect((await connection.next()).extensions).toEqual({});
  const waiting = connection.next({}, 20_000);
  await bob.call("POST", path(roomId, `/receipt/m.read/${encodeURIComponent(newer)}`), {});
  const { rooms } = (await waiting).extensions.receipts;
  expect(rooms[roomId].type).toBe("m.receipt");
  expect(rooms[roomId].content[newer]["m.read"]).toHaveProperty([bob.userId]);
  const other = await new Connection(server.baseUrl, alice, {
    ...request,
    conn_id: "other",
  }).next();
  expect(other.extensions.receipts.rooms[roomId].content).toHaveProperty([newer]);
  const none = { extensions: { receipts: { enabled: true, rooms: [], lists: [] } } };
  const unasked = new Connection(server.baseUrl, alice, { ...request, conn_id: "none" });
  expect((await unasked.next(none)).extensions).toEqual({});
});

test("receipts come with what is told of a room's past, later and when one comes back", async () => {
  const roomId = await shared();
  const [old, newer] = [await alice.send(roomId, "old"), await alice.send(roomId, "newer")];
  const read = (eventId: string) =>
    bob.call("POST", path(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`), {});
  await read(old);
  const few = { timeline_limit: 1 };
  const more = { timeline_limit: 2 };
  const connection = new Connection(server.baseUrl, alice, {
    ...{ room_subscriptions: { [roomId]: few }, conn_id: "past", ...enabled("receipts") },
  });
  expect((await connection.next()).extensions).toEqual({});
  const expanded = await connection.next({ room_subscriptions: { [roomId]: more } });
  expect(expanded.rooms[roomId].unstable_expanded_timeline).toBe(true);
  expect(expanded.extensions.receipts.rooms[roomId].content[old]["m.read"]).toHaveProperty([
    bob.userId,
  ]);
  expect((await connection.next({ room_subscriptions: { [roomId]: more } })).extensions).toEqual(
    {},
  );
  await alice.call("POST", path(roomId, "/leave"), {});
  await connection.next({ room_subscriptions: { [roomId]: more } });
  await read(newer);
  await alice.call("POST", path(roomId, "/join"), {});
  const back = { room_subscriptions: { [roomId]: { timeline_limit: 10 } } };
  const again = await connection.next(back);
  expect(again.extensions.receipts.rooms[roomId].content[newer]["m.read"]).toHaveProperty([
    bob.userId,
  ]);
});

test("who is typing comes when it changes", async () => {
  const roomId = await shared();
  const request = { ...list([0, 0]), ...enabled("typing") };
  const connection = new Connection(server.baseUrl, alice, request);
  await connection.next();
  const typing = path(roomId, `/typing/${encodeURIComponent(bob.userId)}`);
  const waiting = connection.next({}, 20_000);
  await bob.call("PUT", typing, { typing: true, timeout: 60_000 });
  expect((await waiting).extensions.typing.rooms).toEqual({
    [roomId]: { type: "m.typing", content: { user_ids: [bob.userId] } },
  });
  expect((await connection.next()).extensions).toEqual({});
  const stopped = connection.next({}, 20_000);
  await bob.call("PUT", typing, { typing: false });
  expect((await stopped).extensions.typing.rooms[roomId].content.user_ids).toEqual([]);
});
