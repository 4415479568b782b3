import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { type Api, type OperationRow, operations } from "@weft/spec/operations";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const SOURCE = resolve(import.meta.dirname, "..", "src");
const REPOSITORY = resolve(SOURCE, "..", "..");

/** A file imports its own folder and lower ranks only. */
const RANKS: Readonly<Record<string, number>> = {
  protocol: 0,
  platform: 0,
  storage: 1,
  log: 2,
  cluster: 2,
  "federation-client": 2,
  mail: 2,
  users: 3,
  rooms: 4,
  encryption: 5,
  edus: 6,
  notifications: 6,
  spaces: 7,
  "invites-by-address": 7,
  "server-notices": 7,
  sync: 7,
  sender: 7,
  push: 7,
  appservice: 7,
  media: 7,
  search: 7,
  policy: 7,
  "delayed-events": 7,
  "user-redactions": 7,
  oversight: 8,
  previews: 8,
  reports: 8,
  http: 8,
  "client-api": 9,
  "federation-api": 9,
  "appservice-api": 9,
  "oauth-api": 9,
  "admin-api": 9,
  config: 10,
  cli: 10,
};
/** The wiring: its parts may know one another. */
const TOP = 10;
/** The files beside a layer's folders: what they all use, where it stands first, or what wires them, where it stands last. */
const BESIDE = "";
/** The folders of a layer: each imports only those before it. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  platform: [BESIDE, "pacing"],
  protocol: ["json", BESIDE, "keys", "events", "push", "auth", "state-res"],
  storage: [
    ...[
      BESIDE,
      "streams",
      "append",
      "rooms",
      "administration",
      "oauth",
      "push",
      "media",
      "contacts",
      "users",
      "administration",
      "federation",
      "search",
      "oversight",
      "embedded",
    ],
  ],
  "federation-client": ["reading", "connecting", "requests", "keys", BESIDE],
  users: [
    ...["common", "sessions", "contacts", "accounts", "data", "keys", "oauth", "sso"],
    ...["administration", BESIDE],
  ],
  rooms: [
    "api",
    "records",
    "state",
    "commands",
    "checks",
    "fetching",
    "receiving",
    "visibility",
    "history",
    "partial",
    "membership",
    "creating",
    "serving",
    "purge",
    "administration",
    "integrity",
    BESIDE,
  ],
  push: ["email", BESIDE],
  media: ["store", BESIDE],
  encryption: ["to-device", "device-lists", "keys", BESIDE],
  sync: ["users", "recent", "sections", "v3", "old", "sliding", BESIDE],
  "oauth-api": ["words", "pages", BESIDE],
  http: ["reply", "body", "access", "socket", BESIDE],
};
/** Files beside one another in a folder, at most. */
const MAX_BESIDE = 20;
/** A file for each part of the contract: they are found by its names. */
const LIKE_THE_CONTRACT = new Set([
  ...["client-api", "federation-api", "appservice-api", "oauth-api", "admin-api"],
]);
/** The pure core has no I/O, no clock and no randomness. */
const PURE = "protocol";
const PURE_MAY_IMPORT = new Set(["node:crypto", "node:buffer"]);

/** What is measured by the line. */
const WRITTEN_BY_HAND = ["homeserver/src", "web-client/src", "spec", "conformance-tests", "bench"];
const NOT_WRITTEN = /[\\/](?:node_modules|generated)[\\/]/;
/** Lines of a file, at most. */
const MAX_LINES = 350;
/** Lines of a function without the functions in it, at most. */
const MAX_OWN_LINES = 60;
/** Functions that are one table. */
const LONG_TABLES = new Set(["homeserver/src/protocol/push/push-ruleset.ts defaultRules"]);

/** The interfaces that others serve. */
type Called = "application-service" | "push-gateway";
const isServedHere = (api: Api): api is Exclude<Api, Called> =>
  api !== "application-service" && api !== "push-gateway";
/** Where the operations of an interface are handled. */
const HANDLERS: Readonly<Record<Exclude<Api, Called>, string>> = {
  "client-server": "client-api",
  "server-server": "federation-api",
  oauth: "oauth-api",
  admin: "admin-api",
};

