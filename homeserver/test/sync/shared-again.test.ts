/** What is told of users with whom no room was shared for a while, between two syncs. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Actor } from "../../src/rooms/index.ts";
import { publicRoom, startServers } from "../rooms/support/servers.ts";
import { syncOn } from "./support.ts";

const [world, here, there] = await startServers("here.test", "there.test");
const alice = here.user("alice");
const carol = here.user("carol");
const bob = there.user("bob");
let on: ReturnType<typeof syncOn>;

beforeAll(() => {
  const { log, rooms, db, name } = here;
  on = syncOn({ log, rooms, sql: db.sql, serverName: name });
});
afterAll(async () => {
  on.sync.stop();
  await on.ephemeral.stop();
});

const room = () => publicRoom(world, [here, alice], [here, carol], [there, bob]);

/** Whom alice's next sync says to ask for, once somebody left and came back. */
async function toldAfter(who: Actor, roomId: Awaited<ReturnType<typeof room>>) {
  const { next_batch: since } = await on.user("alice").sync();
  const { members } = (who === bob ? there : here).rooms;
  await members.leave({ by: who, roomId });
  await world.flush();
  await members.join({ by: who, room: roomId, via: [here.name, there.name] });
  await world.flush();
  return (await on.user("alice").sync(since)).device_lists;
}

test("whoever was away may have changed devices of which their server did not tell", async () => {
  const roomId = await room();
  // All changes of users of the same server are told, whoever shares a room.
  expect(await toldAfter(carol, roomId)).toBeUndefined();
  const onlyBob = { changed: [bob.userId], left: [] };
  expect(await toldAfter(bob, roomId)).toEqual(onlyBob);
  await here.rooms.members.leave({ by: carol, roomId });
  await world.flush();
  expect(await toldAfter(alice, roomId)).toEqual(onlyBob);
  // Another room was shared all the time.
  await room();
  expect(await toldAfter(bob, roomId)).toBeUndefined();
});
