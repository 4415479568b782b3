import { expect, test } from "vitest";
import { sharedAnswers } from "../../src/sync/sections/shared-answers.ts";

interface Between {
  after: number;
  upTo: number;
}
const keyOf = ({ after, upTo }: Between) => `${after} ${upTo}`;

test("all who ask of the same positions, at once or later, cost one question; an error is not remembered", async () => {
  const asked: string[] = [];
  let isAway = false;
  const answers = sharedAnswers(keyOf, async ({ after, upTo }: Between) => {
    asked.push(`${after} ${upTo}`);
    await Promise.resolve();
    if (isAway) throw new Error("away");
    return [`@${after}:a`];
  });
  const many = await Promise.all(Array.from({ length: 10 }, () => answers({ after: 1, upTo: 5 })));
  expect(many).toEqual(Array.from({ length: 10 }, () => ["@1:a"]));
  expect(await answers({ after: 1, upTo: 5 })).toEqual(["@1:a"]);
  expect(await answers({ after: 1, upTo: 6 })).toEqual(["@1:a"]);
  expect(await answers({ after: 15, upTo: 6 })).toEqual(["@15:a"]);
  expect(asked).toEqual(["1 5", "1 6", "15 6"]);
  isAway = true;
  await expect(answers({ after: 2, upTo: 6 })).rejects.toThrow("away");
  isAway = false;
  expect(await answers({ after: 2, upTo: 6 })).toEqual(["@2:a"]);
});

test("answers are kept within bounds: the newest, and none that is larger than all", async () => {
  let asked = 0;
  const answers = sharedAnswers(keyOf, async ({ upTo }: Between) => {
    asked += 1;
    return Array.from({ length: upTo }, (_, n) => `@${n}:a`);
  });
  for (let time = 0; time < 2; time++) await answers({ after: 0, upTo: 30_000 });
  expect(asked).toBe(2);
  await answers({ after: 0, upTo: 10_000 });
  await answers({ after: 1, upTo: 10_000 });
  await answers({ after: 1, upTo: 10_000 });
  expect(asked).toBe(4);
  await answers({ after: 0, upTo: 10_000 });
  expect(asked).toBe(5);
});

test("long questions count, though nothing is answered", async () => {
  let asked = 0;
  const answers = sharedAnswers(
    (question: string) => question,
    async () => {
      asked += 1;
      return [];
    },
  );
  for (const letter of "abc") await answers(letter.repeat(400_000));
  for (const letter of "cba") await answers(letter.repeat(400_000));
  expect(asked).toBe(4);
});
