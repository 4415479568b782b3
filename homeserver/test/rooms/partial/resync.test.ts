/** Partial rooms are completed by one replica at a time, which may not have heard yet of what the others did. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import type { ServerName } from "../../../src/protocol/identifiers.ts";
import { startResync } from "../../../src/rooms/partial/resync.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import type { StoredEvent } from "../../../src/rooms/index.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { inTime } from "../../support/wait.ts";

let world: World;

beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.close());

test("what another replica fetched is what a room is completed with, whatever is in memory", async () => {
  const a = await world.server("a.test");
  const alice = a.user("alice");
  const roomId = await a.rooms.create.room(alice, {});
  // A replica that hears nothing of the log.
  const store = createRoomStore(a.db.sql);
  const room = (await store.registry.byId(roomId))!;
  const [row] = await a.db.sql<{ nid: number; whole: Buffer }[]>`
    SELECT event_nid AS nid, state_after AS whole FROM events
    WHERE room_nid = ${room.nid} AND type = 'm.room.member'`;
  const { nid, whole } = row!;
  await a.db.sql`UPDATE events SET state_after = '\\x00' WHERE event_nid = ${nid}`;
  expect((await store.events.one(nid))?.stateAfter).toBe("00");
  // Another one fetches the state, and dies.
  await a.db.sql`UPDATE events SET state_after = ${whole} WHERE event_nid = ${nid}`;
  await a.db.sql`
    INSERT INTO partial_rooms (room_nid, join_nid, servers, fetched, complete, position)
    VALUES (${room.nid}, ${nid}, '{b.test}', true, false, 1)`;
  const { promise, resolve } = Promise.withResolvers<StoredEvent>();
  const resync = startResync({
    ...{ store, serverName: a.name, clock: systemClock, logger: silentLogger(), leases: undefined },
    fetchState: () => Promise.reject(new Error("it was fetched")),
    abandon: () => Promise.reject(new Error("a user is in the room")),
    completed: async () => {},
    complete: async (_room, join, { servers }) => {
      expect(servers).toEqual(["b.test" as ServerName]);
      resolve(join);
      await a.db.sql`UPDATE partial_rooms SET complete = true`;
    },
  });
  expect((await inTime("the join is completed", promise)).stateAfter).toBe(whole.toString("hex"));
  await resync.stop();
});
