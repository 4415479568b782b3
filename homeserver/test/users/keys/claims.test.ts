import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLog } from "../../../src/log/log.ts";
import { createMemoryWake } from "../../../src/log/wake.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { connectWriter } from "../../../src/storage/append/append.ts";
import { connect } from "../../../src/storage/sql.ts";
import { createKeys } from "../../../src/users/keys/keys.ts";
import type { Users } from "../../../src/users/users.ts";
import { caughtUp } from "../../support/caught-up.ts";
import { openCutOff } from "../../support/cut-off.ts";
import { HERE, id, openUsers, type TestUsers } from "../support.ts";
import { makeDevice, type TestDevice } from "./devices.ts";

let t: TestUsers;
let replicas: Users[];
const alice = id("alice");
const ALGORITHM = "signed_curve25519";

beforeAll(async () => {
  t = await openUsers();
  await t.users.registration.create("alice", "pw");
  replicas = [t.users, await t.replica(), await t.replica()];
});
afterAll(() => t.close());

async function signIn(deviceId: string): Promise<TestDevice> {
  await t.users.sessions.issue(alice, { deviceId });
  return makeDevice(alice, deviceId);
}

const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`);

async function claim(users: Users, device: TestDevice, algorithm = ALGORITHM) {
  const { userId, deviceId } = device;
  const [key] = await users.keys.claim([{ userId, deviceId, algorithm }]);
  return key?.name.slice(`${algorithm}:`.length);
}

describe("one-time keys", () => {
  test("are given out in the order of upload, each once, and then the fallback key again and again", async () => {
    const device = await signIn("ORDER");
    await t.users.keys.upload(device, {
      device_keys: device.deviceKeys(),
      one_time_keys: device.oneTimeKeys(["Z"]),
      fallback_keys: device.oneTimeKeys(["F"], { fallback: true }),
    });
    await t.users.keys.upload(device, { one_time_keys: device.oneTimeKeys(["A"]) });
    expect(await t.users.keys.counts(device)).toEqual({
      oneTimeKeys: { [ALGORITHM]: 2 },
      unusedFallbackTypes: [ALGORITHM],
    });
    const given: unknown[] = [];
    for (let n = 0; n < 4; n += 1) given.push(await claim(replicas[n % 3]!, device));
    expect(given).toEqual(["Z", "A", "F", "F"]);
    for (const users of replicas) {
      await caughtUp(t.log, t.sql);
      expect(await users.keys.counts(device)).toEqual({ oneTimeKeys: {}, unusedFallbackTypes: [] });
    }
  });

  test("1,000 claims at once on three replicas get 500 keys, none twice, then the fallback key", async () => {
    const device = await signIn("MANY");
    await t.users.keys.upload(device, {
      device_keys: device.deviceKeys(),
      one_time_keys: device.oneTimeKeys(named(500, "K")),
      fallback_keys: device.oneTimeKeys(["F"], { fallback: true }),
    });
    const given = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => claim(replicas[n % 3]!, device)),
    );
    const fallback = given.filter((name) => name === "F");
    expect(fallback).toHaveLength(500);
    expect(new Set(given).size).toBe(501);
    const last = Array.from(fallback, () => "F");
    expect(given.map(String).toSorted()).toEqual([...named(500, "K"), ...last].toSorted());
    for (const own of [0, 1, 2].map((n) => given.filter((_name, index) => index % 3 === n))) {
      const order = own.filter((name) => name !== "F").map((name) => Number(name?.slice(1)));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  });

  test("are counted right after more were claimed than there were", async () => {
    const device = await signIn("SHORT");
    await t.users.keys.upload(device, {
      device_keys: device.deviceKeys(),
      one_time_keys: device.oneTimeKeys(named(3, "K")),
    });
    const given = await Promise.all(named(9, "").map(() => claim(t.users, device)));
    expect(given.filter((name) => name !== undefined)).toEqual(named(3, "K"));
    const fallback = { fallback_keys: device.oneTimeKeys(["F"], { fallback: true }) };
    const unusedFallbackTypes = [ALGORITHM];
    expect(await t.users.keys.upload(device, fallback)).toEqual({
      ...{ oneTimeKeys: {}, unusedFallbackTypes },
    });
    const more = { one_time_keys: device.oneTimeKeys(named(2, "L")) };
    const counts = { oneTimeKeys: { [ALGORITHM]: 2 }, unusedFallbackTypes };
    expect(await t.users.keys.upload(device, more)).toEqual(counts);
    expect(await t.users.keys.counts(device)).toEqual(counts);
    const rest = [await claim(t.users, device), await claim(t.users, device)];
    expect([...rest, await claim(t.users, device)]).toEqual(["L0", "L1", "F"]);
  });

  test("that nobody has left tell the device nothing when they are claimed", async () => {
    const device = await signIn("EMPTY");
    await t.users.keys.upload(device, { device_keys: device.deviceKeys() });
    const told: unknown[] = [];
    const unfollow = t.log.follow({
      ...{ phase: "readers", kinds: ["one_time_keys"] },
      take: (records) => void told.push(...records.flatMap(({ devices }) => devices)),
    });
    expect(await claim(t.users, device)).toBeUndefined();
    expect(await claim(t.users, device, "no.such.algorithm")).toBeUndefined();
    unfollow();
    expect(told).toEqual([]);
  });

  test("a fallback key that comes while another is given out is not given out as unused", async () => {
    const device = await signIn("OVERTAKEN");
    const fallback = (name: string) => ({
      fallback_keys: device.oneTimeKeys([name], { fallback: true }),
    });
    await t.users.keys.upload(device, { device_keys: device.deviceKeys(), ...fallback("F1") });
    let overtakes = true;
    const sql = new Proxy(t.sql, {
      apply(target, self, args) {
        const run = () => Reflect.apply<unknown, unknown[], unknown>(target as never, self, args);
        if (!overtakes || !String(args[0]).includes("JOIN fallback_keys")) return run();
        overtakes = false;
        return t.users.keys.upload(device, fallback("F2")).then(run);
      },
    });
    const keys = createKeys({ sql, log: t.log });
    const [given] = await keys.claim([{ ...device, algorithm: ALGORITHM }]);
    keys.stop();
    expect([overtakes, given?.name]).toEqual([false, `${ALGORITHM}:F2`]);
    expect((await t.users.keys.counts(device)).unusedFallbackTypes).toEqual([]);
  });

  test("that end with their device leave nothing behind", async () => {
    const device = await signIn("ENDS");
    await t.users.keys.upload(device, {
      device_keys: device.deviceKeys(),
      one_time_keys: device.oneTimeKeys(named(3, "K")),
      fallback_keys: device.oneTimeKeys(["F"]),
    });
    await claim(t.users, device);
    await t.users.devices.remove(alice, ["ENDS"]);
    for (const table of ["device_keys", "one_time_keys", "fallback_keys", "one_time_key_lists"]) {
      const rows = await t.sql`
        SELECT 1 FROM ${t.sql(table)} WHERE user_id = ${alice} AND device_id = 'ENDS'`;
      expect([table, rows.length]).toEqual([table, 0]);
    }
    expect(await t.users.keys.counts(device)).toEqual({ oneTimeKeys: {}, unusedFallbackTypes: [] });
  });

  test.skipIf(process.env["WEFT_TEST_DATABASE_URL"])(
    "whose claim was committed without an answer are lost, and given to nobody else",
    async () => {
      const device = await signIn("LOST");
      await t.users.keys.upload(device, {
        device_keys: device.deviceKeys(),
        one_time_keys: device.oneTimeKeys(named(3, "K")),
      });
      const way = await openCutOff(t.location);
      const sql = connect(way.location);
      const common = { clock: systemClock, logger: silentLogger(), serverName: HERE };
      const writer = connectWriter(way.location);
      const log = await createLog({ sql, writer, wake: createMemoryWake(), ...common });
      const keys = createKeys({ sql, log });
      const { userId, deviceId } = device;
      const one = () => keys.claim([{ userId, deviceId, algorithm: ALGORITHM }]);
      way.loseNextCommit(300, "LOST");
      const claimed = (await Promise.all([one(), one()])).flat();
      const given = claimed.map(({ name }) => name.slice(-2));
      for (let name = await claim(t.users, device); name; name = await claim(t.users, device)) {
        given.push(name);
      }
      expect(given).toEqual(["K1", "K2"]);
      keys.stop();
      await log.stop();
      await sql.end({ timeout: 1 });
      await way.close();
    },
  );
});
