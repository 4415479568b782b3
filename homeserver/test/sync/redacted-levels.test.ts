/** Power levels that were redacted say no more who may notify the room. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSyncWorld, joinedRoom, type SyncWorld } from "./support.ts";

let world: SyncWorld;
beforeAll(async () => void (world = await createSyncWorld()));
afterAll(() => world.close());

test("a mention of the room counts by the levels that are left", async () => {
  const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => world.user(name));
  const { rooms } = world;
  const roomId = await rooms.create.room(alice!.by, {
    ...{ preset: "public_chat", room_version: "10" },
    power_level_content_override: { notifications: { room: 0 } },
  });
  for (const { by } of [bob!, carol!]) await rooms.members.join({ by, room: roomId });
  const mention = () => bob!.send(roomId, "all of you", { "m.mentions": { room: true } });
  const counts = async () => joinedRoom(await carol!.sync(), roomId).unread_notifications;
  const first = await mention();
  expect(await counts()).toEqual({ notification_count: 1, highlight_count: 1 });
  await carol!.read(roomId, first);
  const room = (await rooms.view.room(roomId))!;
  const levels = (await rooms.view.currentStateEvent(room.nid, "m.room.power_levels", ""))!;
  const { eventId } = levels.event;
  await rooms.send.redact({ by: alice!.by, roomId, eventId, txnId: "redact" });
  await mention();
  expect(await counts()).toEqual({ notification_count: 1, highlight_count: 0 });
});
