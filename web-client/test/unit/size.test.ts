import { readFileSync, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { build } from "vite";
import { beginning } from "../../beginning.ts";
import { chunks } from "../../vite.config.ts";

const ROOT = join(import.meta.dirname, "..", "..");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-client-"));
  // As it is shipped: under the test's own name Vite takes what libraries have for development.
  vi.stubEnv("NODE_ENV", "production");
  await build({
    configFile: false,
    root: ROOT,
    base: "./",
    logLevel: "silent",
    plugins: [beginning()],
    worker: { format: "es" },
    build: {
      ...{ outDir: folder, emptyOutDir: true, target: "es2024", assetsInlineLimit: 0 },
      rolldownOptions: { output: { codeSplitting: chunks } },
    },
  });
  vi.unstubAllEnvs();
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A script and all that it imports before it runs. */
function withImports(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  const source = readFileSync(join(folder, "assets", name), "utf8");
  for (const [, other] of source.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) {
    withImports(other!, seen);
  }
  return seen;
}

test("the first script is small, and encryption is no part of it", async () => {
  const page = await readFile(join(folder, "index.html"), "utf8");
  const first = /type="module"[^>]* src="\.\/assets\/([\w.-]+\.js)"/.exec(page)![1]!;
  const names = [...withImports(first)];
  // A browser asks for six files at a time: each further round costs as long as the way there and back.
  expect(names).toHaveLength(1);
  const sources = names.map((name) => readFileSync(join(folder, "assets", name)));
  const bytes = sources.reduce((sum, source) => sum + gzipSync(source, { level: 9 }).length, 0);
  expect(bytes).toBeLessThan(25_000);
  expect(sources.some((source) => source.includes("OlmMachine"))).toBe(false);
  expect(names.some((name) => name.startsWith("engine") || name.startsWith("worker"))).toBe(false);
});

/** Whether a file has the element of a page. */
const defines = (name: string, page: string): boolean =>
  new RegExp(`["'\`]weft-${page}["'\`]`).test(readFileSync(join(folder, "assets", name), "utf8"));

/** What a part of the page waits for, beside the first script. */
async function waitsFor(part: string): Promise<string[]> {
  const names = await readdir(join(folder, "assets"));
  const called = names.filter((name) => new RegExp(`^${part}-.{8}\\.js$`).test(name));
  // The administration has a page for a room as well.
  const own = called.length === 1 ? called[0]! : called.find((name) => defines(name, part))!;
  return [...withImports(own)].filter((name) => !name.startsWith("first-"));
}

test("the rooms wait for few files, and signing in for none of theirs", async () => {
  const isOfRooms = (name: string) => /^(?:rooms|client|admin)-/.test(name);
  const rooms = await waitsFor("shell");
  expect(rooms.length).toBeLessThanOrEqual(12);
  expect(rooms.some(isOfRooms)).toBe(true);
  expect(rooms.some((name) => name.startsWith("admin-"))).toBe(false);
  for (const page of ["sign-in", "register"]) {
    const files = await waitsFor(page);
    expect(files.length, page).toBeLessThanOrEqual(6);
    expect(files.some(isOfRooms), page).toBe(false);
  }
});

test("what the page waits for next is fetched beside the first script", async () => {
  const page = await readFile(join(folder, "index.html"), "utf8");
  const begin = /src="\.\/(assets\/begin-[\w.-]+\.js)"/.exec(page)![1]!;
  const script = await readFile(join(folder, begin), "utf8");
  // It comes before the first script has.
  expect(gzipSync(script, { level: 9 }).length).toBeLessThan(1500);
  const isIn = new Map([
    ["opened", ["opened"]],
    ["rooms", ["shell", "room"]],
    ["sign-in", ["sign-in", "toasts"]],
    ["register", ["register", "toasts"]],
  ]);
  for (const [part, pages] of isIn) {
    const list = new RegExp(`"?${part}"?:\\[([^\\]]*)\\]`).exec(script)![1]!;
    const told = [...list.matchAll(/\.\/assets\/([\w.-]+)/g)].map(([, name]) => name!);
    const wanted = (await Promise.all(pages.map(waitsFor))).flat();
    expect(told.toSorted(), part).toEqual([...new Set(wanted)].toSorted());
  }
});
