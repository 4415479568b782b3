/** Who is ignored counts for nothing, from the moment on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSyncWorld, joinedRoom, leftRoom, type SyncWorld, texts } from "./support.ts";

let world: SyncWorld;
beforeAll(async () => void (world = await createSyncWorld()));
afterAll(() => world.close());

test("unread counts leave out who is ignored, and count them again once they are not", async () => {
  const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => world.user(name));
  const roomId = await world.rooms.create.room(alice!.by, { preset: "public_chat" });
  for (const { by } of [bob!, carol!]) await world.rooms.members.join({ by, room: roomId });
  const root = await bob!.send(roomId, "carol: loud", {
    "m.mentions": { user_ids: [carol!.userId] },
  });
  await bob!.send(roomId, "in a thread", {
    "m.relates_to": { rel_type: "m.thread", event_id: root },
  });
  await alice!.send(roomId, "quiet");
  const counts = async () => joinedRoom(await carol!.sync(), roomId).unread_notifications;
  const ignore = async (...users: string[]) => {
    world.ignored.set(carol!.userId, new Set(users));
    const content = JSON.stringify({
      ignored_users: Object.fromEntries(users.map((id) => [id, {}])),
    });
    const row = { userId: carol!.userId, roomNid: 0, type: "m.ignored_user_list", content };
    await world.log.append({ records: [{ kind: "account_data", ...row }] });
  };
  expect(await counts()).toEqual({ notification_count: 3, highlight_count: 1 });
  await ignore(bob!.userId);
  expect(await counts()).toEqual({ notification_count: 1, highlight_count: 0 });
  const { next_batch: since } = await carol!.sync();
  await bob!.send(roomId, "again");
  await alice!.send(roomId, "and quiet");
  const room = joinedRoom(await carol!.sync(since), roomId);
  expect(texts(room)).toEqual(["and quiet"]);
  expect(room.unread_notifications).toEqual({ notification_count: 2, highlight_count: 0 });
  await ignore();
  expect(await counts()).toEqual({ notification_count: 5, highlight_count: 1 });
});

test("an invite of who is ignored is not shown, nor that it was taken back", async () => {
  const [dave, erin] = ["dave", "erin"].map((name) => world.user(name));
  const roomId = await world.rooms.create.room(dave!.by, {});
  world.ignored.set(erin!.userId, new Set([dave!.userId]));
  const { next_batch: since } = await erin!.sync();
  const request = { by: dave!.by, roomId, userId: erin!.userId };
  await world.rooms.members.invite(request);
  expect((await erin!.sync(since)).rooms).toBeUndefined();
  await world.rooms.members.kick(request);
  expect(leftRoom(await erin!.sync(since), roomId)).toBeUndefined();
  world.ignored.set(erin!.userId, new Set());
  expect(leftRoom(await erin!.sync(since), roomId)).toBeDefined();
});
