#!/usr/bin/env node
// `weft …`, on the Node that this version needs, whichever Node started it.
if (Number(process.versions.node.split(".")[0]) >= 24) {
  await import("../src/cli/cli.ts");
} else {
  const { main } = await import("../../scripts/lib/main.mjs");
  const { runOnNode } = await import("../../scripts/lib/node.mjs");
  const cli = new URL("../src/cli/cli.ts", import.meta.url).pathname;
  await main(() => runOnNode([cli, ...process.argv.slice(2)]));
}
