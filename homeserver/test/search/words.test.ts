import { describe, expect, test } from "vitest";
import { everyWord } from "../../src/storage/search/words.ts";
import { folded, indexedWords, searchedWords } from "../../src/search/words.ts";

describe("words of an index", () => {
  test.each([
    ["Hello, world!", ["hello", "world"]],
    ["Straße ÉTÉ Ёлка", ["strasse", "ete", "елка"]],
    ["東京都に行く", ["東京", "京都", "都に", "に行", "行く", "く"]],
    ["iPhone用ケース", ["iphone", "用ケ", "ケー", "ース", "ス"]],
    ["서울에서", ["서울", "울에", "에서", "서"]],
    ["がぎ", ["がぎ", "ぎ"]],
    ["한글", ["한글", "글"]],
    ["it's 3.14 — a_b", ["it", "s", "3", "14", "a", "b"]],
    ["🎉🎉 party", ["🎉", "party"]],
    ["", []],
    ["\ud800 lone", ["lone"]],
  ])("of %j are %j", (text, words) => {
    expect(indexedWords(text, 100)).toEqual(words);
  });

  test("are bounded, each and in number", () => {
    expect(indexedWords("a b c d", 3)).toEqual(["a", "b", "c"]);
    expect(indexedWords("x".repeat(1000), 5)[0]).toHaveLength(40);
    expect(indexedWords("𝒳".repeat(1000), 5).every((word) => word.isWellFormed())).toBe(true);
  });
});

describe("words of a search", () => {
  const words = (text: string, prefixFrom = 3) =>
    everyWord(searchedWords(text, { max: 10, prefixFrom }));

  test("find beginnings where they are long enough, and pairs where there are no spaces", () => {
    expect(words("An apple")).toBe("'an' & 'apple':*");
    expect(words("東京都")).toBe("'東京' & '京都'");
    expect(words("東")).toBe("'東':*");
    expect(words("a", 1)).toBe("'a':*");
  });

  test("cannot leave their quotes", () => {
    expect(words("a' | 'b \\' :* & !c")).toBe("'a' & 'b' & 'c'");
  });

  test("are found in the text that they come from", () => {
    for (const text of ["東京都に行く", "Crème brûlée", "ﬁne ①", "テスト中ですtest"]) {
      const indexed = indexedWords(text, 100);
      for (const { text: word, isPrefix } of searchedWords(text, { max: 50, prefixFrom: 3 })) {
        expect(indexed.some((each) => (isPrefix ? each.startsWith(word) : each === word))).toBe(
          true,
        );
      }
    }
  });

  test("are folded the same way twice", () => {
    for (const text of ["ǅ", "İ", "ẞ", "ﬃ", "Å", "が"])
      expect(folded(folded(text))).toBe(folded(text));
  });
});
