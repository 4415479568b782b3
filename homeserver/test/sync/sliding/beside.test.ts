/** Sliding sync beside what else goes on: sessions that end, ignored users, presence, typing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { register, type TestUser } from "../../support/user.ts";
import { ask, Connection, list, texts } from "./connection.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  [alice, bob] = [await register(server, "alice"), await register(server, "bob")];
});
afterAll(() => server.close());

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const open = (user: TestUser, request: object) => new Connection(server.baseUrl, user, request);
const room = async (by: TestUser, options: object = {}): Promise<string> =>
  (await by.call("POST", "/createRoom", { preset: "public_chat", ...options })).room_id;

async function shared(...others: TestUser[]): Promise<string> {
  const roomId = await room(alice);
  for (const other of others) await other.call("POST", path(roomId, "/join"), {});
  return roomId;
}

test("a request that waits when its session ends is told so, and nothing more", async () => {
  const user = await register(server, "leaver");
  const roomId = await shared(user);
  const connection = open(user, list([0, 19]));
  const { pos } = await connection.next();
  const waiting = ask(server.baseUrl, user, list([0, 19]), { pos, timeout: "25000" });
  await user.call("GET", "/account/whoami");
  await user.call("POST", "/logout", {});
  await alice.send(roomId, "not for who has gone");
  expect(await waiting).toMatchObject({ status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } });
});

test("of whom one ignores come neither messages, nor receipts, typing, counts or invites", async () => {
  const [loud, reader] = [await register(server, "loud"), await register(server, "reader")];
  const roomId = await shared(loud, reader);
  const first = await alice.send(roomId, "quiet");
  const ignored = { ignored_users: { [loud.userId]: {} } };
  const account = `/user/${encodeURIComponent(reader.userId)}/account_data`;
  await reader.call("PUT", `${account}/m.ignored_user_list`, ignored);
  const connection = open(reader, {
    ...list([0, 19], { timeline_limit: 10 }),
    extensions: { typing: { enabled: true }, receipts: { enabled: true } },
  });
  await connection.next();
  const invitedTo = await room(loud);
  await loud.call("POST", path(invitedTo, "/invite"), { user_id: reader.userId });
  await loud.send(roomId, "loud");
  await loud.call("POST", path(roomId, `/receipt/m.read/${encodeURIComponent(first)}`), {});
  const typing = path(roomId, `/typing/${encodeURIComponent(loud.userId)}`);
  await loud.call("PUT", typing, { typing: true, timeout: 30_000 });
  await alice.send(roomId, "and quiet");
  const news = await connection.next({}, 20_000);
  expect(texts(news.rooms[roomId])).toEqual(["and quiet"]);
  expect(news.rooms[roomId].notification_count).toBe(2);
  expect(news.lists.all.count).toBe(1);
  expect(JSON.stringify(news)).not.toContain(loud.userId);
});

test("a request makes its user seen, unless it says otherwise", async () => {
  const user = await register(server, "seen");
  await shared(user);
  const presence = async () =>
    (await user.call("GET", `/presence/${encodeURIComponent(user.userId)}/status`)).presence;
  const request = (how: string) =>
    ask(server.baseUrl, user, list([0, 19]), { set_presence: how, timeout: "0" });
  await request("offline");
  expect(await presence()).toBe("offline");
  await request("unavailable");
  expect(await presence()).toBe("unavailable");
  await ask(server.baseUrl, user, list([0, 19]));
  expect(await presence()).toBe("online");
  expect(await request("asleep")).toMatchObject({ status: 400 });
});

test("who stops to type in a room that is not wanted is not shown as typing when it is again", async () => {
  const user = await register(server, "watcher");
  const [one, two] = [await shared(user, bob), await shared(user, bob)];
  const extensions = { extensions: { typing: { enabled: true } } };
  const connection = open(user, { ...list([0, 19]), ...extensions });
  await connection.next();
  const types = (typing: boolean, roomId: string) =>
    bob.call("PUT", path(roomId, `/typing/${encodeURIComponent(bob.userId)}`), {
      ...{ typing, timeout: 30_000 },
    });
  const typingIn = (body: { extensions: { typing?: { rooms: object } } }) =>
    body.extensions.typing?.rooms ?? {};
  await types(true, one);
  const shown = await connection.next({}, 20_000);
  expect(typingIn(shown)).toMatchObject({ [one]: { content: { user_ids: [bob.userId] } } });
  await bob.send(two, "above the other");
  const narrow = { ...list([0, 0]), ...extensions };
  expect(Object.keys((await connection.next(narrow, 20_000)).rooms)).toEqual([two]);
  await types(false, one);
  await types(true, two);
  expect(Object.keys(typingIn(await connection.next(narrow, 20_000)))).toEqual([two]);
  const lost = await connection.peek();
  const wide = await connection.next();
  for (const body of [lost, wide]) {
    expect(typingIn(body)).toMatchObject({ [one]: { content: { user_ids: [] } } });
  }
  expect(typingIn(await connection.next())).toEqual({});
});