interface Import {
  /** Path relative to src/. */
  readonly from: string;
  /** Relative to src/ for our own files, otherwise as written. */
  readonly to: string;
  readonly isOwn: boolean;
}

/** What a file imports, or starts in a thread or process of its own; types count as much as what runs. */
const IMPORT =
  /^(?:import|export)\s+(?:type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\("([^"]+)"\)|\bnew URL\("([^"]+\.ts)", import\.meta\.url\)/gm;

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

function importsOf(path: string): Import[] {
  const from = relative(SOURCE, path);
  return [...readFileSync(path, "utf8").matchAll(IMPORT)].map(([, written, dynamic, started]) => {
    const target = (written ?? dynamic ?? started)!;
    const isOwn = target.startsWith(".");
    const to = isOwn ? relative(SOURCE, resolve(dirname(path), target)) : target;
    return { from, to, isOwn };
  });
}

const all = sourceFiles(SOURCE).flatMap(importsOf);
const own = all.filter(({ isOwn }) => isOwn);
/** The folder; files right under src/ are the wiring, in one layer with cli/ and config/. */
const layerOf = (path: string) => (path.includes(sep) ? path.split(sep)[0]! : "");
const rankOf = (layer: string) => (layer === "" ? TOP : RANKS[layer]);
/** The folder within a layer; "" for what stands beside its folders. */
const partOf = (path: string) => {
  const [, part = "", ...rest] = path.split(sep);
  return rest.length > 0 ? part : BESIDE;
};
const rankOfPart = (path: string) => {
  const parts = PARTS[layerOf(path)];
  return parts === undefined && partOf(path) === BESIDE ? 0 : (parts ?? []).indexOf(partOf(path));
};

/** Files that import one another in a circle, as "a → b → a"; each circle once. */
function circles(edges: readonly Import[]): string[] {
  const targets = Map.groupBy(edges, ({ from }) => from);
  const state = new Map<string, "open" | "done">();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === "open")
      found.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (state.has(file)) return;
    state.set(file, "open");
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    state.set(file, "done");
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

describe("the house", () => {
  test("every folder of src/ has a rank", () => {
    const unknown = [
      ...new Set(sourceFiles(SOURCE).map((path) => layerOf(relative(SOURCE, path)))),
    ];
    expect(unknown.filter((layer) => rankOf(layer) === undefined)).toEqual([]);
  });

  test("no file imports a higher rank, or another folder of its own", () => {
    const breaches = own.filter(({ from, to }) => {
      const [a, b] = [layerOf(from), layerOf(to)];
      if (a === b) return false;
      const [rank, other] = [rankOf(a) ?? -1, rankOf(b) ?? Infinity];
      return other > rank || (other === rank && rank !== TOP);
    });
    expect(breaches.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("no files import one another in a circle, not for a type either", () => {
    expect(circles(own)).toEqual([]);
  });

  test("every folder of a layer has a rank, and no file imports a higher one of its layer", () => {
    const paths = sourceFiles(SOURCE).map((path) => relative(SOURCE, path));
    const unknown = paths.filter((path) => rankOfPart(path) < 0).map((path) => dirname(path));
    expect([...new Set(unknown)]).toEqual([]);
    const breaches = own.filter(
      ({ from, to }) => layerOf(from) === layerOf(to) && rankOfPart(to) > rankOfPart(from),
    );
    expect(breaches.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("no folder holds more files than one can look over", () => {
    const folders = Map.groupBy(sourceFiles(SOURCE), (path) => relative(SOURCE, dirname(path)));
    const full = [...folders].filter(
      ([folder, files]) => files.length > MAX_BESIDE && !LIKE_THE_CONTRACT.has(folder),
    );
    expect(full.map(([folder]) => folder)).toEqual([]);
  });

  test("the core is pure: nothing from outside but hashes, keys and bytes", () => {
    const foreign = all.filter(
      ({ from, to, isOwn }) => layerOf(from) === PURE && !isOwn && !PURE_MAY_IMPORT.has(to),
    );
    expect(foreign.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("an operation is handled in the file that is named like its file of the contract", () => {
    const handled: Record<string, string> = {};
    for (const path of sourceFiles(SOURCE)) {
      const file = relative(SOURCE, path);
      if (!Object.values(HANDLERS).includes(layerOf(file))) continue;
      for (const [, id] of readFileSync(path, "utf8").matchAll(/\broute\(\s*"(\w+)"/g)) {
        handled[id!] = file;
      }
    }
    const described = Object.entries(operations as Record<string, OperationRow>).flatMap(
      ([id, { api, module }]) =>
        isServedHere(api) ? [[id, join(HANDLERS[api], `${module}.ts`)] as const] : [],
    );
    expect(handled).toEqual(Object.fromEntries(described));
  });

  test("SQL stands under storage/ only", () => {
    const sql =
      /(?:`|")\s*(?:SELECT\s|INSERT INTO\s|UPDATE \w+ SET\s|DELETE FROM\s|WITH \w+ AS \()/;
    const files = sourceFiles(SOURCE).filter((path) => sql.test(readFileSync(path, "utf8")));
    const strays = files
      .map((path) => relative(SOURCE, path))
      .filter((path) => layerOf(path) !== "storage");
    expect(strays).toEqual([]);
  });

  test("only the process ends the process", () => {
    const ends = sourceFiles(SOURCE).filter((path) =>
      readFileSync(path, "utf8").includes("process.exit("),
    );
    expect(ends.map((path) => relative(SOURCE, path))).toEqual(["main.ts"]);
  });

  test.each(["web-client", "conformance-tests"])(
    "%s shares nothing with the server but the specification",
    (workspace) => {
      const strays = sourceFiles(join(REPOSITORY, workspace))
        .filter((path) => !path.includes("node_modules"))
        .filter((path) =>
          /from "(?:@weft\/homeserver|(?:\.\.\/)+homeserver\/src)/.test(readFileSync(path, "utf8")),
        );
      expect(strays.map((path) => relative(REPOSITORY, path))).toEqual([]);
    },
  );

  test(
    "no file and no function is longer than one can take in at once",
    { timeout: 30_000 },
    () => {
      const long = WRITTEN_BY_HAND.flatMap((folder) => sourceFiles(join(REPOSITORY, folder)))
        .filter((path) => !NOT_WRITTEN.test(path))
        .flatMap((path) => {
          const text = readFileSync(path, "utf8");
          const file = relative(REPOSITORY, path);
          const lines = text.split("\n").length - 1;
          const functions = (lines > MAX_OWN_LINES ? longFunctions(path, text) : [])
            .filter(({ name }) => !LONG_TABLES.has(`${file} ${name}`))
            .map(({ name, own }) => `${file}: ${name} has ${own} lines of its own`);
          return lines > MAX_LINES ? [`${file} has ${lines} lines`, ...functions] : functions;
        });
      expect(long).toEqual([]);
    },
  );
});

/** Functions with more lines than may be; a function within another counts as one line there. */
function longFunctions(path: string, text: string): { name: string; own: number }[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const lineOf = (at: number) => source.getLineAndCharacterOfPosition(at).line;
  const found: { name: string; own: number }[] = [];
  /** Answers how many lines the functions within the node have beyond their first. */
  const visit = (node: ts.Node, name: string): number => {
    const isFunction = ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
    const lines = isFunction ? lineOf(node.end) - lineOf(node.getStart(source)) + 1 : 0;
    if (isFunction && lines <= MAX_OWN_LINES) return lines - 1;
    const { name: label } = node as ts.Node & { readonly name?: ts.Node };
    const ownName = label?.getText(source) ?? name;
    let within = 0;
    ts.forEachChild(node, (child) => {
      within += visit(child, ownName);
    });
    if (!isFunction) return within;
    const own = lines - within;
    if (own > MAX_OWN_LINES) found.push({ name: ownName, own });
    return lines - 1;
  };
  visit(source, "a function");
  return found;
}
