/** Sliding sync: lists in the order of activity, their ranges, and what comes of a room. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";
import { ask, Connection, list, PATH, stateOf, texts } from "./connection.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
});
afterAll(() => server.close());

const room = async (by: TestUser, options: object = {}): Promise<string> =>
  (await by.call("POST", "/createRoom", { preset: "public_chat", ...options })).room_id;
const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const open = (user: TestUser, request: object) => new Connection(server.baseUrl, user, request);

test("the latest rooms of a list come first, the others as the range grows, each once", async () => {
  const user = await register(server, "lister");
  const rooms: string[] = [];
  for (let at = 0; at < 5; at += 1) rooms.push(await room(user, { name: `Room ${at}` }));
  await user.send(rooms[0]!, "bump");
  const connection = open(user, {});
  const first = await connection.next(list([0, 1]));
  expect(first.lists).toEqual({ all: { count: 5 } });
  expect(Object.keys(first.rooms).sort()).toEqual([rooms[0]!, rooms[4]!].sort());
  expect(first.rooms[rooms[0]!]).toMatchObject({
    ...{ initial: true, name: "Room 0", limited: true, num_live: 0, membership: "join" },
    ...{ joined_count: 1, invited_count: 0, notification_count: 0, highlight_count: 0 },
    lists: ["all"],
  });
  expect(first.rooms[rooms[0]!]).not.toHaveProperty("heroes");
  expect(first.rooms[rooms[0]!].bump_stamp).toBeGreaterThan(first.rooms[rooms[4]!].bump_stamp);
  expect(texts(first.rooms[rooms[0]!])).toEqual(["bump"]);
  const second = await connection.next(list([0, 9]));
  expect(Object.keys(second.rooms).sort()).toEqual(rooms.slice(1, 4).sort());
  const third = await connection.next(list([0, 9]));
  expect(third.rooms).toEqual({});
});

test("a room tells only what is new, and a position gives the same again", async () => {
  const roomId = await room(alice, { name: "Before" });
  const connection = open(alice, list([0, 19], { required_state: [["m.room.topic", ""]] }));
  await connection.next();
  await alice.send(roomId, "one");
  await alice.call("PUT", path(roomId, "/state/m.room.topic"), { topic: "T" });
  await alice.call("PUT", path(roomId, "/state/m.room.name"), { name: "After" });
  const again = await connection.peek();
  const news = await connection.next();
  const ids = (body: Body) => body.rooms[roomId].timeline.map((event: Body) => event.event_id);
  expect(ids(again)).toEqual(ids(news));
  expect(news.rooms[roomId]).toMatchObject({ name: "After", num_live: 2, limited: true });
  expect(stateOf(news.rooms[roomId])).toEqual(["m.room.topic|"]);
  for (const key of ["initial", "joined_count", "heroes", "avatar"]) {
    expect(news.rooms[roomId], key).not.toHaveProperty(key);
  }
  expect((await connection.next()).rooms).toEqual({});
});

test("a room that falls out of the range loses nothing: it is all told when it comes back", async () => {
  const user = await register(server, "faller");
  const [one, two] = [await room(user), await room(user)];
  const connection = open(user, list([0, 0], { timeline_limit: 10 }));
  await connection.next();
  await connection.next(list([0, 1], { timeline_limit: 10 }));
  await user.send(one, "while in the list");
  await user.send(two, "above it");
  const top = await connection.next();
  expect(Object.keys(top.rooms)).toEqual([two]);
  await user.send(two, "more");
  expect(Object.keys((await connection.next()).rooms)).toEqual([two]);
  const back = await connection.next(list([0, 1], { timeline_limit: 10 }));
  expect(Object.keys(back.rooms)).toEqual([one]);
  expect(back.rooms[one]).not.toHaveProperty("initial");
  expect(texts(back.rooms[one])).toEqual(["while in the list"]);
  expect(back.rooms[one].limited).toBe(false);
});

test("an answer that was lost is given again, whatever happened since", async () => {
  const user = await register(server, "loser");
  const [one, two] = [await room(user), await room(user)];
  const connection = open(user, list([0, 0]));
  await connection.next();
  const lost = await connection.peek(list([0, 1]));
  expect(Object.keys(lost.rooms)).toEqual([one]);
  await user.send(two, "meanwhile");
  const given = await connection.next(list([0, 1]));
  expect(Object.keys(given.rooms).sort()).toEqual([one, two].sort());
  expect(given.rooms[one].initial).toBe(true);
});

test("two connections of a device stand beside one another, and one ends where another of its name begins", async () => {
  const user = await register(server, "twice");
  const roomId = await room(user);
  const [one, two] = [
    open(user, { ...list([0, 19]), conn_id: "one" }),
    open(user, { ...list([0, 19]), conn_id: "two" }),
  ];
  await one.next();
  await user.send(roomId, "hello");
  expect((await two.next()).rooms[roomId].initial).toBe(true);
  expect((await one.next()).rooms[roomId]).not.toHaveProperty("initial");
  expect((await one.next()).rooms).toEqual({});
  const mixed = await ask(server.baseUrl, user, { conn_id: "one" }, { pos: two.pos! });
  expect([mixed.status, mixed.body.errcode]).toEqual([400, "M_UNKNOWN_POS"]);
});

test("a position that is no position, or another's, is not known", async () => {
  const connection = open(alice, list([0, 19]));
  const { pos } = await connection.next();
  for (const [user, given] of [
    [alice, "nonsense"],
    [alice, "s3_1_1"],
    [alice, pos.replace(/-\d+$/, "-999999999")],
    [alice, pos.replace(/^s3_\d+/, "s3_999999999")],
    [bob, pos],
  ] as const) {
    const { status, body } = await ask(server.baseUrl, user, list([0, 19]), { pos: given });
    expect([status, body.errcode], given).toEqual([400, "M_UNKNOWN_POS"]);
  }
});

test("ranges that overlap, or stand in no order, are the places that one of them has", async () => {
  const user = await register(server, "overlapper");
  const rooms: string[] = [];
  for (let at = 0; at < 6; at += 1) rooms.unshift(await room(user));
  const ranges = [
    [4, 4],
    [0, 1],
    [1, 2],
    [0, 0],
    [9, 12],
  ];
  const { rooms: told } = await open(user, { lists: { all: { ranges } } }).next();
  expect(Object.keys(told).sort()).toEqual([...rooms.slice(0, 3), rooms[4]!].sort());
});

test("too many lists or rooms, names that are too long, and ranges that are none, are refused", async () => {
  const many = (what: object) =>
    Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`!${at}:x.example`, what]));
  for (const body of [
    { lists: many({}) },
    { room_subscriptions: many({}) },
    { lists: { a: { ranges: [[5, 2]] } } },
    { lists: { ["n".repeat(256)]: {} } },
  ]) {
    const answer = await ask(server.baseUrl, alice, body);
    expect([answer.status, answer.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  }
  const none = await fetch(`${server.baseUrl}${PATH}`, { method: "POST", body: "{}" });
  expect(none.status).toBe(401);
});

test("a request waits for what concerns its rooms, and for nothing else", async () => {
  const user = await register(server, "waiter");
  const [watched, other] = [await room(user), await room(user)];
  const connection = open(user, { room_subscriptions: { [watched]: { timeline_limit: 5 } } });
  await connection.next();
  const waiting = connection.next({}, 20_000);
  await user.send(other, "not this");
  await user.send(watched, "this");
  const news = await waiting;
  expect(Object.keys(news.rooms)).toEqual([watched]);
  expect(texts(news.rooms[watched])).toEqual(["this"]);
  expect(news.rooms[watched].num_live).toBe(1);
  expect((await connection.next({}, 300)).rooms).toEqual({});
});

test("a limit that grows brings the older events at once, and is marked so", async () => {
  const user = await register(server, "grower");
  const roomId = await room(user);
  for (const text of ["a", "b", "c", "d"]) await user.send(roomId, text);
  const connection = open(user, list([0, 19], { timeline_limit: 1 }));
  expect(texts((await connection.next()).rooms[roomId])).toEqual(["d"]);
  const grown = await connection.next(list([0, 19], { timeline_limit: 3 }), 20_000);
  expect(texts(grown.rooms[roomId])).toEqual(["b", "c", "d"]);
  expect(grown.rooms[roomId]).toMatchObject({ unstable_expanded_timeline: true, num_live: 0 });
  expect(grown.rooms[roomId]).not.toHaveProperty("initial");
  expect((await connection.next(list([0, 19], { timeline_limit: 2 }))).rooms).toEqual({});
  const older = await user.call(
    "GET",
    path(roomId, `/messages?dir=b&limit=1&from=${grown.rooms[roomId].prev_batch}`),
  );
  expect(older.chunk.map((event: Body) => event.content.body)).toEqual(["a"]);
  // A position of the sync is a place to read from, too.
  const fromPos = await user.call(
    "GET",
    path(roomId, `/messages?dir=b&limit=1&from=${connection.pos}`),
  );
  expect(fromPos.chunk.map((event: Body) => event.content.body)).toEqual(["d"]);
});

test("an invite comes with stripped state, then the room as it is, then its end", async () => {
  const [host, guest] = [await register(server, "host"), await register(server, "guest")];
  const roomId = await room(host, { preset: "private_chat", name: "Party" });
  const connection = open(guest, list([0, 19], { required_state: [["m.room.member", "$ME"]] }));
  expect((await connection.next()).lists.all.count).toBe(0);
  await host.call("POST", path(roomId, "/invite"), { user_id: guest.userId });
  const invited = await connection.until(roomId);
  expect(invited).toMatchObject({ initial: true, membership: "invite" });
  const stripped = invited.invite_state.map((event: Body) => event.type);
  expect(stripped).toEqual(expect.arrayContaining(["m.room.name", "m.room.member"]));
  expect(invited).not.toHaveProperty("timeline");
  await guest.call("POST", path(roomId, "/join"), {});
  const joined = await connection.until(roomId);
  expect(joined).toMatchObject({ initial: true, name: "Party", joined_count: 2 });
  expect(stateOf(joined)).toEqual([`m.room.member|${guest.userId}`]);
  await guest.call("POST", path(roomId, "/leave"), {});
  await host.send(roomId, "not for the guest");
  const left = await connection.until(roomId);
  expect(left.membership).toBe("leave");
  expect(left.required_state.map((event: Body) => event.content.membership)).toEqual(["leave"]);
  expect(JSON.stringify(left)).not.toContain("not for the guest");
  expect((await connection.next()).lists.all.count).toBe(0);
});

test("whoever is put out of a room is told, also on a new connection; who left is not", async () => {
  const [host, guest] = [await register(server, "host2"), await register(server, "guest2")];
  const [kicked, left, rejected] = [await room(host), await room(host), await room(host)];
  for (const roomId of [kicked, left]) await guest.call("POST", path(roomId, "/join"), {});
  await host.call("POST", path(rejected, "/invite"), { user_id: guest.userId });
  await host.send(kicked, "seen");
  await host.call("POST", path(kicked, "/kick"), { user_id: guest.userId });
  await host.send(kicked, "unseen");
  await guest.call("POST", path(left, "/leave"), {});
  await host.call("POST", path(rejected, "/kick"), { user_id: guest.userId });
  const { rooms } = await open(guest, list([0, 19], { timeline_limit: 10 })).next();
  expect(Object.keys(rooms)).toEqual([kicked]);
  expect(rooms[kicked].membership).toBe("leave");
  expect(texts(rooms[kicked])).toEqual(["seen"]);
});

test("a room of which one is no member says nothing to a subscription", async () => {
  const roomId = await room(alice, { preset: "private_chat" });
  const body = { room_subscriptions: { [roomId]: { timeline_limit: 5 }, "!no:x.example": {} } };
  expect((await open(bob, body).next()).rooms).toEqual({});
});
