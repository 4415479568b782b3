import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedisBus } from "../../src/cluster/ephemeral-bus.ts";
import { createEphemeral } from "../../src/cluster/ephemeral.ts";
import { createRedisBuckets } from "../../src/cluster/redis-buckets.ts";
import { createRedisWake } from "../../src/log/wake.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import type { RoomId, UserId } from "../../src/protocol/identifiers.ts";
import { command, eventually, makeRoom, onlyEvent, openLog } from "../log/support.ts";
import { freshDatabase } from "../support/database.ts";
import { hasRedis, startRedis } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";

const options = { prefix: "weft:test:", logger: silentLogger() };

describe.skipIf(!hasRedis)("with a Redis between replicas", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("a commit of one replica wakes the other at once", async () => {
    const database = await freshDatabase();
    const replicas = await Promise.all(
      [1, 2].map(async () =>
        openLog(database.location, await createRedisWake(redis.connect(), options)),
      ),
    );
    const [writer, reader] = replicas;
    const room = await makeRoom(writer!.sql, "woken");
    await writer!.log.append(command(room));
    await eventually(() => reader!.log.position === writer!.log.position);
    const append = command(room);
    const told = new Promise<number>((resolve) => {
      reader!.log.onAdvance((records) => {
        const found = records.find((record) => record.kind === "event");
        if (found?.kind === "event") resolve(found.eventNid);
      });
    });
    const start = performance.now();
    await writer!.log.append(append);
    expect(await told).toBe(onlyEvent(append).nid);
    // Polling alone would take up to a second.
    expect(performance.now() - start).toBeLessThan(900);
    await Promise.all(replicas.map((replica) => replica.stop()));
    await database.close();
  });

  test("rate limits are counted together", async () => {
    const [one, two] = [1, 2].map(() => createRedisBuckets(redis.connect(), options));
    const limit = { perSecond: 0.01, burst: 4 };
    await eventually(async () => (await one!.take("warm-up", limit)) >= 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const waits: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      waits.push(await one!.take("alice", limit), await two!.take("alice", limit));
    }
    expect(waits.filter((wait) => wait === 0)).toHaveLength(4);
    expect(waits.slice(4).every((wait) => wait > 90_000 && wait <= 100_000)).toBe(true);
    expect(await two!.take("bob", limit)).toBe(0);
  });

  test("nobody is held up by rate limits while Redis is away", async () => {
    const other = await startRedis();
    const buckets = createRedisBuckets(other.connect(), options);
    await other.stop();
    const limit = { perSecond: 0.01, burst: 1 };
    expect([await buckets.take("a", limit), await buckets.take("a", limit)]).toEqual([0, 0]);
  });

  test("typing and presence reach the other replica, presence also one that starts later", async () => {
    const open = async () =>
      createEphemeral({
        clock: systemClock,
        bus: await createRedisBus(redis.connect(), options),
      });
    const one = await open();
    const two = await open();
    const room = "!room:here" as RoomId;
    const alice = "@alice:here" as UserId;
    one.setTyping(room, alice, 30_000);
    one.setPresence({
      userId: alice,
      presence: "online",
      statusMsg: "hello",
      lastActiveTs: 5,
      currentlyActive: true,
    });
    await eventually(() => two.typing(room).users.includes(alice));
    await eventually(() => two.presence(alice)?.statusMsg === "hello");
    const late = await open();
    await eventually(() => late.presence(alice)?.presence === "online");
    one.setTyping(room, alice, 0);
    await eventually(() => two.typing(room).users.length === 0);
    await Promise.all([one.stop(), two.stop(), late.stop()]);
  });
});
