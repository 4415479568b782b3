/** `npm run check`: format, lint, dead code, types, the specification, the layers, the pages. All run; one failure fails. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./lib/install.mjs";
import { main } from "./lib/main.mjs";
import { bin, root, run, runOnNode } from "./lib/node.mjs";

const WORKSPACES = ["spec", "homeserver", "web-client", "conformance-tests", "bench"];
/** Tests that only read files. */
const READING_TESTS = ["architecture", "readme", "test-rules"].map(
  (name) => `test/${name}.test.ts`,
);

await main(async () => {
  await ensureInstalled();
  const failed = [];
  for (const { name, start } of steps()) {
    console.log(`\n# ${name}`);
    if ((await start()) !== 0) failed.push(name);
  }
  console.log(failed.length === 0 ? "\nAll checks passed" : `\nFailed: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
});

function steps() {
  const tool = (name, ...args) => ({
    name: [name, ...args].join(" "),
    start: () => run(join(bin, name), args, { cwd: root }),
  });
  const script = (name, args, cwd = root) => ({ name, start: () => runOnNode(args, { cwd }) });
  const homeserver = join(root, "homeserver");
  return [
    tool("oxfmt", "--check", "."),
    tool("oxlint", "--type-aware", "--deny-warnings"),
    tool("knip", "--no-progress", "--treat-config-hints-as-errors"),
    ...WORKSPACES.filter((name) => existsSync(join(root, name, "tsconfig.json"))).map((name) =>
      tool("tsc", "-p", name, "--noEmit"),
    ),
    script("words of the web client", [join(root, "web-client", "words.ts")]),
    script("specification", [join(root, "spec", "check.ts")]),
    script(
      "layers, and what the pages name",
      [join(root, "node_modules", "vitest", "vitest.mjs"), "run", ...READING_TESTS],
      homeserver,
    ),
  ];
}
