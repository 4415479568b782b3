import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FailureCounts, memoryFailures, redisFailures } from "../../src/cluster/failures.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { errcodeOf, id, openUsers, type TestUsers } from "./support.ts";

const OWNER = { ip: "192.0.2.1" };
const STRANGER = { ip: "198.51.100.7" };
const RIGHT = "the right password";

let t: TestUsers;
const alice = id("alice");
beforeAll(async () => {
  t = await openUsers({ passwordMinLength: 8 });
  await t.users.registration.create("alice", RIGHT);
});
afterAll(() => t.close());

/** Users with counts of their own. */
let users: TestUsers["users"];
beforeEach(async () => {
  users = await t.replica({ failures: memoryFailures(t.clock) });
});

const attempt = (password: string, visitor: { ip: string; deviceId?: string }, on = users) =>
  errcodeOf(on.accounts.checkPassword("alice", password, visitor));

describe("wrong passwords", () => {
  test("from elsewhere do not keep the owner out, however many", async () => {
    for (let second = 0; second < 200; second++) {
      await attempt("wrong", STRANGER);
      if (second % 8 === 0) expect(await attempt(RIGHT, OWNER)).toBe("nothing");
      t.clock.advance(500);
    }
    expect(await attempt(RIGHT, { ip: "203.0.113.9" })).toBe("nothing");
  });

  test("right ones do not count, at any rate and together", async () => {
    const all = Array.from({ length: 25 }, () => attempt(RIGHT, OWNER));
    expect(new Set(await Promise.all(all))).toEqual(new Set(["nothing"]));
  });

  test("make whoever tries them wait, longer and longer, before the password is looked at", async () => {
    for (let count = 0; count < 6; count++) await attempt("wrong", STRANGER);
    expect(await attempt(RIGHT, STRANGER)).toBe("M_LIMIT_EXCEEDED");
    const waits: number[] = [];
    for (let round = 0; round < 12; round++) {
      const tried = users.accounts.checkPassword("alice", "wrong", STRANGER);
      const error = (await tried.catch((reason: unknown) => reason)) as {
        extra?: { retry_after_ms?: number };
      };
      const wait = error.extra?.retry_after_ms;
      if (wait !== undefined) waits.push(wait);
      t.clock.advance(wait ?? 0);
    }
    expect(waits.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
    expect(await attempt(RIGHT, STRANGER)).not.toBe("M_FORBIDDEN");
  });

  test("are forgotten after a right one, and after an hour", async () => {
    for (let count = 0; count < 5; count++) await attempt("wrong", STRANGER);
    t.clock.advance(1_000);
    expect(await attempt(RIGHT, STRANGER)).toBe("nothing");
    for (let count = 0; count < 5; count++) {
      expect(await attempt("wrong", STRANGER)).toBe("M_FORBIDDEN");
    }
    t.clock.advance(3_600_001);
    expect(await attempt("wrong", STRANGER)).toBe("M_FORBIDDEN");
  });

  test("many at once are not many free tries", async () => {
    const all = await Promise.all(Array.from({ length: 40 }, () => attempt("wrong", STRANGER)));
    expect(all.filter((code) => code === "M_FORBIDDEN").length).toBeLessThanOrEqual(8);
  });

  test("count for a whole network of version 6, and for an unknown account alike", async () => {
    for (let count = 0; count < 6; count++)
      await attempt("wrong", { ip: `2001:db8:1:2::${count}` });
    expect(await attempt("wrong", { ip: "2001:db8:1:2:9:9:9:9" })).toBe("M_LIMIT_EXCEEDED");
    expect(await attempt("wrong", { ip: "2001:db8:1:3::1" })).toBe("M_FORBIDDEN");
    const nobody = () => errcodeOf(users.accounts.checkPassword("nobody", "x", STRANGER));
    for (let count = 0; count < 5; count++) expect(await nobody()).toBe("M_FORBIDDEN");
    expect(await nobody()).toBe("M_LIMIT_EXCEEDED");
  });

  test("wait shortly where the owner was seen, and for a device that is signed in", async () => {
    const { deviceId } = await users.sessions.issue(alice, {});
    await t.sql`UPDATE devices SET last_seen_ip = ${OWNER.ip} WHERE device_id = ${deviceId}`;
    for (const visitor of [OWNER, { ...STRANGER, deviceId }]) {
      for (let count = 0; count < 30; count++) {
        await attempt("wrong", visitor);
        t.clock.advance(5_000);
      }
      expect(await attempt(RIGHT, visitor)).toBe("nothing");
    }
  });

  test("wait shortly in the whole network of version 6 where the owner was seen", async () => {
    const { deviceId } = await users.sessions.issue(alice, {});
    await t.sql`UPDATE devices SET last_seen_ip = '2001:db8:7:7::1' WHERE device_id = ${deviceId}`;
    const visitor = { ip: "2001:db8:7:7:aaaa::2" };
    for (let count = 0; count < 40; count++) {
      await attempt("wrong", visitor);
      t.clock.advance(5_000);
    }
    expect(await attempt(RIGHT, visitor)).toBe("nothing");
  });

  test("wait shortly where a right one came from just before", async () => {
    const visitor = { ip: "203.0.113.77" };
    expect(await attempt(RIGHT, visitor)).toBe("nothing");
    for (let count = 0; count < 40; count++) {
      await attempt("wrong", visitor);
      t.clock.advance(5_000);
    }
    expect(await attempt(RIGHT, visitor)).toBe("nothing");
  });

  test("a device that is signed in proves its password whatever strangers do at its address", async () => {
    for (let count = 0; count < 20; count++) await attempt("wrong", STRANGER);
    expect(await attempt(RIGHT, STRANGER)).toBe("M_LIMIT_EXCEEDED");
    expect(await attempt(RIGHT, { ...STRANGER, deviceId: "MINE" })).toBe("nothing");
  });

  test("cost no memory without end", async () => {
    const counts = memoryFailures(t.clock, 100);
    for (let count = 0; count < 1_000; count++) await counts.add(`key ${count}`);
    expect((await counts.read("key 0")).count).toBe(0);
    expect((await counts.read("key 999")).count).toBe(1);
  });
});

describe.skipIf(!hasRedis)("on two replicas", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("failures count together, and each replica counts alone while Redis is away", async () => {
    const options = { prefix: "t:", clock: t.clock, logger: silentLogger() };
    const open = (failures: FailureCounts) => t.replica({ failures });
    const client = redis.connect();
    await client.ping();
    const one = await open(redisFailures(client, options));
    const two = await open(redisFailures(client, options));
    for (let count = 0; count < 6; count++) {
      await attempt("wrong", STRANGER, count % 2 === 0 ? one : two);
    }
    expect(await attempt(RIGHT, STRANGER, one)).toBe("M_LIMIT_EXCEEDED");
    expect(await attempt(RIGHT, STRANGER, two)).toBe("M_LIMIT_EXCEEDED");
    expect(await attempt(RIGHT, OWNER, two)).toBe("nothing");
    client.disconnect();
    for (let count = 0; count < 5; count++) {
      expect(await attempt("wrong", STRANGER, one)).toBe("M_FORBIDDEN");
    }
    expect(await attempt("wrong", STRANGER, one)).toBe("M_LIMIT_EXCEEDED");
  });
});
