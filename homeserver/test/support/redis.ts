import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { inTime } from "./wait.ts";

/** Whether tests with Redis can run here: skip them by name otherwise. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

export interface TestRedis {
  /** Path of its unix socket, for further clients. */
  path: string;
  /** A client; closed along with the server. */
  connect(): Redis;
  stop(): Promise<void>;
}

/** Starts a Redis of the test's own, without persistence, on a unix socket. */
export async function startRedis(): Promise<TestRedis> {
  const folder = makeTemporaryFolder("weft-redis-");
  const path = join(folder, "redis.sock");
  const settings = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", [...settings, "--dir", folder], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: server.stdout });
  const isReady = (async () => {
    for await (const line of lines) if (/ready to accept connections/i.test(line)) return;
    throw new Error("Redis ended in its start");
  })();
  await inTime("Redis accepts connections", isReady);
  server.stdout.resume();
  const clients: Redis[] = [];
  return {
    path,
    connect() {
      const client = new Redis(path, { maxRetriesPerRequest: 1 });
      client.on("error", () => {});
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.disconnect();
      const gone = once(server, "exit");
      server.kill("SIGTERM");
      await inTime("Redis ends", gone);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
