import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { startTestCluster } from "./cluster.ts";
import type { RunningTestCluster } from "./cluster.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

/**
 * Lets test workers share one PostgreSQL: the first that connects to a socket (WEFT_TEST_CLUSTER) has it
 * started, each is told where it is. Runs that need no database start none.
 */
export default async function setUp(): Promise<() => Promise<void>> {
  const folder = makeTemporaryFolder("weft-run-");
  const path = join(folder, "cluster.sock");
  let cluster: Promise<RunningTestCluster> | undefined;
  const server = createServer((socket) => {
    cluster ??= startTestCluster();
    cluster.then(
      ({ admin, template }) => socket.end(JSON.stringify({ admin, template })),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    );
    socket.on("error", () => {});
  });
  server.listen(path);
  await once(server, "listening");
  process.env["WEFT_TEST_CLUSTER"] = path;
  return async () => {
    server.close();
    await (await cluster)?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
