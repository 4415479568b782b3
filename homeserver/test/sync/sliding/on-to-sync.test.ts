/** From sliding sync, which tells of the newest rooms first, to `/sync`. (`weft.sync`, spec/socket.md.) */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";
import { Connection, list, texts } from "./connection.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
const rooms: string[] = [];

const EXTENSIONS = { to_device: { enabled: true }, "weft.sync": { enabled: true } };

beforeAll(async () => {
  server = await startServer();
  [alice, bob] = [await register(server, "alice"), await register(server, "bob")];
  for (let at = 0; at < 4; at += 1) {
    const made = await alice.call("POST", "/createRoom", { preset: "public_chat" });
    rooms.push(made.room_id as string);
    await bob.call("POST", `/rooms/${encodeURIComponent(made.room_id)}/join`, {});
  }
});
afterAll(() => server.close());

const ranges = (last: number, more: object = {}) => ({
  ...list([0, last]),
  extensions: { ...EXTENSIONS, ...more },
});
const positionIn = (answer: Body): string | undefined =>
  answer.extensions["weft.sync"]?.next_batch as string | undefined;

let transactions = 0;
const tell = (number: number) =>
  bob.call("PUT", `/sendToDevice/x.told/t${++transactions}`, {
    messages: { [alice.userId]: { [alice.deviceId]: { number } } },
  });
const numbersIn = (events: Body[]): number[] => events.map(({ content }) => content.number);

test("the position comes once all rooms were told of, and nothing after it is lost or doubled", async () => {
  const connection = new Connection(server.baseUrl, alice, {});
  const some = await connection.next(ranges(1));
  expect([Object.keys(some.rooms).length, positionIn(some)]).toEqual([2, undefined]);
  await bob.send(rooms[0]!, "before");
  const all = await connection.next(ranges(99));
  expect(texts(all.rooms[rooms[0]!])).toContain("before");
  const since = positionIn(all)!;
  await bob.send(rooms[0]!, "after");
  const then = await alice.call("GET", `/sync?since=${since}`);
  expect(Object.keys(then.rooms.join)).toEqual([rooms[0]]);
  expect(texts({ timeline: then.rooms.join[rooms[0]!].timeline.events })).toEqual(["after"]);
});

test("messages for the device that wait come by what goes on from there", async () => {
  await tell(1);
  await tell(2);
  const connection = new Connection(server.baseUrl, alice, {});
  const first = await connection.next(ranges(99, { to_device: { enabled: true, limit: 1 } }));
  expect(numbersIn(first.extensions.to_device.events)).toEqual([1]);
  const then = await alice.call("GET", `/sync?since=${positionIn(first)}`);
  expect(numbersIn(then.to_device.events)).toEqual([2]);
});

test("who is there comes by what goes on, and not again after it", async () => {
  const connection = new Connection(server.baseUrl, alice, {});
  await bob.call("PUT", `/presence/${encodeURIComponent(bob.userId)}/status`, {
    ...{ presence: "unavailable", status_msg: "away" },
  });
  const then = await alice.call(
    "GET",
    `/sync?since=${positionIn(await connection.next(ranges(99)))}`,
  );
  const ofBob = then.presence.events.filter(({ sender }: Body) => sender === bob.userId);
  expect(ofBob).toMatchObject([{ content: { presence: "unavailable", status_msg: "away" } }]);
  const after = await alice.call("GET", `/sync?since=${then.next_batch}`);
  expect(after.presence?.events ?? []).toEqual([]);
});

test("without messages for the device there is no position: going on from one says that they are had", async () => {
  const connection = new Connection(server.baseUrl, alice, {});
  const answer = await connection.next(ranges(99, { to_device: { enabled: false } }));
  expect(answer.extensions).toEqual({ "weft.sync": {} });
});

test("a room that fell out of the ranges with news untold keeps the position back", async () => {
  const connection = new Connection(server.baseUrl, alice, {});
  expect(positionIn(await connection.next(ranges(99)))).toBeDefined();
  for (const room of rooms.slice(0, 3)) await bob.send(room, "news");
  const behind = await connection.next(ranges(0));
  expect(positionIn(behind)).toBeUndefined();
  expect(positionIn(await connection.next(ranges(99)))).toBeDefined();
});

test("what is unread in threads is told apart", async () => {
  const root = await bob.send(rooms[3]!, "a root");
  await bob.call("PUT", `/rooms/${encodeURIComponent(rooms[3]!)}/send/m.room.message/${root}`, {
    ...{ msgtype: "m.text", body: "a reply" },
    "m.relates_to": { rel_type: "m.thread", event_id: root },
  });
  const answer = await new Connection(server.baseUrl, alice, {}).next(ranges(0));
  const room = answer.rooms[rooms[3]!];
  expect(room.unread_thread_notifications).toEqual({
    [root]: { notification_count: 1, highlight_count: 0 },
  });
  expect(room.notification_count).toBe(2);
});
