#!/usr/bin/env node
// `weft …`, on the Node that this version needs, whichever Node started it.
if (Number(process.versions.node.split(".")[0]) >= 24) {
  const { onceOrphaned } = await import("../../scripts/lib/node.mjs");
  // The server's own way to stop: it takes the signal as if it had come from outside.
  onceOrphaned(() => process.kill(process.pid, "SIGTERM"));
  await import("../src/cli/cli.ts");
} else {
  const { main } = await import("../../scripts/lib/main.mjs");
  const { runOnNode } = await import("../../scripts/lib/node.mjs");
  const cli = new URL("../src/cli/cli.ts", import.meta.url).pathname;
  await main(() => runOnNode([cli, ...process.argv.slice(2)]));
}
