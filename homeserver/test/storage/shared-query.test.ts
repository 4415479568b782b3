/** Concurrent readers share a query, and no more than that. */
import { expect, test } from "vitest";
import { shareQuery, shareRows } from "../../src/storage/shared-query.ts";

const double = (asked: number[][]) =>
  shareQuery(async (numbers: readonly number[]) => {
    asked.push([...numbers]);
    return numbers.map((number) => 2 * number);
  });

test("what is asked at once goes into one query, however deep in promises it is asked", async () => {
  const asked: number[][] = [];
  const ask = double(asked);
  const late = async (hops: number, number: number): Promise<number> => {
    for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
    return ask(number);
  };
  expect(await Promise.all([ask(1), late(3, 2), late(20, 3)])).toEqual([2, 4, 6]);
  expect(asked).toEqual([[1, 2, 3]]);
});

test("who goes on after an answer asks with all others who do", async () => {
  const asked: number[][] = [];
  const ask = double(asked);
  const steps = async (number: number) => ask(await ask(await ask(number)));
  expect(await Promise.all([steps(1), steps(2)])).toEqual([8, 16]);
  expect(asked).toEqual([
    [1, 2],
    [2, 4],
    [4, 8],
  ]);
});

test("a question of which the query fails fails alone, unless it is the database that refuses", async () => {
  const ask = shareQuery(async (texts: readonly string[]) => {
    if (texts.includes("wrong")) throw new Error("invalid text");
    if (texts.includes("down"))
      throw Object.assign(new Error("lost"), { code: "CONNECTION_CLOSED" });
    return texts.map((text) => text.toUpperCase());
  });
  const outcomes = async (...texts: string[]) =>
    (await Promise.allSettled(texts.map(ask))).map((one) =>
      one.status === "fulfilled" ? one.value : (one.reason as Error).message,
    );
  expect(await outcomes("a", "wrong", "b")).toEqual(["A", "invalid text", "B"]);
  expect(await outcomes("a", "down", "b")).toEqual(["lost", "lost", "lost"]);
  expect(await outcomes("wrong")).toEqual(["invalid text"]);
});

test("rows come to those who asked for their keys, each key read once", async () => {
  const asked: number[][] = [];
  const ask = shareRows(
    async (keys: readonly number[]) => {
      asked.push([...keys]);
      return keys.filter((key) => key < 10).flatMap((key) => [`${key} a`, `${key} b`]);
    },
    (key) => key,
    (row) => Number(row.split(" ")[0]),
  );
  expect(await Promise.all([ask([1, 2]), ask([2, 12]), ask([])])).toEqual([
    ["1 a", "1 b", "2 a", "2 b"],
    ["2 a", "2 b"],
    [],
  ]);
  expect(asked).toEqual([[1, 2, 12]]);
});

test("more than a thousand questions are no one query", async () => {
  const asked: number[][] = [];
  const ask = double(asked);
  const answers = await Promise.all(Array.from({ length: 2_500 }, (_, at) => ask(at)));
  expect(answers.at(-1)).toBe(4_998);
  expect(asked.map((numbers) => numbers.length)).toEqual([1_000, 1_000, 500]);
});
