import { expect, test } from "vitest";
import { MAX_LINES, readCells, readWanted } from "../../src/admin/people/csv.ts";

const problems = (text: string) =>
  readWanted(text, "one").map(({ line, problem }) => [line, problem !== undefined]);

test("cells in quotation marks hold separators, line ends and marks", () => {
  expect(readCells('\uFEFFann,"Lee, ""Ann""",x\r\nbob,"two\nlines"\n\n ;\ncat')).toEqual([
    { line: 1, cells: ["ann", 'Lee, "Ann"', "x"] },
    { line: 2, cells: ["bob", "two\nlines"] },
    { line: 5, cells: [" ;"] },
    { line: 6, cells: ["cat"] },
  ]);
  expect(readCells("a;b;c\nd;e,f;g").map(({ cells }) => cells)).toEqual([
    ["a", "b", "c"],
    ["d", "e,f", "g"],
  ]);
});

test("a first line of names says what stands where", () => {
  const [one] = readWanted("Display name;Administrator;User name\nAnn Lee;yes;@ann:one", "one");
  expect(one).toEqual({
    line: 2,
    localpart: "ann",
    name: "Ann Lee",
    password: "",
    email: "",
    isAdmin: true,
  });
});

test("each line says what is wrong with it", () => {
  const text = [
    "ann,Ann,,ann@example.org,no",
    ",Nobody",
    "Ann Lee",
    "@bob:other",
    "ann",
    "cat,,,not an address",
    "dan,,,,perhaps",
    "eve,Lee, Eve,,no,",
    `fay,,${"x".repeat(513)}`,
    "gus,,,,no",
  ].join("\n");
  expect(problems(text)).toEqual([
    [1, false],
    [2, true],
    [3, true],
    [4, true],
    [5, true],
    [6, true],
    [7, true],
    [8, true],
    [9, true],
    [10, false],
  ]);
  expect(readWanted(text, "one")[4]?.problem).toContain("1");
});

test("a list without an end is read to a bound, and quickly", () => {
  expect(readWanted("a\n".repeat(50_000), "one")).toHaveLength(MAX_LINES);
  expect(readWanted('"'.repeat(100_000), "one")).toHaveLength(1);
});
