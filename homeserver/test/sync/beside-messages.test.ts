/** What a sync tells beside messages and state: counts, typing, account data, tags. */
import { expect, test } from "vitest";
import { type Body, register } from "../support/user.ts";
import { alice, bob, bodies, filter, joined, path, publicRoom, server } from "./whole-server.ts";

test("unread counts follow messages, mentions and receipts", async () => {
  const roomId = await publicRoom(alice);
  await bob.call("POST", path(roomId, "/join"), {});
  let { next_batch: since } = await bob.sync();
  await alice.send(roomId, "one");
  const mention = { msgtype: "m.text", body: "hey", "m.mentions": { user_ids: [bob.userId] } };
  await alice.call("PUT", path(roomId, "/send/m.room.message/mention"), mention);
  const last = await alice.send(roomId, "three");
  let body = await bob.sync({ since });
  expect(joined(body, roomId).unread_notifications).toEqual({
    notification_count: 3,
    highlight_count: 1,
  });
  since = body.next_batch;
  await bob.call("POST", path(roomId, `/receipt/m.read/${encodeURIComponent(last)}`), {});
  body = await bob.syncUntil(since, (b) => joined(b, roomId));
  expect(joined(body, roomId).unread_notifications).toEqual({
    notification_count: 0,
    highlight_count: 0,
  });
  expect(
    joined(body, roomId).ephemeral.events[0].content[last]["m.read"][bob.userId].ts,
  ).toBeGreaterThan(0);
  const own = await alice.sync();
  expect(joined(own, roomId).unread_notifications.notification_count).toBe(0);
});

test("threads are counted apart when the filter asks", async () => {
  const roomId = await publicRoom(alice);
  await bob.call("POST", path(roomId, "/join"), {});
  const { next_batch: since } = await bob.sync();
  const root = await alice.send(roomId, "root");
  const reply = {
    msgtype: "m.text",
    body: "in thread",
    "m.relates_to": { rel_type: "m.thread", event_id: root },
  };
  await alice.call("PUT", path(roomId, "/send/m.room.message/thread"), reply);
  const byThread = filter({ room: { timeline: { unread_thread_notifications: true } } });
  const room = joined(await bob.sync({ since, filter: byThread }), roomId);
  expect(room.unread_notifications.notification_count).toBe(1);
  expect(room.unread_thread_notifications[root].notification_count).toBe(1);
});

test("typing comes and goes", async () => {
  const roomId = await publicRoom(alice);
  await bob.call("POST", path(roomId, "/join"), {});
  const { next_batch: since } = await alice.sync();
  const typing = path(roomId, `/typing/${encodeURIComponent(bob.userId)}`);
  await bob.call("PUT", typing, { typing: true, timeout: 20_000 });
  const users = (body: Body) =>
    joined(body, roomId)?.ephemeral.events.find((e: Body) => e.type === "m.typing")?.content
      .user_ids;
  const body = await alice.syncUntil(since, users);
  expect(users(body)).toEqual([bob.userId]);
  await bob.call("PUT", typing, { typing: false });
  const after = await alice.syncUntil(body.next_batch, users);
  expect(users(after)).toEqual([]);
});

test("account data and tags come where they belong", async () => {
  const roomId = await publicRoom(alice);
  const { next_batch: since } = await alice.sync();
  const self = `/user/${encodeURIComponent(alice.userId)}`;
  await alice.call("PUT", `${self}/account_data/org.example.colour`, { colour: "green" });
  await alice.call("PUT", `${self}/rooms/${encodeURIComponent(roomId)}/tags/u.work`, {
    order: 0.5,
  });
  const body = await alice.sync({ since });
  expect(body.account_data.events).toEqual([
    { type: "org.example.colour", content: { colour: "green" } },
  ]);
  expect(joined(body, roomId).account_data.events).toEqual([
    { type: "m.tag", content: { tags: { "u.work": { order: 0.5 } } } },
  ]);
});

test("messages of ignored people are left out", async () => {
  const roomId = await publicRoom(alice);
  const carol = await register(server, "carol");
  await carol.call("POST", path(roomId, "/join"), {});
  await alice.call(
    "PUT",
    `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`,
    {
      ignored_users: { [carol.userId]: {} },
    },
  );
  const { next_batch: since } = await alice.sync();
  await carol.send(roomId, "spam");
  await alice.send(roomId, "mine");
  const body = await alice.sync({ since });
  expect(bodies(joined(body, roomId))).toEqual(["mine"]);
});

test("a redaction reaches clients, and the event is bare afterwards", async () => {
  const roomId = await publicRoom(alice);
  const eventId = await alice.send(roomId, "oops");
  const { next_batch: since } = await alice.sync();
  await alice.call("PUT", path(roomId, `/redact/${encodeURIComponent(eventId)}/r1`), {});
  const room = joined(await alice.sync({ since }), roomId);
  expect(room.timeline.events.map((e: Body) => e.redacts)).toEqual([eventId]);
  const all = joined(await alice.sync(), roomId);
  const bare = all.timeline.events.find((e: Body) => e.event_id === eventId);
  expect(bare.content).toEqual({});
  expect(bare.unsigned.redacted_because.redacts).toBe(eventId);
});
