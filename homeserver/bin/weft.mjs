#!/usr/bin/env node
// `weft …` with the Node that this version needs, whichever Node started it.
import { runOnNode } from "../../scripts/lib/node.mjs";

const cli = new URL("../src/cli/cli.ts", import.meta.url);
process.exitCode = await runOnNode([cli.pathname, ...process.argv.slice(2)]);
