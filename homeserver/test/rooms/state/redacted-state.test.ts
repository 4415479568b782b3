/** State that was redacted counts as what is left of it, from the next command on and at every replica. */
import { systemRandom } from "../../../src/platform/random.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedisTurns } from "../../../src/cluster/redis-turns.ts";
import { createRoomTurns, LEASE_MS } from "../../../src/cluster/room-turns.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { hasRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { holdLog } from "../support/hold-log.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

/** A room in which bob may not invite, until its power levels are redacted: up to version 10 `invite` goes by that. */
async function strictRoom(server: TestServer, alice: Actor, bob: Actor): Promise<RoomId> {
  const roomId = await server.rooms.create.room(alice, {
    ...{ room_version: "10", preset: "public_chat" },
    power_level_content_override: { invite: 50 },
  });
  await server.rooms.members.join({ by: bob, room: roomId });
  await expect(invite(server, roomId, bob, "carol")).rejects.toMatchObject({ status: 403 });
  return roomId;
}

function invite(server: TestServer, roomId: RoomId, by: Actor, whom: string) {
  return server.rooms.members.invite({ by, roomId, userId: server.user(whom).userId });
}

async function redactLevels(server: TestServer, roomId: RoomId, by: Actor) {
  const room = (await server.rooms.view.room(roomId))!;
  const levels = (await server.rooms.view.currentStateEvent(room.nid, "m.room.power_levels", ""))!;
  const { eventId } = levels.event;
  return server.rooms.send.redact({ by, roomId, eventId, txnId: "redact" });
}

describe("power levels that are redacted", () => {
  let world: World;
  let hq: TestServer;
  beforeAll(async () => {
    world = createWorld();
    hq = await world.server("hq.test");
  });
  afterAll(() => world.close());

  test("rule by what is left, although they were in memory", async () => {
    const [alice, bob] = [hq.user("alice"), hq.user("bob")];
    const roomId = await strictRoom(hq, alice, bob);
    await redactLevels(hq, roomId, alice);
    await invite(hq, roomId, bob, "carol");
  });

  test("and other state too, already while its redaction is on its way", async () => {
    const alice = hq.user("alice");
    const away = await world.server("away.test");
    const roomId = await hq.rooms.create.room(alice, { name: "Den", topic: "secret" });
    const room = (await hq.rooms.view.room(roomId))!;
    const topic = (await hq.rooms.view.currentStateEvent(room.nid, "m.room.topic", ""))!;
    // Of the room's state it has nothing in memory.
    const fresh = await world.replica(hq, { isInstead: true });
    const held = holdLog(fresh);
    const { eventId } = topic.event;
    const redacted = fresh.rooms.send.redact({ by: alice, roomId, eventId, txnId: "redact" });
    await held.until(1);
    const { userId } = away.user("bob");
    const invited = fresh.rooms.members.invite({ by: alice, roomId, userId });
    const rules = fresh.rooms.send.state({
      ...{ by: alice, roomId, type: "m.room.name", stateKey: "", content: { name: "Attic" } },
    });
    await held.until(2);
    held.release();
    await Promise.all([redacted, invited, rules]);
    const there = (await away.rooms.view.room(roomId))!;
    const shown = await away.rooms.view.strippedState(there.nid, userId);
    expect(shown.find(({ type }) => type === "m.room.topic")?.content).toEqual({});
  });
});

describe.skipIf(!hasRedis)("at another replica", () => {
  let redis: TestRedis;
  let world: World;
  let one: TestServer;
  let two: TestServer;
  beforeAll(async () => {
    redis = await startRedis();
    world = createWorld(async () => {
      const client = redis.connect();
      await client.ping();
      const shared = { leaseMs: LEASE_MS, clock: systemClock, logger: silentLogger() };
      const table = await createRedisTurns(client, { prefix: "weft:redacted:", ...shared });
      return createRoomTurns({ random: systemRandom, table, ...shared });
    });
    one = await world.server("hq.test");
    two = await world.replica(one);
  });
  afterAll(async () => {
    await world?.close();
    await redis?.stop();
  });

  test("a head whose state is the same forgets what was redacted meanwhile", async () => {
    const [alice, bob] = [one.user("alice"), one.user("bob")];
    const roomId = await strictRoom(one, alice, bob);
    await redactLevels(two, roomId, alice);
    await invite(one, roomId, bob, "carol");
  });
});
