import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Figure, freshPage, type Measure, median, paintedAfter, slow } from "./figure.ts";

const DIST = join(import.meta.dirname, "..", "..", "..", "web-client", "dist");

/** A script and all that it imports before it runs. */
function withImports(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  const source = readFileSync(join(DIST, "assets", name), "utf8");
  for (const [, other] of source.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) {
    withImports(other!, seen);
  }
  return seen;
}

/** The script that runs before anything is seen. */
export const firstScript: Measure = () => {
  const first = /type="module"[^>]* src="\.\/assets\/([\w.-]+\.js)"/.exec(
    readFileSync(join(DIST, "index.html"), "utf8"),
  )![1]!;
  const bytes = [...withImports(first)].reduce(
    (sum, name) => sum + gzipSync(readFileSync(join(DIST, "assets", name)), { level: 9 }).length,
    0,
  );
  return Promise.resolve([
    { what: "first script, gzip", value: bytes / 1000, goal: 60, unit: "kB" },
  ]);
};

const FIELD = `at(document.querySelector("weft-app"), "weft-sign-in", "input")`;

/** From an empty browser until one can type one's name. */
export const signIn: Measure = async ({ weft, browser, isQuick }) => {
  const figures: Figure[] = [];
  for (const isSlow of [false, true]) {
    const times: number[] = [];
    for (let run = 0; run < (isQuick ? 1 : 5); run += 1) {
      const { context, page } = await freshPage(browser);
      if (isSlow) await slow(page);
      times.push(await paintedAfter(page, weft.baseUrl, FIELD));
      await context.close();
    }
    const what = `usable sign-in${isSlow ? ", slow 3G" : ""}`;
    figures.push({ what, value: median(times), goal: isSlow ? 3000 : 600, unit: "ms" });
  }
  return figures;
};
