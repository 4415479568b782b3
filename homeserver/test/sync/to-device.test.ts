/** Messages for devices in syncs: in order, each once, until a token says that the device has them. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSyncToken } from "../../src/log/token.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import type { Body } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { createSyncWorld, NO_KEYS, type SyncUser, type SyncWorld } from "./support.ts";

const RUNS = 60;

let world: SyncWorld;
let alice: SyncUser;
beforeAll(async () => {
  world = await createSyncWorld();
  alice = world.user("alice");
});
afterAll(() => world.close());

const numbers = (body: Body): number[] =>
  (body.to_device?.events ?? []).map((event: Body) => event.content.number);

async function tell(userId: UserId, deviceId: string, wanted: readonly number[]): Promise<void> {
  const message = (number: number) =>
    JSON.stringify({ sender: "@s:test.example", type: "x.told", content: { number } });
  await world.log.append({
    records: wanted.map((number) => ({
      ...{ kind: "to_device" as const, userId, deviceId },
      message: message(number),
    })),
  });
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

async function waiting(userId: UserId): Promise<number> {
  const { sql } = world.database;
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*) AS count FROM to_device_messages WHERE user_id = ${userId}`;
  return row!.count;
}

test("at most 100 come at once, the rest at once after, and all are kept until a token has them", async () => {
  const device = "BUSY";
  const { next_batch: start } = await alice.sync(undefined, { device });
  await tell(alice.userId, device, range(0, 250));
  const first = await alice.sync(start, { device });
  expect(numbers(first)).toEqual(range(0, 100));
  expect(readSyncToken(first.next_batch)?.toDevice).toBeDefined();
  expect(numbers(await alice.sync(start, { device }))).toEqual(range(0, 100));
  expect(await waiting(alice.userId)).toBe(250);
  const second = await alice.sync(first.next_batch, { device, timeout: 20_000 });
  expect(numbers(second)).toEqual(range(100, 200));
  await eventually("the first 100 are deleted", async () => (await waiting(alice.userId)) === 150);
  const third = await alice.sync(second.next_batch, { device, timeout: 20_000 });
  expect(numbers(third)).toEqual(range(200, 250));
  expect(readSyncToken(third.next_batch)?.toDevice).toBeUndefined();
  expect(await alice.sync(third.next_batch, { device })).toEqual({
    ...{ ...NO_KEYS, next_batch: third.next_batch },
  });
  await eventually("all are deleted", async () => (await waiting(alice.userId)) === 0);
});

test("an initial sync has what waits, whatever filters there are; and another device has nothing of it", async () => {
  await tell(alice.userId, "NEW", [1, 2]);
  const filter = { presence: { not_types: ["*"] }, room: { rooms: [] } };
  expect(numbers(await alice.sync(undefined, { device: "NEW", filter }))).toEqual([1, 2]);
  expect(await alice.sync(undefined, { device: "OTHER" })).not.toHaveProperty("to_device");
});

test("a message wakes its device alone", async () => {
  const bob = world.user("bob");
  const { next_batch: since } = await bob.sync();
  const woken = bob.sync(since, { device: "ONE", timeout: 20_000 });
  const asleep = bob.sync(since, { device: "TWO", timeout: 300 });
  await tell(bob.userId, "ONE", [1]);
  expect(numbers(await woken)).toEqual([1]);
  expect(await asleep).toEqual({ ...NO_KEYS, next_batch: since });
});

test("a token of which the log knows nothing gives all that waits, and proves nothing", async () => {
  const carol = world.user("carol");
  await tell(carol.userId, "D", [1, 2, 3]);
  const far = `s3_${world.log.position + 1_000}_0`;
  const body = await carol.sync(far, { device: "D" });
  expect(numbers(body)).toEqual([1, 2, 3]);
  expect(await waiting(carol.userId)).toBe(3);
});

const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant("tell"), many: fc.nat({ max: 90 }) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant("sync"), many: fc.constant(0) }) },
  // The answer is lost, or the client stops before it has stored it.
  { weight: 3, arbitrary: fc.record({ does: fc.constant("lose"), many: fc.constant(0) }) },
  // Two requests at once.
  { weight: 2, arbitrary: fc.record({ does: fc.constant("twice"), many: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("restart"), many: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("chat"), many: fc.constant(0) }) },
);

test(
  "whatever is lost, repeated or restarted, a device gets each message once and in order",
  { timeout: 180_000 },
  async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 40 }), async (actions) => {
        run += 1;
        const name = `dev${run}`;
        const { userId } = world.user(name);
        const got: number[] = [];
        let sent = 0;
        let since: string | undefined;
        const ask = (): Promise<Body> => world.user(name).sync(since, { device: "D" });
        const keep = (body: Body): void => {
          got.push(...numbers(body));
          since = body.next_batch as string;
        };
        for (const { does, many } of actions) {
          if (does === "sync") keep(await ask());
          else if (does === "lose") await ask();
          else if (does === "twice") {
            const [one, other] = await Promise.all([ask(), ask()]);
            expect(numbers(one)).toEqual(numbers(other));
            keep(one);
          } else if (does === "restart") {
            await world.stop();
            world = await world.again();
          } else if (does === "chat") {
            const by = world.user(name).by;
            await world.rooms.create.room(by, { preset: "public_chat" });
          } else {
            await tell(userId, "D", range(sent, sent + many + 1));
            sent += many + 1;
          }
        }
        while (got.length < sent) {
          const before = got.length;
          keep(await ask());
          expect(got.length).toBeGreaterThan(before);
        }
        keep(await ask());
        expect(got).toEqual(range(0, sent));
      }),
      { numRuns: RUNS },
    );
  },
);
