import { expect, test } from "vitest";
import { sasEmoji } from "../../src/text/sas-emoji.ts";

const named = (numbers: number[]) =>
  sasEmoji(numbers).map(({ symbol, name }) => `${symbol} ${name}`);

test("the emoji are those of the specification's numbers", () => {
  expect(named([0, 21, 29, 36, 63])).toEqual([
    ...["🐶 Dog", "☁️ Cloud", "❤️ Heart", "👍 Thumbs Up", "📌 Pin"],
  ]);
  const all = sasEmoji(Array.from({ length: 64 }, (_, at) => at));
  expect(new Set(all.map(({ symbol }) => symbol)).size).toBe(64);
  expect(new Set(all.map(({ name }) => name)).size).toBe(64);
});
