import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Budget, containsWords, glob, newBudget } from "../../src/protocol/glob.ts";

/** The definition, slowly: all ways at once. */
function covers(pattern: readonly string[], text: readonly string[]): boolean {
  const [token, ...others] = pattern;
  if (token === undefined) return text.length === 0;
  if (token === "*") {
    return text.concat([""]).some((_, skipped) => covers(others, text.slice(skipped)));
  }
  return text.length > 0 && (token === "?" || token === text[0]) && covers(others, text.slice(1));
}

const isWord = (character: string | undefined) => /^[a-z0-9_]$/i.test(character ?? "");

function coversWords(pattern: readonly string[], text: readonly string[]): boolean {
  const boundaries = [...text, ""].flatMap((_, at) =>
    at === 0 || at === text.length || !isWord(text[at - 1]) || !isWord(text[at]) ? [at] : [],
  );
  return boundaries.some((from) =>
    boundaries.some((to) => to >= from && covers(pattern, text.slice(from, to))),
  );
}

const characters = fc.constantFrom("a", "b", "A", " ", "😀", "é", "*", "?");
const texts = fc.array(characters, { maxLength: 9 });
const patterns = fc.array(fc.constantFrom("a", "b", " ", "😀", "*", "?"), { maxLength: 6 });

describe("a pattern", () => {
  test("covers what the definition says", () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        expect(glob(pattern.join("")).matches(text.join(""))).toBe(covers(pattern, text));
      }),
      { numRuns: 5000 },
    );
  });

  test("covers the words that the definition says", () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        expect(glob(pattern.join("")).matchesWords(text.join(""))).toBe(coversWords(pattern, text));
      }),
      { numRuns: 5000 },
    );
  });

  test("of over 255 bytes matches nothing, not even itself", () => {
    for (const pattern of ["x".repeat(256), "é".repeat(128), "*x".repeat(128)]) {
      expect(glob(pattern).matches(pattern)).toBe(false);
      expect(glob(pattern).matchesWords(pattern)).toBe(false);
      expect(containsWords(pattern, pattern)).toBe(false);
    }
    expect(glob("*".repeat(1000)).matches("anything")).toBe(true);
    expect(glob("x".repeat(255)).matches("x".repeat(255))).toBe(true);
  });
});

const used = (act: (budget: Budget) => void): number => {
  const budget = newBudget(Number.MAX_SAFE_INTEGER);
  act(budget);
  return Number.MAX_SAFE_INTEGER - budget.steps;
};

/** What made matching slow once, and its like. */
const ODD: [string, string, string][] = [
  ["stars", "*a".repeat(127), "a"],
  ["stars and a miss", `${"*a".repeat(126)}*b`, "a"],
  ["question marks", "?".repeat(255), "a"],
  ["stars and question marks", "*?".repeat(127), "a"],
  ["a long piece that nearly fits", `*${"a".repeat(253)}b`, "a"],
  ["a wild piece that nearly fits", `*?${"a".repeat(251)}b*`, "a"],
  ["a word that ends late", "a*a", "ab"],
];

describe.each(ODD)("%s", (_name, pattern, unit) => {
  test.each(["matches", "matchesWords"] as const)(
    "%s at a cost that grows with the text and no faster",
    (how) => {
      const costs = [1000, 2000, 4000].map((length) =>
        used((budget) => glob(pattern)[how](unit.repeat(length), budget)),
      );
      expect(costs[1]!).toBeLessThanOrEqual(costs[0]! * 2.2 + 1000);
      expect(costs[2]!).toBeLessThanOrEqual(costs[1]! * 2.2 + 1000);
      expect(costs[2]!).toBeLessThanOrEqual(4000 * unit.length * 256);
    },
  );

  test("ends with its budget", () => {
    for (const how of ["matches", "matchesWords"] as const) {
      const budget = newBudget(10_000);
      glob(pattern)[how](unit.repeat(30_000), budget);
      expect(budget.steps).toBeGreaterThan(-100_000);
    }
  });
});

test("a name in a text costs as much as the text is long, and its budget at most", () => {
  const name = "a".repeat(255);
  const costs = [10_000, 20_000].map((length) =>
    used((budget) => containsWords(`${"a".repeat(length)}b`, name, budget)),
  );
  expect(costs[1]!).toBeLessThanOrEqual(costs[0]! * 2.2);
  const budget = newBudget();
  expect(containsWords(`${"a".repeat(60_000)}b`, name, budget)).toBe(false);
  expect(budget.steps).toBeLessThan(0);
});
