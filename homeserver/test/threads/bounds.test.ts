/** What one user may keep of threads, and what goes with the account and the room. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventId, UserId } from "../../src/protocol/identifiers.ts";
import { createExclusive } from "../../src/storage/exclusive.ts";
import { createThreadSubscriptions } from "../../src/users/data/thread-subscriptions.ts";
import { openUsers, type TestUsers } from "../users/support.ts";

let t: TestUsers;
beforeAll(async () => {
  t = await openUsers();
});
afterAll(() => t.close());

const thread = (at: number) => ({ roomNid: 1, root: `$thread${at}` as EventId });
const open = (max?: number) =>
  createThreadSubscriptions({
    ...{ sql: t.sql, log: t.log, exclusive: createExclusive() },
    pushRules: { switchOnThreads: async () => {} },
    ...(max !== undefined && { max }),
  });

test("one thread too many is refused until another one is not followed any more", async () => {
  const [threads, user] = [open(2), "@bounded:here.test" as UserId];
  await threads.follow(user, thread(1), undefined);
  await threads.follow(user, thread(2), 7);
  const refused = { errcode: "M_RESOURCE_LIMIT_EXCEEDED", status: 403 };
  await expect(threads.follow(user, thread(3), undefined)).rejects.toMatchObject(refused);
  await threads.follow(user, thread(2), undefined);
  await threads.cease(user, thread(1));
  await threads.follow(user, thread(3), undefined);
  await threads.follow("@other:here.test" as UserId, thread(1), undefined);
});

test("of the threads that a user ceased to follow the newest are remembered", async () => {
  const user = "@fickle:here.test";
  const count = async () => {
    const [row] = await t.sql<{ count: number }[]>`
      SELECT count(*)::int AS count FROM thread_subscriptions WHERE user_id = ${user}`;
    return row!.count;
  };
  const ended = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => ({
      ...({ kind: "thread_subscription", userId: user, state: "none" } as const),
      ...thread(from + at),
    }));
  await t.log.append({ records: ended(0, 1_500) });
  await t.log.append({ records: ended(1_500, 2_500) });
  await t.log.append({ records: ended(2_500, 2_501) });
  expect(await count()).toBe(2_001);
  // The oldest again: it is the newest now.
  await t.log.append({ records: ended(0, 1) });
  const [row] = await t.sql`
    SELECT state FROM thread_subscriptions WHERE user_id = ${user} AND root = '$thread0'`;
  expect(row).toEqual({ state: "none" });
  expect(await count()).toBeLessThanOrEqual(2_001);
});

test("an erased account leaves nothing of it", async () => {
  const user = "@gone:here.test" as UserId;
  await open().follow(user, thread(1), undefined);
  await t.log.append({ records: [{ kind: "erasure", userId: user }] });
  expect(await t.sql`SELECT 1 FROM thread_subscriptions WHERE user_id = ${user}`).toEqual([]);
});
