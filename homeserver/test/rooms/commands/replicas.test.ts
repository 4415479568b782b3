import { systemRandom } from "../../../src/platform/random.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedisTurns } from "../../../src/cluster/redis-turns.ts";
import { createRoomTurns, LEASE_MS } from "../../../src/cluster/room-turns.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import { hasRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

const [world, one] = await startServers("hq.test");
let two: TestServer;

beforeAll(async () => {
  two = await world.replica(one);
});

test("two replicas send into one room at once: one line of history, nothing lost", async () => {
  const alice = one.user("alice");
  const roomId = await one.rooms.create.room(alice, {});
  const send = (server: TestServer, i: number) =>
    server.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: `${i} by ${server === one ? "one" : "two"}` },
      txnId: `${i}-${server === one ? 1 : 2}`,
    });
  const ids = await Promise.all(
    Array.from({ length: 40 }, (_, i) => [send(one, i), send(two, i)]).flat(),
  );
  expect(new Set(ids).size).toBe(80);
  const stored = await one.rooms.view.eventsById(ids);
  const parents = [...stored.values()].flatMap(({ event }) => event.prevEventIds);
  expect(new Set(parents).size).toBe(80);
});

test("a transaction id is known to both replicas", async () => {
  const alice = one.user("alice");
  const roomId = await one.rooms.create.room(alice, {});
  const message = {
    by: alice,
    roomId,
    type: "m.room.message",
    content: { body: "once" },
    txnId: "t",
  };
  const ids = await Promise.all([one.rooms.send.message(message), two.rooms.send.message(message)]);
  expect(ids[0]).toBe(ids[1]);
});

test("what one replica does to members and state the other sees", async () => {
  const alice = one.user("alice");
  const roomId = await one.rooms.create.room(alice, { preset: "public_chat" });
  const room = await two.rooms.view.room(roomId);
  const bob = one.user("bob");
  expect(await two.rooms.view.membership(room!.nid, bob.userId)).toBeUndefined();
  await two.rooms.members.join({ by: bob, room: roomId });
  await expect.poll(() => one.log.position).toBe(two.log.position);
  const row = await one.rooms.view.membership(room!.nid, bob.userId);
  expect(row?.membership).toBe("join");
  await one.rooms.members.kick({ by: alice, roomId, userId: bob.userId });
  await expect.poll(() => two.log.position).toBe(one.log.position);
  await expect(
    two.rooms.send.message({
      by: bob,
      roomId,
      type: "m.room.message",
      content: { body: "still here" },
    }),
  ).rejects.toMatchObject({ status: 403 });
});

describe.each([
  ["with turns that Redis gives", true],
  ["while Redis is away", false],
])("twenty clients of one room, half at each replica, %s", (_, hasTurns) => {
  let redis: TestRedis;
  let busy: World;
  let pair: TestServer[];
  beforeAll(async () => {
    if (!hasRedis) return;
    redis = await startRedis();
    busy = createWorld((name) => openTurns(redis, name));
    const first = await busy.server("busy.test");
    pair = [first, await busy.replica(first)];
    if (!hasTurns) await redis.stop();
  });
  afterAll(async () => {
    await busy?.close();
    if (hasTurns) await redis?.stop();
  });

  test.skipIf(!hasRedis)(
    "are all answered, each message is there once, and both replicas know the same head",
    { timeout: 60_000 },
    async () => {
      const alice = pair[0]!.user("alice");
      const roomId = await pair[0]!.rooms.create.room(alice, {});
      const answered = await Promise.all(
        Array.from({ length: 20 }, async (_, client) => {
          const ids: string[] = [];
          for (let n = 0; n < 20; n += 1) {
            const { rooms } = pair[client % 2]!;
            const shared = { by: alice, roomId };
            ids.push(
              n % 4 === 3
                ? await rooms.send.state({
                    ...{ ...shared, type: "org.example.note", stateKey: `${client}` },
                    content: { n },
                  })
                : await rooms.send.message({
                    ...{ ...shared, type: "m.room.message", txnId: `${client}.${n}` },
                    content: { body: `${client}.${n}` },
                  }),
            );
          }
          return ids;
        }),
      );
      const ids = answered.flat();
      expect(new Set(ids).size).toBe(400);
      const stored = await pair[1]!.rooms.view.eventsById(ids as EventId[]);
      const parents = [...stored.values()].flatMap(({ event }) => event.prevEventIds);
      expect(new Set(parents).size).toBe(400);
    },
  );
});

async function openTurns(redis: TestRedis, name: string) {
  const client = redis.connect();
  await client.ping();
  const shared = { leaseMs: LEASE_MS, clock: systemClock, logger: silentLogger() };
  const table = await createRedisTurns(client, { prefix: `weft:${name}:`, ...shared });
  return createRoomTurns({ random: systemRandom, table, ...shared });
}
