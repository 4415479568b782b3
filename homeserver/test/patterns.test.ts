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

/** What the processor worked for a pattern and a text, in ms: the least of a few times, since what else happens only adds. */
function workOf(expression: RegExp, text: string, enough: number): number {
  let least = Infinity;
  for (let i = 0; i < 4 && least > enough; i += 1) {
    const before = process.cpuUsage();
    expression.test(text);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** A machine does a hundred steps in a microsecond: the square of `LONG` takes a hundred times as long. */
const MEASURABLE_MS = 10;
/** So much work for a short text is far more than its square: somewhat longer ones would take for ever. */
const ENDLESS_MS = 25;
const SHORT = [22, 30, 40, 60, 100, 200];
/** Patterns repeat something a thousand times at most: from here on their work is to grow no more than the text. */
const MEDIUM = 2_000;
const LONG = 16_000;
/** The work may grow by so much more than the text. */
const MOST_GROWTH = 3;

/** How much more than the text the work grows, where that is too much. */
function growthOf(expression: RegExp, text: (length: number) => string): number | undefined {
  for (const length of SHORT) {
    if (workOf(expression, text(length), ENDLESS_MS) > ENDLESS_MS) return Infinity;
  }
  const work = workOf(expression, text(LONG), MEASURABLE_MS);
  if (work < MEASURABLE_MS) return undefined;
  const growth = work / workOf(expression, text(MEDIUM), 0) / (LONG / MEDIUM);
  return growth > MOST_GROWTH ? growth : undefined;
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
