import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

/**
 * The words of the web client, and their translations.
 *
 *     node words.ts           says what is missing or left over in a catalogue; 1 if anything is
 *     node words.ts --write   adds what is missing with an empty translation, drops what is left over, sorts
 *
 * A catalogue (`languages/*.json`) maps the English words to those of the language, a line each. `{0}` stands for the first
 * value in the text. Words that mean two things have a name: `msg("Open", { id: "open (state)" })` is found under that name.
 */
const HERE = import.meta.dirname;
const CATALOGUES = join(HERE, "languages");

/** Words of the code: where they stand, for whoever translates, and the English. */
interface Said {
  readonly place: string;
  readonly english: string;
}

interface Words {
  readonly keys: ReadonlyMap<string, Said>;
  readonly problems: readonly string[];
}

/** All words in the sources of a folder. */
function wordsIn(folder: string): Words {
  const keys = new Map<string, Said>();
  const problems: string[] = [];
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()) {
    if (!name.endsWith(".ts")) continue;
    const path = join(folder, name);
    readSource(path, readFileSync(path, "utf8"), keys, problems);
  }
  return { keys, problems };
}

/** Collects the words of one source. */
export function readSource(
  path: string,
  text: string,
  keys: Map<string, Said>,
  problems: string[],
): void {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const visit = (node: ts.Node, inFunction: boolean): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === "msg") {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      const place = `${relative(HERE, path)}:${line}`;
      const said = readCall(node);
      if (said === undefined) {
        problems.push(
          `${place}: msg() takes words as they stand: msg("…") or msg(str\`… \${value} …\`), without braces. Put markup around it.`,
        );
      } else if (!inFunction) {
        problems.push(
          `${place}: msg() stands outside every function, and would speak before the language is known`,
        );
      } else if (!keys.has(said.key)) keys.set(said.key, { place, english: said.english });
    }
    const inside = inFunction || ts.isFunctionLike(node) || isOfInstance(node);
    ts.forEachChild(node, (child) => visit(child, inside));
  };
  visit(source, false);
}

/** A property's first value is found when the object is made. */
function isOfInstance(node: ts.Node): boolean {
  return ts.isPropertyDeclaration(node) && !ts.getModifiers(node)?.some(isStatic);
}

function isStatic(modifier: ts.Modifier): boolean {
  return modifier.kind === ts.SyntaxKind.StaticKeyword;
}

/** The key and the English of a call of msg(); undefined if they are not known before the program runs. */
function readCall(call: ts.CallExpression): { key: string; english: string } | undefined {
  const [words, options] = call.arguments;
  const english = words === undefined ? undefined : textOf(words);
  if (english === undefined || options === undefined)
    return english === undefined ? undefined : { key: english, english };
  if (!ts.isObjectLiteralExpression(options)) return undefined;
  const [property, ...others] = options.properties;
  if (others.length > 0 || property === undefined || !ts.isPropertyAssignment(property))
    return undefined;
  if (property.name.getText() !== "id" || !ts.isStringLiteralLike(property.initializer))
    return undefined;
  return { key: property.initializer.text, english };
}

function textOf(words: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(words)) return withoutBraces(words.text);
  if (ts.isBinaryExpression(words)) {
    const [left, right] = [textOf(words.left), textOf(words.right)];
    return left === undefined || right === undefined ? undefined : left + right;
  }
  if (!ts.isTaggedTemplateExpression(words) || words.tag.getText() !== "str") return undefined;
  const { template } = words;
  if (ts.isNoSubstitutionTemplateLiteral(template)) return withoutBraces(template.text);
  const parts = [template.head.text, ...template.templateSpans.map((span) => span.literal.text)];
  if (parts.some((part) => withoutBraces(part) === undefined)) return undefined;
  return parts.reduce((all, part, at) => `${all}{${at - 1}}${part}`);
}

function withoutBraces(text: string): string | undefined {
  return /[{}]/.test(text) ? undefined : text;
}

/** A catalogue as it is written, marks of a merge and doubled lines included: the last non-empty line counts. */
export function readCatalogue(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (!/^\s*"/.test(line)) continue;
    const [[key, value]] = Object.entries(JSON.parse(`{${line.replace(/,\s*$/, "")}}`)) as [
      [string, string],
    ];
    if (value !== "" || !entries.has(key)) entries.set(key, value);
  }
  return entries;
}

/** What is wrong with a catalogue, a sentence each. */
export function examine(words: Words["keys"], catalogue: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [key, { place, english }] of words) {
    const translation = catalogue.get(key);
    if (!translation) found.push(`missing: ${JSON.stringify(key)} (${place})`);
    else if (holes(translation) !== holes(english)) {
      found.push(`not the same values {0}, {1} … as the English: ${JSON.stringify(key)}`);
    }
  }
  for (const key of catalogue.keys()) {
    if (!words.has(key)) found.push(`no longer used: ${JSON.stringify(key)}`);
  }
  return found;
}

function holes(text: string): string {
  return [...new Set(text.match(/\{\d+\}/g))].toSorted().join();
}

function write(path: string, words: Words["keys"], catalogue: ReadonlyMap<string, string>): void {
  const keys = [...words.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  const whole = Object.fromEntries(keys.map((key) => [key, catalogue.get(key) ?? ""]));
  writeFileSync(path, `${JSON.stringify(whole, null, 2)}\n`);
}

function main(): number {
  const { keys, problems } = wordsIn(join(HERE, "src"));
  const found = [...problems];
  for (const name of readdirSync(CATALOGUES).filter((file) => file.endsWith(".json"))) {
    const path = join(CATALOGUES, name);
    const text = readFileSync(path, "utf8");
    const catalogue = readCatalogue(text);
    if (process.argv.includes("--write")) {
      write(path, keys, catalogue);
      for (const key of [...catalogue.keys()].filter((each) => !keys.has(each)))
        catalogue.delete(key);
    } else if (/^[<=>]{7}/m.test(text)) found.push(`${name}: marks of a merge are left in it`);
    found.push(...examine(keys, catalogue).map((each) => `languages/${name}: ${each}`));
  }
  for (const each of found) console.error(each);
  if (found.length > 0) {
    console.error(
      "\nRun `npm run words -w web-client`: it sorts the catalogues, drops what is left over and adds empty lines for what is" +
        '\nmissing. Then fill in the lines that end in `""`. See web-client/README.md, "Words and languages".',
    );
  } else console.log(`${keys.size} texts, translated in every catalogue`);
  return found.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main();
