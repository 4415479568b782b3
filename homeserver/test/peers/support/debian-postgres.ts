import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "../../support/ports.ts";
import { eventually, inTime } from "../../support/wait.ts";
import { makeTemporaryFolder } from "../../../src/storage/temporary-folder.ts";

const BIN = "/usr/lib/postgresql/15/bin";

/** Whether Debian's PostgreSQL 15 is installed: skip tests by name otherwise. */
export const hasDebianPostgres = existsSync(join(BIN, "postgres"));

/** Starts a PostgreSQL 15 of the test's own, on loopback. */
export async function startDebianPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = makeTemporaryFolder("weft-postgres-");
  const owner = unprivileged();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const as = { ...owner, cwd: folder, env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" } };
  const data = join(folder, "data");
  const made = spawnSync(
    join(BIN, "initdb"),
    ["-D", data, "-U", "weft", "-A", "trust", "-E", "UTF8", "--no-sync"],
    { ...as, encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  const [port] = await freePorts(1);
  const settings = ["-p", `${port}`, "-h", "127.0.0.1", "-k", folder];
  const server = spawn(join(BIN, "postgres"), ["-D", data, ...settings], {
    ...as,
    stdio: "ignore",
  });
  const end = () => server.kill("SIGKILL");
  process.on("exit", end);
  const client = { ...as, stdio: "ignore" as const };
  await eventually("PostgreSQL 15 answers", () => {
    return spawnSync(join(BIN, "pg_isready"), ["-h", folder, "-p", `${port}`], client).status === 0;
  });
  spawnSync(join(BIN, "createdb"), ["-h", folder, "-p", `${port}`, "-U", "weft", "weft"], client);
  return {
    url: `postgres://weft@127.0.0.1:${port}/weft`,
    async stop() {
      const gone = once(server, "exit");
      server.kill("SIGINT");
      await inTime("PostgreSQL ends", gone);
      process.off("exit", end);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: then "nobody" runs it. */
function unprivileged(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
}
