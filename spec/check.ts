/**
 * Checks the specification: lints the bundled document, proves generated/ fresh, looks that every operation says who may
 * call it and what it may cost, and prints how much of the protocol is served.
 *
 *   node spec/check.ts               exits 1 when something is wrong
 *   node spec/check.ts --list        names every operation that is not served yet
 */
import { join } from "node:path";
import { staleFiles } from "./generate.ts";
import { operations } from "./generated/operations.ts";
import { guardProblems } from "./tools/guards.ts";
import { boundOperations, coverage, readProtocol } from "./tools/coverage.ts";
import { redocly } from "./tools/redocly.ts";
import { readSource, SPEC_FOLDER } from "./tools/source.ts";

async function lint(): Promise<boolean> {
  const document = join(SPEC_FOLDER, "generated", "openapi.json");
  const { code, output } = await redocly(["lint", document]);
  if (code !== 0) console.error(output);
  else console.log("spec: the OpenAPI document is valid");
  return code === 0;
}

async function fresh(): Promise<boolean> {
  const stale = await staleFiles();
  for (const name of stale) console.error(`spec/generated/${name} is stale: npm run generate`);
  if (stale.length === 0) console.log("spec: the generated files are fresh");
  return stale.length === 0;
}

function guarded(): boolean {
  const problems = guardProblems(readSource());
  for (const problem of problems) console.error(`spec/${problem}`);
  if (problems.length === 0) {
    console.log("spec: every operation says who may call it and what it may cost");
  }
  return problems.length === 0;
}

function printCoverage(list: boolean): void {
  const bound = boundOperations();
  const rows = coverage(readProtocol(), operations, bound);
  const count = (state: string): number => rows.filter((row) => row.state === state).length;
  const accounted = new Set(rows.map((row) => row.operationId));
  const further = Object.entries(operations).filter(([id]) => !accounted.has(id));
  const oauth = further.filter(([, row]) => row.api === "oauth").map(([id]) => id);
  const own = further.filter(([, row]) => row.api === "admin").map(([id]) => id);
  const proposed = further.filter(([, row]) => row.proposal !== null);
  console.log(
    `spec: ${count("served")} of the protocol's ${rows.length} operations served, ` +
      `${count("described")} described without a handler, ${count("not yet")} not yet; ` +
      `${proposed.length} of proposals (${proposed.map(([id, row]) => `${row.proposal} ${id}`).join(", ")}), ` +
      `${oauth.length} of the OAuth API (${oauth.join(", ")}), ${own.length} of our own (${own.join(", ")})`,
  );
  for (const { method, path, state } of rows) {
    if (state === "described") console.log(`  no handler  ${method} ${path}`);
    else if (list && state === "not yet") console.log(`  not yet     ${method} ${path}`);
  }
}

const passed = [guarded(), ...(await Promise.all([lint(), fresh()]))];
printCoverage(process.argv.includes("--list"));
if (passed.includes(false)) process.exitCode = 1;
