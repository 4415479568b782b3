import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createSeededRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { createBackoff } from "../../src/remote/backoff.ts";
import { type TestDatabase, freshDatabase } from "../support/database.ts";

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
  backoff.heard(PEER);
  backoff.heard(PEER);
  expect(awake).toEqual([PEER]);
  expect(backoff.mayTry(PEER)).toBe(true);
  await backoff.flush();
  expect((await open()).failingSince(PEER)).toBeUndefined();
});
