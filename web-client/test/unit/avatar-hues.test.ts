import { expect, test } from "vitest";
import { hueOf } from "../../src/elements/avatar.ts";

test("names that look alike have hues all around the circle", () => {
  const people = Array.from({ length: 1600 }, (_, at) => `@user${at}:example.org`);
  const counts = new Map<number, number>();
  for (const id of people) counts.set(hueOf(id), (counts.get(hueOf(id)) ?? 0) + 1);
  expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([...Array(16).keys()]);
  for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(50);
});
