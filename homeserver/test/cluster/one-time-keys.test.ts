/** Three replicas that give out the one-time keys of one device. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser, userOf } from "../support/user.ts";
import { makeDevice } from "../users/keys/devices.ts";

let redis: TestRedis;
let first: TestServer;
let others: Awaited<ReturnType<TestServer["replica"]>>[];
let alice: TestUser;

beforeAll(async () => {
  if (!hasRedis) return;
  redis = await startRedis();
  first = await startServer({ redisUrl: `redis+unix://${redis.path}` });
  others = [await first.replica(), await first.replica()];
  alice = await register(first, "alice");
}, 180_000);
afterAll(async () => {
  await Promise.all(others?.map((replica) => replica.stop()) ?? []);
  await first?.close();
  await redis?.stop();
});

/** Asks at once with at most so many connections. */
async function inLanes<T>(count: number, lanes: number, ask: (n: number) => Promise<T>) {
  const answers: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) answers.push(await ask((next += 1)));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return answers;
}

describe.skipIf(!hasRedis)("one-time keys", () => {
  test("1,000 claims at three replicas get 500 keys, none twice, and the fallback key", async () => {
    const { userId, deviceId } = alice;
    const device = makeDevice(userId as never, deviceId);
    const ids = Array.from({ length: 500 }, (_, n) => `K${n}`);
    await alice.call("POST", "/keys/upload", {
      device_keys: device.deviceKeys(),
      one_time_keys: device.oneTimeKeys(ids),
      fallback_keys: device.oneTimeKeys(["F"], { fallback: true }),
    });
    const session = { user_id: userId, access_token: alice.token, device_id: deviceId };
    const claimers = [first, ...others].map((server) => userOf(server, session));
    const body = { one_time_keys: { [userId]: { [deviceId]: "signed_curve25519" } } };
    const given = await inLanes(1_000, 300, async (n) => {
      const answer = await claimers[n % 3]!.call("POST", "/keys/claim", body);
      const [name] = Object.keys(answer.one_time_keys[userId][deviceId]);
      return name!.slice("signed_curve25519:".length);
    });
    expect(given.filter((name) => name === "F")).toHaveLength(500);
    expect(new Set(given)).toEqual(new Set([...ids, "F"]));
    // Each replica tells the device that there are none left, and that its fallback key was used.
    for (const claimer of claimers) {
      const sync = await claimer.sync({ timeout: "0" });
      expect(sync.device_one_time_keys_count?.signed_curve25519 ?? 0).toBe(0);
      expect(sync.device_unused_fallback_key_types).toEqual([]);
    }
  }, 120_000);
});
