/**
 * `npm test`: every suite of every workspace. Arguments go to vitest (`npm test -- sync`).
 * The last lines name what was skipped, and the last one counts: `N passed, N failed, N skipped`.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ensureInstalled } from "./lib/install.mjs";
import { main } from "./lib/main.mjs";
import { root, runOnNode } from "./lib/node.mjs";
import { ensureSystemPackages } from "./lib/system-packages.mjs";
import { ensureWebClient } from "./lib/web-client.mjs";
import { makeTemporaryFolder } from "./lib/temporary.mjs";

const WORKSPACES = ["spec", "homeserver", "web-client", "conformance-tests", "bench"];
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");

await main(async () => {
  await ensureInstalled();
  const missing = ensureSystemPackages();
  await ensureWebClient();
  const folder = makeTemporaryFolder("weft-results-");
  const total = { passed: 0, failed: 0, skipped: [], problems: [] };
  try {
    for (const config of configs()) add(total, await runSuite(config, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  print(total, missing);
  return total.failed > 0 ? 1 : 0;
});

/** Every vitest configuration of the workspaces; one with tests and no configuration has the defaults. */
function configs() {
  return WORKSPACES.flatMap((workspace) => {
    const files = existsSync(join(root, workspace)) ? readdirSync(join(root, workspace)) : [];
    const own = files.filter((file) => /^vitest(\..+)?\.config\.ts$/.test(file)).sort();
    if (own.length === 0 && files.includes("test")) return [{ workspace, file: undefined }];
    return own.map((file) => ({ workspace, file }));
  });
}

async function runSuite({ workspace, file }, folder) {
  const output = join(folder, `${workspace}-${file}.json`);
  console.log(`\n# ${workspace}${file ? ` (${file})` : ""}`);
  const args = [vitest, "run", ...(file ? ["--config", file] : []), "--passWithNoTests"];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  const cwd = join(root, workspace);
  const code = await runOnNode([...args, ...reporters, ...process.argv.slice(2)], { cwd });
  const results = existsSync(output) ? JSON.parse(readFileSync(output, "utf8")).testResults : [];
  return count(workspace, results, code);
}

function count(workspace, files, code) {
  const result = { passed: 0, failed: 0, skipped: [], problems: [] };
  for (const { name, status, assertionResults, message } of files) {
    const file = relative(root, name);
    // A file that does not even load has no tests to fail.
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) {
      result.failed += 1;
      result.problems.push(`${file}: ${String(message).split("\n")[0]}`);
    }
    for (const { status: outcome, fullName, failureMessages } of assertionResults) {
      if (outcome === "passed") result.passed += 1;
      else if (outcome === "failed") {
        result.failed += 1;
        result.problems.push(`${file}: ${fullName}${reason(failureMessages)}`);
      } else result.skipped.push(`${file}: ${fullName}`);
    }
  }
  if (code !== 0 && result.failed === 0) {
    result.failed = 1;
    result.problems.push(`${workspace}: vitest ended with ${code}`);
  }
  return result;
}

/** Why a test failed, indented below its name; of a long text the start and the end. */
function reason(messages) {
  const text = stripVTControlCharacters(messages.join("\n"));
  const short = text.length > 8_000 ? `${text.slice(0, 2_000)}\n…\n${text.slice(-6_000)}` : text;
  return `\n${short}`.replaceAll("\n", "\n      ");
}

function add(total, { passed, failed, skipped, problems }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped.push(...skipped);
  total.problems.push(...problems);
}

function print({ passed, failed, skipped, problems }, missing) {
  console.log("");
  if (problems.length > 0) console.log(["Failed:", ...problems].join("\n  "));
  if (skipped.length > 0) console.log(["Skipped:", ...skipped].join("\n  "));
  if (missing.length > 0) {
    console.log("Not installed, and it may not be done here, so these were skipped:");
    for (const { name, tests } of missing) console.log(`  without ${name}: ${tests}`);
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
}
