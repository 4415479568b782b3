import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const REPOSITORY = resolve(import.meta.dirname, "..", "..");
/** Whatever a stranger says may meet any of these patterns. */
const FOLDERS = ["homeserver/src", "web-client/src"];

interface Pattern {
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The regular expressions that are written in a file. */
function patternsIn(path: string): Pattern[] {
  const text = readFileSync(path, "utf8");
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const found: Pattern[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const written = node.getText(file);
      const end = written.lastIndexOf("/");
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
      const place = `${relative(REPOSITORY, path)}:${line} ${written}`;
      found.push({ place, source: written.slice(1, end), flags: written.slice(end + 1) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Characters that patterns of this field tell apart. */
const CHARACTERS = [
  ...Array.from("aZ09 \t\n.-_@:;/\\<>\"'()[]{}=,*+!?#$%&|~^`"),
  "\u00e9",
  "\u{1f600}",
];

/** What may lead a pattern into the part that repeats: its own plain text, cut anywhere. */
function leads(source: string): string[] {
  const plain = source
    .replaceAll(/\\([dDwWsSbB])|\[(?:\\.|[^\]\\])*\]/g, (_, kind: string | undefined) =>
      kind === "d" ? "0" : kind === "s" ? " " : "a",
    )
    .replaceAll(/\(\?(?:[:=!]|<[=!])/g, "(")
    .replaceAll(/\{[\d,]+\}/g, "")
    .replaceAll(/\\\//g, "/")
    .replaceAll(/[\^$()*+?|]/g, "")
    .replaceAll("\\", "");
  return [
    "",
    ...Array.from({ length: Math.min(plain.length, 24) }, (_, i) => plain.slice(0, i + 1)),
  ];
}

/** Texts of any length that a pattern may stumble over: something over and over, and an end that does not fit. */
function* attacks(source: string): Generator<(length: number) => string> {
  const starts = leads(source);
  const repeated = [
    ...CHARACTERS,
    ...starts.slice(1).flatMap((lead) => [lead, `${lead}   `, `${lead}aaa`]),
  ];
  for (const start of ["", ...starts.slice(1)]) {
    for (const pump of start.length > 1 ? CHARACTERS : repeated) {
      yield (length) => `${start}${pump.repeat(Math.ceil(length / pump.length))}\u0001`;
    }
  }
}

/** The least of a few times, in ms, since what else the machine does only adds; one below `enough` is not repeated. */
function timeOf(expression: RegExp, text: string, enough: number): number {
  let least = Infinity;
  for (let i = 0; i < 4 && least > enough; i += 1) {
    const before = performance.now();
    expression.test(text);
    least = Math.min(least, performance.now() - before);
  }
  return least;
}

/** From short to long, so that what grows without measure is found before it takes for ever. */
const LENGTHS = [22, 200, 1_000, 4_000, 32_000];
/** A machine does a hundred steps in a microsecond: the square of 32,000 takes two hundred times as long. */
const MEASURABLE_MS = 10;
/** The work may grow by so much more than the text. */
const MOST_GROWTH = 3;

/** How much more than the text the work grows, where that is too much. */
function growthOf(expression: RegExp, text: (length: number) => string): number | undefined {
  for (const [i, length] of LENGTHS.entries()) {
    const time = timeOf(expression, text(length), MEASURABLE_MS);
    if (time < MEASURABLE_MS) continue;
    const before = LENGTHS[i - 1] ?? 1;
    const growth = time / timeOf(expression, text(before), 0) / (length / before);
    return growth > MOST_GROWTH ? growth : undefined;
  }
  return undefined;
}

function worstOf({ source, flags }: Pattern): string | undefined {
  const expression = new RegExp(source, flags.replaceAll(/[gy]/g, ""));
  for (const text of attacks(source)) {
    const growth = growthOf(expression, text);
    if (growth !== undefined) {
      return `grows ${growth.toFixed(0)} times as fast as ${JSON.stringify(text(22))}…`;
    }
  }
  return undefined;
}

test("the attacks find patterns whose work grows with the square of a text", () => {
  for (const source of ["[.,!]+$", "<a>.*?</a>", "^(a+)*b$", "\\s+$", "@[^:]*:x"]) {
    expect(worstOf({ place: "", source, flags: "" }), source).toBeDefined();
  }
  expect(worstOf({ place: "", source: "^[a-z]+:[a-z]+$", flags: "" })).toBeUndefined();
});

const patterns = FOLDERS.flatMap((folder) =>
  sourceFiles(join(REPOSITORY, folder)).flatMap(patternsIn),
);

test("no pattern's work grows faster than the text that it meets", () => {
  expect(patterns.length).toBeGreaterThan(100);
  const slow = patterns.flatMap((pattern) => {
    const worst = worstOf(pattern);
    return worst === undefined ? [] : [`${pattern.place}: ${worst}`];
  });
  expect(slow).toEqual([]);
});
