/** Rules on who may invite, on two real servers. (MSC4155.) */
import { afterAll, beforeAll, expect, test } from "vitest";
import { setPusher, startGateway } from "../push/fake-gateway.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { until } from "../support/wait.ts";
import { Connection, list } from "../sync/sliding/connection.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let carol: TestUser;
let count = 0;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer(), startServer()]);
  [alice, carol] = [await register(one, "alice"), await register(one, "carol")];
});
afterAll(() => Promise.all([one.close(), two.close()]));

const TYPE = "org.matrix.msc4155.invite_permission_config";
const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const rules = (user: TestUser, content: Body) =>
  user.ask("PUT", `/user/${encodeURIComponent(user.userId)}/account_data/${TYPE}`, content);
const invite = (by: TestUser, roomId: string, guest: TestUser) =>
  by.ask("POST", path(roomId, "/invite"), { user_id: guest.userId });
const room = async (by: TestUser): Promise<string> =>
  (await by.call("POST", "/createRoom", {})).room_id;
const invited = async (user: TestUser) => Object.keys((await user.sync()).rooms?.invite ?? {});
const listed = async (server: TestServer, user: TestUser) =>
  Object.keys((await new Connection(server.baseUrl, user, list([0, 99])).next()).rooms);
const blocked = { status: 403, body: { errcode: "M_INVITE_BLOCKED" } };

/** Somebody of the same server as Alice, and somebody of another. */
async function guests(): Promise<[TestServer, TestUser][]> {
  count += 1;
  return [
    [one, await register(one, `near${count}`)],
    [two, await register(two, `far${count}`)],
  ];
}

test("who is blocked is refused by every operation, and others are not", async () => {
  for (const [, guest] of await guests()) {
    await rules(guest, { blocked_users: [alice.userId] });
    const roomId = await room(alice);
    expect(await invite(alice, roomId, guest)).toMatchObject(blocked);
    const key = encodeURIComponent(guest.userId);
    const state = path(roomId, `/state/m.room.member/${key}`);
    expect(await alice.ask("PUT", state, { membership: "invite" })).toMatchObject(blocked);
    const created = await alice.ask("POST", "/createRoom", { invite: [guest.userId] });
    // As for all invites: of another server's users it is known only when the room is there.
    if (guest.userId.endsWith(`:${one.name}`)) expect(created).toMatchObject(blocked);
    else expect(created.status).toBe(200);
    expect(await invited(guest)).toEqual([]);
    const other = await room(carol);
    expect((await invite(carol, other, guest)).status).toBe(200);
    expect(await invited(guest)).toEqual([other]);
  }
});

test("servers are allowed and blocked, whatever their port", async () => {
  const [, [, guest]] = (await guests()) as [unknown, [TestServer, TestUser]];
  const host = one.name.replace(/:\d+$/, "");
  await rules(guest, { blocked_servers: [host], allowed_users: [carol.userId] });
  expect(await invite(alice, await room(alice), guest)).toMatchObject(blocked);
  expect((await invite(carol, await room(carol), guest)).status).toBe(200);
  await rules(guest, { enabled: false, blocked_servers: [host] });
  expect((await invite(alice, await room(alice), guest)).status).toBe(200);
});

test("who is ignored learns nothing, and the user hears nothing until the rules change", async () => {
  for (const [server, guest] of await guests()) {
    const gateway = await startGateway();
    await setPusher(guest, gateway.url);
    await rules(guest, { ignored_users: [alice.userId] });
    const roomId = await room(alice);
    const { next_batch: since } = await guest.sync();
    expect(await invite(alice, roomId, guest)).toEqual({ status: 200, body: {} });
    const key = encodeURIComponent(guest.userId);
    const member = await alice.call("GET", path(roomId, `/state/m.room.member/${key}`));
    expect(member.membership).toBe("invite");
    // What comes after it is told: so was what came before.
    const other = await room(carol);
    await invite(carol, other, guest);
    const told = await guest.syncUntil(since, (body) => body.rooms?.invite?.[other] !== undefined);
    expect(told.rooms.invite[roomId]).toBe(undefined);
    await until(() => gateway.events().length > 0);
    expect(gateway.events().map((event: Body) => event.room_id)).toEqual([other]);
    await until(() => gateway.badge() === 1);
    expect(await invited(guest)).toEqual([other]);
    expect(await listed(server, guest)).toEqual([other]);
    const { notifications } = await guest.call("GET", "/notifications");
    expect(notifications.map((one: Body) => one.room_id)).toEqual([other]);
    await rules(guest, {});
    expect((await invited(guest)).toSorted()).toEqual([roomId, other].toSorted());
    expect((await listed(server, guest)).toSorted()).toEqual([roomId, other].toSorted());
    await gateway.stop();
  }
});

test("invites of before are hidden by new rules, and so is that they are taken back", async () => {
  for (const [server, guest] of await guests()) {
    const roomId = await room(alice);
    await invite(alice, roomId, guest);
    expect(await invited(guest)).toEqual([roomId]);
    await rules(guest, { blocked_servers: ["*"] });
    const { next_batch: since } = await guest.sync();
    expect(await invited(guest)).toEqual([]);
    expect(await listed(server, guest)).toEqual([]);
    await alice.call("POST", path(roomId, "/kick"), { user_id: guest.userId });
    await guest.call("POST", "/createRoom", { name: "afterwards" });
    const news = await guest.syncUntil(since, (body) => body.rooms?.join !== undefined);
    expect(news.rooms.leave?.[roomId]).toBe(undefined);
  }
});

test("rules that are malformed count for nothing, and too many are refused", async () => {
  const [[, guest]] = (await guests()) as [[TestServer, TestUser]];
  expect((await rules(guest, { blocked_servers: ["*"], allowed_users: [1] })).status).toBe(200);
  expect((await invite(alice, await room(alice), guest)).status).toBe(200);
  const patterns = Array.from({ length: 1_001 }, (_, n) => `@${n}*:*`);
  const refused = { status: 413, body: { errcode: "M_TOO_LARGE" } };
  expect(await rules(guest, { blocked_users: patterns })).toMatchObject(refused);
  const response = await fetch(`${one.baseUrl}/_matrix/client/versions`);
  const { unstable_features: flags } = (await response.json()) as Body;
  expect([flags["org.matrix.msc4155"], flags["org.matrix.msc4380.stable"]]).toEqual([true, true]);
});
