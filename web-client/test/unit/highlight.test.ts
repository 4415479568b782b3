import { describe, expect, test } from "vitest";
import { folded, hasAll, snippet, wordsOf } from "../../src/text/highlight.ts";

const marks = (parts: { text: string; mark: boolean }[]): string =>
  parts.map(({ text, mark }) => (mark ? `[${text}]` : text)).join("");

describe("words that are searched", () => {
  test("are compared without case and accents, each once", () => {
    expect(wordsOf("Café, CAFE und Ärger!")).toEqual(["cafe", "und", "arger"]);
    expect(wordsOf(" …!? ")).toEqual([]);
  });

  test("stand in a text where a word begins so", () => {
    const has = (words: string, text: string): boolean => hasAll(wordsOf(words), folded(text));
    expect(has("boat", "Two Boats, one oar")).toBe(true);
    expect(has("oat", "Two boats")).toBe(false);
    expect(has("two oar", "Two boats, one oar")).toBe(true);
    expect(has("two oars", "Two boats, one oar")).toBe(false);
    expect(has("oar", "a roar, an oar")).toBe(true);
    expect(has("naïve", "so NAIVE")).toBe(true);
  });

  test("are found within others where a script puts no spaces", () => {
    expect(hasAll(wordsOf("会議"), folded("明日の会議です"))).toBe(true);
  });
});

describe("what is shown of a message that was found", () => {
  test("has its words marked, as they are written", () => {
    expect(marks(snippet("Café and cafeteria, no decaf", ["cafe"]))).toBe(
      "[Café] and [cafeteria], no decaf",
    );
  });

  test("begins near the first of them when it is long", () => {
    const said = marks(snippet(`${"far away ".repeat(60)} the harbour lies`, ["harbour"]));
    expect(said).toMatch(/^… /);
    expect(said).toContain("[harbour]");
    expect(said.length).toBeLessThan(200);
  });

  test("is never markup", () => {
    const parts = snippet("<b>bold</b> <mark>boat</mark>", ["boat"]);
    expect(marks(parts)).toBe("<b>bold</b> <mark>[boat]</mark>");
  });
});
