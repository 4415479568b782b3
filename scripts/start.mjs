/** `npm start`: one server with the web client, from a fresh clone on. Arguments go to `weft start`. */
import { join } from "node:path";
import { ensureInstalled } from "./lib/install.mjs";
import { main } from "./lib/main.mjs";
import { findNode, root, runOnNode } from "./lib/node.mjs";
import { ensureWebClient } from "./lib/web-client.mjs";

await main(async () => {
  await ensureInstalled();
  findNode();
  await ensureWebClient();
  return await runOnNode([join(root, "homeserver", "src", "main.ts"), ...process.argv.slice(2)]);
});
