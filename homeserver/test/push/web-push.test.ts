/** Pushers for web push: messages that only the app can read, straight to its push server. (MSC4174) */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { pusherBody, read, roomOf } from "./fake-gateway.ts";
import { startPushServer } from "./fake-push-server.ts";

let server: TestServer;
let people = 0;
const KIND = "org.matrix.msc4174.webpush";
const APP = "org.example.app";

beforeAll(async () => {
  server = await startServer();
}, 60_000);
afterAll(() => server?.close(), 60_000);

async function ask(user: TestUser, path: string, body: Body) {
  const response = await fetch(`${server.baseUrl}/_matrix/client/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Body };
}
const set = (user: TestUser, push: { pushkey: string; data: Body }, more: Body = {}) =>
  ask(user, "v3/pushers/set", {
    ...pusherBody(push.data.url, { kind: KIND, pushkey: push.pushkey }),
    data: { ...push.data, ...more },
  });
const acknowledge = (user: TestUser, token: string, app = APP) =>
  ask(user, "unstable/org.matrix.msc4174/pushers/ack", { app_id: app, ack_token: token });

/** Two people with a room, one of whom has an active pusher for web push. */
async function scene(more: Body = {}) {
  people += 1;
  const alice = await register(server, `alice${people}`);
  const bob = await register(server, `bob${people}`);
  const push = await startPushServer();
  const roomId = await roomOf(alice, bob);
  expect((await set(bob, push, more)).status).toBe(201);
  await until(() => push.told.length === 1);
  const { app_id: app, ack_token: token, ...rest } = push.told[0];
  expect([app, rest]).toEqual([APP, {}]);
  expect((await acknowledge(bob, token)).status).toBe(200);
  return { alice, bob, push, roomId };
}
const events = (push: { told: Body[] }) => push.told.filter(({ event_id: id }) => id !== undefined);

test("an app that has sent its token back is told what happens, encrypted", async () => {
  const { alice, bob, push, roomId } = await scene({ default_payload: { user_id: "me" } });
  const eventId = await alice.send(roomId, "hello");
  await until(() => events(push).length === 1);
  const { unread: _unread, ...told } = events(push)[0];
  expect(told).toEqual({
    ...{ event_id: eventId, room_id: roomId, type: "m.room.message", sender: alice.userId },
    ...{ prio: "high", user_id: "me" },
    content: { msgtype: "m.text", body: "hello" },
  });
  const { capabilities } = await bob.call("GET", "/capabilities");
  const { enabled, vapid } = capabilities[KIND];
  expect(enabled).toBe(true);
  const headers = push.headers.at(-1)!;
  expect(headers.authorization).toMatch(/^vapid t=[\w-]+\.[\w-]+\.[\w-]+, k=[\w-]+$/);
  expect(headers.authorization!.split("k=")[1]).toBe(vapid);
  expect([headers["content-encoding"], headers.urgency]).toEqual(["aes128gcm", "high"]);
  await read(bob, roomId, eventId);
  await until(() => push.told.at(-1).unread === 0);
  await push.stop();
});

test("an app that has not is told nothing else, and stays active where it sets the same", async () => {
  const { alice, bob, push, roomId } = await scene();
  expect((await set(bob, push)).status).toBe(200);
  const { pushers } = await bob.call("GET", "/pushers");
  expect(pushers[0]).toMatchObject({ kind: KIND, activated: true, data: { activated: true } });
  const other = await startPushServer();
  expect((await set(bob, other)).status).toBe(201);
  await until(() => other.told.length === 1);
  await alice.send(roomId, "for the first alone");
  await until(() => events(push).length === 1);
  expect(events(other)).toEqual([]);
  expect((await bob.call("GET", "/pushers")).pushers[1].activated).toBe(false);
  // From now on, and not what was before.
  await acknowledge(bob, other.told[0].ack_token);
  await alice.send(roomId, "for both");
  await until(() => events(push).length === 2 && events(other).length === 1);
  expect(events(other)[0].content.body).toBe("for both");
  await push.stop();
  await other.stop();
});

test("a token is another's to no avail, and good once and for a while", async () => {
  const { alice, bob, push } = await scene();
  const other = await startPushServer();
  await set(bob, other);
  await until(() => other.told.length === 1);
  const token = other.told[0].ack_token;
  const refused = async (user: TestUser, text: string, app?: string) => {
    const { status, body } = await acknowledge(user, text, app);
    return [status, body.errcode];
  };
  expect(await refused(bob, "wrong")).toEqual([400, "M_UNKNOWN_ACTIVATION_TOKEN"]);
  expect(await refused(alice, token)).toEqual([404, "M_NOT_FOUND"]);
  expect(await refused(bob, token, "org.example.other")).toEqual([404, "M_NOT_FOUND"]);
  await server.database.sql`UPDATE pushers SET ack_expires = ack_expires - 300000`;
  expect(await refused(bob, token)).toEqual([400, "M_UNKNOWN_ACTIVATION_TOKEN"]);
  await set(bob, other);
  await until(() => other.told.length === 2);
  expect((await acknowledge(bob, other.told[1].ack_token)).status).toBe(200);
  expect(await refused(bob, other.told[1].ack_token)).toEqual([400, "M_UNKNOWN_ACTIVATION_TOKEN"]);
  await push.stop();
  await other.stop();
});

test("a long message loses its content, and not the message", async () => {
  const { alice, push, roomId } = await scene({ events_only: true });
  const eventId = await alice.send(roomId, "x".repeat(10_000));
  await until(() => events(push).length === 1);
  expect(events(push)[0]).toMatchObject({ event_id: eventId, room_id: roomId });
  expect(events(push)[0].content).toBeUndefined();
  await push.stop();
});

test("a subscription that is over ends its pusher; a push server that is away does not", async () => {
  const { alice, bob, push, roomId } = await scene({ format: "event_id_only" });
  push.answer(500);
  const eventId = await alice.send(roomId, "kept");
  await until(() => push.headers.length > 1);
  push.answer(201);
  await until(() => events(push).length === 1);
  const { unread: _unread, ...told } = events(push)[0];
  expect(told).toEqual({ event_id: eventId, room_id: roomId, prio: "high" });
  push.answer(410);
  await alice.send(roomId, "gone");
  await eventually("the pusher is deleted", async () => {
    const { pushers } = await bob.call("GET", "/pushers");
    return pushers.length === 0;
  });
  await push.stop();
});

test.each<[string, Body]>([
  ["no secret", { auth: undefined }],
  ["a short secret", { auth: "AAAA" }],
  ["no address", { url: undefined }],
  ["another protocol", { url: "ftp://push.test/" }],
])("a subscription with %s is refused", async (_what, more) => {
  const bob = await register(server, `bob${(people += 1)}`);
  const push = await startPushServer();
  const answer = await set(bob, push, more);
  expect(answer.status).toBe(400);
  expect(answer.body.errcode).toMatch(/^M_(INVALID|MISSING)_PARAM$/);
  const wrongKey = await set(bob, { ...push, pushkey: "no key" });
  expect([wrongKey.status, wrongKey.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  await push.stop();
});
