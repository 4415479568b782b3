import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createSeededRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { createBackoff } from "../../src/federation-client/requests/backoff.ts";
import { connectedChannels } from "../support/channels.ts";
import { type TestDatabase, freshDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";

const PEER = "peer.test" as ServerName;
let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

test("a failing server is left alone for longer and longer, also after a restart, until it is heard of", async () => {
  const clock = createManualClock();
  const open = () =>
    createBackoff({ sql: database.sql, clock, random: createSeededRandom(1), log: silentLogger() });
  let backoff = await open();
  expect(backoff.mayTry(PEER)).toBe(true);
  const waits: number[] = [];
  for (let count = 0; count < 16; count++) {
    backoff.failed(PEER);
    backoff.failed(PEER); // meanwhile: says nothing new
    waits.push(backoff.waitMs(PEER));
    clock.advance(waits.at(-1)!);
    expect(backoff.mayTry(PEER)).toBe(true);
  }
  expect(waits[0]).toBeLessThanOrEqual(1_200);
  expect(waits[4]).toBeGreaterThan(10_000);
  expect(waits.at(-1)).toBeLessThanOrEqual(1.2 * 3600_000);

  backoff.failed(PEER);
  await backoff.flush();
  backoff = await open();
  expect(backoff.mayTry(PEER)).toBe(false);
  const awake: string[] = [];
  backoff.onAwake((server) => awake.push(server));
  backoff.receivedFrom(PEER);
  backoff.receivedFrom(PEER);
  expect(awake).toEqual([PEER]);
  expect(backoff.mayTry(PEER)).toBe(true);
  await backoff.flush();
  expect((await open()).failingSince(PEER)).toBeUndefined();
});

test("a server that answers what is of no use is left alone for a minute at most, whatever it asks", async () => {
  const clock = createManualClock();
  const backoff = await createBackoff({
    ...{ sql: database.sql, clock, random: createSeededRandom(1), log: silentLogger() },
  });
  const useless = "useless.test" as ServerName;
  for (let count = 0; count < 16; count++) {
    backoff.failed(useless, true);
    backoff.receivedFrom(useless);
    expect(backoff.mayTry(useless)).toBe(false);
    expect(backoff.waitMs(useless)).toBeLessThanOrEqual(1.2 * 60_000);
    clock.advance(backoff.waitMs(useless));
    expect(backoff.mayTry(useless)).toBe(true);
  }
  backoff.failed(useless, true);
  backoff.succeeded(useless);
  expect(backoff.failingSince(useless)).toBeUndefined();
  await backoff.stop();
});

test("what one replica finds out about a server, the others know: that it fails, and that it is back", async () => {
  const clock = createManualClock();
  const channels = connectedChannels<ServerName>(2);
  const open = (seed: number) =>
    createBackoff({
      ...{ sql: database.sql, clock, random: createSeededRandom(seed), log: silentLogger() },
      changes: channels[seed - 1],
    });
  const [one, two] = [await open(1), await open(2)];
  const other = "shared.test" as ServerName;
  const awake: string[] = [];
  two.onAwake((server) => awake.push(server));
  one.failed(other);
  await until(() => !two.mayTry(other));
  expect(two.waitMs(other)).toBe(one.waitMs(other));
  // It asks the one replica something; the other one has something for it.
  one.receivedFrom(other);
  await until(() => awake.length > 0);
  expect([awake, two.mayTry(other)]).toEqual([[other], true]);

  // What is told while the connection is lost is read from the table afterwards.
  const missed = "missed.test" as ServerName;
  channels[1]!.lose();
  one.failed(missed);
  await one.flush();
  expect(two.mayTry(missed)).toBe(true);
  channels[1]!.reconnect();
  await two.flush();
  expect(two.mayTry(missed)).toBe(false);
  await Promise.all([one.stop(), two.stop()]);
});

test("a server that nobody has wanted to ask for a week is forgotten", async () => {
  const clock = createManualClock();
  const open = () =>
    createBackoff({
      ...{ sql: database.sql, clock, random: createSeededRandom(3), log: silentLogger() },
    });
  const before = await open();
  before.failed("gone.test" as ServerName);
  await before.stop();
  clock.advance(8 * 24 * 60 * 60_000);
  expect((await open()).failingSince("gone.test" as ServerName)).toBeUndefined();
});
