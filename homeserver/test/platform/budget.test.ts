import fc from "fast-check";
import { expect, test } from "vitest";
import { createBudget } from "../../src/platform/budget.ts";

test("what is taken at the same time is never more than the whole, and all come in, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 30 }),
      fc.infiniteStream(fc.boolean()),
      async (amounts, coin) => {
        const budget = createBudget({ total: 100, concurrency: 3, maxWaiting: 30 });
        const held: (() => void)[] = [];
        const entered: number[] = [];
        const all = amounts.map(async (amount, i) => {
          const release = await budget.acquire(amount);
          entered.push(i);
          expect(budget.taken).toBeLessThanOrEqual(100);
          expect(budget.running).toBeLessThanOrEqual(3);
          held.push(release!);
        });
        while (entered.length < amounts.length) {
          await Promise.resolve();
          if (coin.next().value) held.shift()?.();
        }
        await Promise.all(all);
        expect(entered).toEqual(amounts.map((_, i) => i));
        for (const release of held) release();
        expect([budget.taken, budget.running, budget.waiting]).toEqual([0, 0, 0]);
      },
    ),
  );
});

test("what is more than the whole is refused at once, and so is who would wait behind too many", async () => {
  const budget = createBudget({ total: 10, concurrency: 2, maxWaiting: 1 });
  await expect(budget.acquire(11)).rejects.toThrow(RangeError);
  const release = await budget.acquire(10);
  const second = budget.acquire(1);
  expect(await budget.acquire(1)).toBeUndefined();
  release!();
  release!();
  expect(await second).toBeTypeOf("function");
  expect(budget.taken).toBe(1);
});
