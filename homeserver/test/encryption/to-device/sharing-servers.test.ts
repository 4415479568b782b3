import { afterAll, expect, test } from "vitest";
import { createSharingServers } from "../../../src/encryption/to-device/sharing-servers.ts";
import { createManualClock } from "../../../src/platform/clock.ts";
import type { Sql } from "../../../src/storage/sql.ts";
import { publicRoom, startServers } from "../../rooms/support/servers.ts";

const [world, here, there] = await startServers("here.test", "there.test");
const clock = createManualClock();
// The cache takes a time of 0 for none.
clock.advance(1);
let queries = 0;
const sql: Sql = new Proxy(here.db.sql, {
  apply(target, self, args) {
    queries += 1;
    return Reflect.apply<unknown, unknown[], unknown>(target as never, self, args);
  },
});
const sharing = createSharingServers({ ...{ sql, clock }, log: here.log, serverName: here.name });
afterAll(() => sharing.stop());

const has = () => sharing.has(there.name);

test("whether a server shares a room is remembered for a minute, and a join is known at once", async () => {
  const [alice, bob] = [here.user("alice"), there.user("bob")];
  expect([await has(), await has(), queries]).toEqual([false, false, 1]);
  const roomId = await publicRoom(world, [here, alice], [there, bob]);
  expect([await has(), await has(), queries]).toEqual([true, true, 2]);
  await there.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  expect(await has()).toBe(true);
  clock.advance(61_000);
  expect([await has(), await has(), queries]).toEqual([false, false, 3]);
  // A local user enters a room in which the other server is.
  const theirs = await publicRoom(world, [there, bob]);
  expect(await has()).toBe(false);
  await here.rooms.members.join({ by: alice, room: theirs, via: [there.name] });
  expect(await has()).toBe(true);
});
