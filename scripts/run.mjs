/**
 * Runs a TypeScript file, or with --bin a command of a dependency, on the right Node:
 *   node scripts/run.mjs spec/generate.ts --check
 *   node scripts/run.mjs --bin oxfmt --check .
 */
import { join } from "node:path";
import { ensureInstalled } from "./lib/install.mjs";
import { bin, findNode, root, run, runOnNode } from "./lib/node.mjs";
import { main } from "./lib/main.mjs";

await main(async () => {
  const args = process.argv.slice(2);
  await ensureInstalled();
  findNode();
  if (args[0] === "--bin") return await run(join(bin, args[1]), args.slice(2), { cwd: root });
  return await runOnNode([join(root, args[0]), ...args.slice(1)], { cwd: root });
});
