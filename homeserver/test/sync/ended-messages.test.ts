/** Syncs do not show what has ended, also to whoever was there all the time. (MSC1763.) */
import { afterAll, beforeAll, expect, test } from "vitest";
import { NO_RETENTION } from "../../src/rooms/visibility/retention-rules.ts";
import { createSyncWorld, joinedRoom, type SyncWorld, texts } from "./support.ts";

const DAY = 24 * 3_600_000;
let world: SyncWorld;
beforeAll(async () => {
  const retention = { ...NO_RETENTION, isOn: true, usual: DAY };
  world = await createSyncWorld({ retention });
  // From now on it is known what rooms say.
  await world.rooms.purges.ended(new AbortController().signal);
});
afterAll(() => world.close());

test.each([
  ["where it can be from memory", {}],
  ["computed in full", { room: { timeline: { not_types: ["x.of.nobody"] } } }],
])("an incremental sync has only the messages that last, %s", async (_how, filter) => {
  const [ann, ben] = [world.user("ann"), world.user("ben")];
  const roomId = await world.rooms.create.room(ann.by, { preset: "public_chat" });
  await world.rooms.members.join({ by: ben.by, room: roomId });
  const say = (body: string, ageMs: number) =>
    world.rooms.send.message({
      ...{ by: ann.by, roomId, type: "m.room.message", content: { body } },
      originServerTs: Date.now() - ageMs,
    });
  const { next_batch: first } = await ben.sync(undefined, { filter });
  await say("old", 2 * DAY);
  await say("new", 0);
  const second = await ben.sync(first, { filter });
  expect(texts(joinedRoom(second, roomId))).toEqual(["new"]);
  await say("alone", 2 * DAY);
  const third = await ben.sync(second.next_batch, { filter });
  expect(texts(joinedRoom(third, roomId))).toEqual([]);
  await say("newest", 0);
  const last = await ben.sync(third.next_batch, { filter });
  expect(texts(joinedRoom(last, roomId))).toEqual(["newest"]);
  // Nor are they counted: there would be nothing to read.
  expect(joinedRoom(last, roomId).unread_notifications).toMatchObject({ notification_count: 2 });
});
