/** Unread counts, over restarts and in several devices. */
import { expect, test } from "vitest";
import { joinedRoom } from "./support.ts";
import { alice, bob, restart, shared, world } from "./counted.ts";

test("somebody in two devices at once is told the same counts", async () => {
  const roomId = await shared(bob);
  let { next_batch: since } = await bob.sync();
  for (let round = 0; round < 5; round += 1) {
    const sends = [1, 2, 3].map((i) => alice.send(roomId, `${round} ${i}`));
    const syncs = [1, 2, 3, 4].map((i) => bob.sync(since, { device: `D${i}` }));
    await Promise.all([...sends, ...syncs]);
    const [a, b] = await Promise.all([bob.sync(since), bob.sync(since, { device: "OTHER" })]);
    const count = (body: typeof a) => joinedRoom(body, roomId).unread_notifications;
    expect(count(a)).toEqual({ notification_count: 3 * (round + 1), highlight_count: 0 });
    expect(count(b)).toEqual(count(a));
    since = a.next_batch;
  }
});

test("unread counts survive a restart, also after a change of one's own name", async () => {
  const roomId = await shared(bob);
  const { next_batch: since } = await bob.sync();
  await alice.send(roomId, "one");
  await world.rooms.send.state({
    by: bob.by,
    roomId,
    type: "m.room.member",
    stateKey: bob.userId,
    content: { membership: "join", displayname: "Robert" },
  });
  await alice.send(roomId, "two");
  const count = async () => joinedRoom(await bob.sync(since), roomId).unread_notifications;
  expect((await count()).notification_count).toBe(2);
  await restart();
  expect((await count()).notification_count).toBe(2);
});

test("a receipt of one's own brings the counts, also where the filter leaves receipts out", async () => {
  const roomId = await shared(bob);
  const { next_batch: first } = await bob.sync();
  const last = await alice.send(roomId, "one");
  const { next_batch: since } = await bob.sync(first);
  await alice.sync(since);
  await bob.read(roomId, last, "m.read.private");
  const filter = { room: { ephemeral: { types: [] } } };
  const body = await bob.sync(since, { filter });
  expect(joinedRoom(body, roomId).unread_notifications.notification_count).toBe(0);
  expect(joinedRoom(body, roomId).ephemeral.events).toEqual([]);
  expect(joinedRoom(await alice.sync(since), roomId)).toBeUndefined();
});

test("who says something has read what was said before, there and in no other thread", async () => {
  const roomId = await shared(bob);
  const { next_batch: since } = await bob.sync();
  const root = await alice.send(roomId, "root");
  const inThread = { "m.relates_to": { rel_type: "m.thread", event_id: root } };
  const reply = await alice.send(roomId, "in the thread", inThread);
  const relation = { rel_type: "m.reference", event_id: reply };
  await alice.send(roomId, "about the reply", { "m.relates_to": relation });
  const filter = { room: { timeline: { unread_thread_notifications: true } } };
  const counts = async () => {
    const room = joinedRoom(await bob.sync(since, { filter }), roomId);
    const { notification_count: main } = room.unread_notifications;
    return [main, room.unread_thread_notifications[root]?.notification_count ?? 0];
  };
  expect(await counts()).toEqual([1, 2]);
  await bob.send(roomId, "mine");
  expect(await counts()).toEqual([0, 2]);
  await alice.send(roomId, "answer");
  await bob.send(roomId, "mine in the thread", inThread);
  expect(await counts()).toEqual([1, 0]);
  await restart();
  expect(await counts()).toEqual([1, 0]);
});
