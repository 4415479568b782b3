/** Threads that are followed notify, others don't. (MSC4306.) */
import { afterAll, beforeAll, expect, test } from "vitest";
import { roomOf, setPusher, startGateway } from "../push/fake-gateway.ts";
import { startServer, type TestServer } from "../support/server.ts";
import type { Body, TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { reply, scene, subscriptionPath, unstable } from "./scene.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const KIND = "/pushrules/global/postcontent";
const FOLLOWED = ".io.element.msc4306.rule.subscribed_thread";
const OTHERS = ".io.element.msc4306.rule.unsubscribed_thread";
const THREADS = JSON.stringify({ room: { timeline: { unread_thread_notifications: true } } });

/** Unread counts of a room: outside of threads, and in one. */
async function counts(user: TestUser, roomId: string, root: string) {
  const room = (await user.sync({ filter: THREADS, timeout: "0" })).rooms.join[roomId];
  const thread = room.unread_thread_notifications?.[root] ?? {};
  return {
    main: room.unread_notifications.notification_count as number,
    thread: (thread.notification_count ?? 0) as number,
    loud: (thread.highlight_count ?? 0) as number,
  };
}

test("the rules are off until the first thread is followed, and the user's from then on", async () => {
  const { bob, ask } = await scene(server);
  const rules = async (): Promise<Body[]> =>
    (await bob.call("GET", "/pushrules/")).global.postcontent;
  expect((await rules()).map(({ rule_id: id, enabled }) => [id, enabled])).toEqual([
    [OTHERS, false],
    [FOLLOWED, false],
  ]);
  const { next_batch: since } = await bob.sync();
  await ask("PUT", {});
  expect((await rules()).map(({ enabled }) => enabled)).toEqual([true, true]);
  const told = await bob.syncUntil(since, (body) =>
    body.account_data?.events.some(({ type }: Body) => type === "m.push_rules"),
  );
  const pushed = told.account_data.events.find(({ type }: Body) => type === "m.push_rules");
  expect(pushed.content.global.postcontent).toEqual(await rules());
  await bob.call("PUT", `${KIND}/${OTHERS}/enabled`, { enabled: false });
  await ask("DELETE");
  await ask("PUT", {});
  expect((await rules()).map(({ enabled }) => enabled)).toEqual([false, true]);
});

test("nobody makes rules of this kind, nor removes them", async () => {
  const { bob } = await scene(server);
  const rule = { actions: [], conditions: [] };
  const refused = { status: 400, body: { errcode: "M_INVALID_PARAM" } };
  expect(await bob.ask("PUT", `${KIND}/mine`, rule)).toMatchObject(refused);
  expect(await bob.ask("PUT", `${KIND}/${OTHERS}`, rule)).toMatchObject(refused);
  expect((await bob.ask("DELETE", `${KIND}/${OTHERS}`)).status).toBe(404);
  await bob.call("PUT", `${KIND}/${FOLLOWED}/actions`, { actions: ["notify"] });
  expect(await bob.call("GET", `${KIND}/${FOLLOWED}/actions`)).toEqual({ actions: ["notify"] });
});

test("who follows no thread at all is told of threads as ever", async () => {
  const { alice, bob, roomId, root } = await scene(server);
  const before = await counts(bob, roomId, root);
  await reply(alice, roomId, root, "more");
  expect((await counts(bob, roomId, root)).thread).toBe(before.thread + 1);
});

test("messages count in threads that are followed, and in others only where they mention", async () => {
  const { alice, bob, ask, roomId, root } = await scene(server);
  const other = await alice.send(roomId, "another thread begins");
  const inOther = await reply(alice, roomId, other, "there");
  await ask("PUT", {});
  await bob.call(
    "POST",
    `/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(inOther)}`,
    {},
  );
  await reply(alice, roomId, root, "followed");
  await reply(alice, roomId, other, "not followed");
  expect(await counts(bob, roomId, root)).toMatchObject({ main: 0, thread: 1 });
  expect(await counts(bob, roomId, other)).toMatchObject({ main: 0, thread: 0 });
  await reply(alice, roomId, other, "you there", { "m.mentions": { user_ids: [bob.userId] } });
  expect(await counts(bob, roomId, other)).toMatchObject({ thread: 1, loud: 1 });
  await ask("DELETE");
  expect((await counts(bob, roomId, root)).thread).toBe(0);
  await ask("PUT", {}, other);
  expect((await counts(bob, roomId, other)).thread).toBe(2);
});

test("a thread that is followed notifies in a room that is silent", async () => {
  const { alice, bob, ask, roomId, root } = await scene(server);
  await bob.call("PUT", `/pushrules/global/room/${encodeURIComponent(roomId)}`, { actions: [] });
  const last = await reply(alice, roomId, root, "unheard");
  expect(await counts(bob, roomId, root)).toMatchObject({ main: 0, thread: 0 });
  await bob.call(
    "POST",
    `/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(last)}`,
    {},
  );
  await ask("PUT", {});
  await reply(alice, roomId, root, "heard");
  await alice.send(roomId, "unheard");
  expect(await counts(bob, roomId, root)).toMatchObject({ main: 0, thread: 1 });
});

test("push gateways and the list of notifications are told by the same rules", async () => {
  const { alice, bob } = await scene(server);
  const gateway = await startGateway();
  await setPusher(bob, gateway.url);
  const roomId = await roomOf(alice, bob);
  const [followed, other] = [await alice.send(roomId, "one"), await alice.send(roomId, "two")];
  const path = subscriptionPath(roomId, followed);
  expect((await unstable(server, bob, "PUT", path, {})).status).toBe(200);
  await reply(alice, roomId, other, "not followed");
  await reply(alice, roomId, followed, "followed");
  await alice.send(roomId, "three");
  await until(() => gateway.bodies().length >= 4);
  expect(gateway.bodies()).toEqual(["one", "two", "followed", "three"]);
  // With what began the other thread.
  await eventually("the badge counts five", () => gateway.badge() === 5);
  await unstable(server, bob, "DELETE", path);
  await alice.send(roomId, "four");
  await until(() => gateway.bodies().includes("four"));
  await eventually("what is not followed counts no more", () => gateway.badge() === 5);
  const { notifications } = await bob.call("GET", "/notifications");
  const bodies = notifications.map(({ event }: Body) => event.content.body);
  expect(bodies.filter((body: string) => body !== undefined)).toEqual([
    "four",
    "three",
    "two",
    "one",
    "a thread begins",
  ]);
  expect(gateway.faults).toEqual([]);
  await gateway.stop();
});
