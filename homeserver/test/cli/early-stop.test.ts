import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { pause } from "../support/pace.ts";
import { eventually, inTime } from "../support/wait.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

let folder: string;
beforeEach(() => {
  folder = makeTemporaryFolder("weft-stop-");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function start(): Promise<ChildProcess> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(WEFT_|DATABASE_URL|REDIS_URL)/.test(name),
  );
  const env = {
    ...Object.fromEntries(inherited),
    WEFT_DATA_DIR: join(folder, "data"),
    WEFT_LISTEN: "127.0.0.1:0",
    TMPDIR: folder,
  };
  return spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "ignore", "inherit"] });
}

/** Processes that have to do with the folder: by their command line, or by where they are. */
function processesOf(path: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return line.includes(path) ? [`${pid}: ${line}`] : [];
    } catch {
      return [];
    }
  });
}

async function stop(child: ChildProcess, mayBeDeaf = false): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const how = await inTime("the server ends after SIGTERM", ended);
  if (!mayBeDeaf || how[1] === null) expect(how).toEqual([0, null]);
  // The promise: nothing runs any more once the process has ended.
  expect(processesOf(folder)).toEqual([]);
  const left = readdirSync(folder).filter((name) => name.startsWith("weft-"));
  expect(left).toEqual([]);
}

/** Waits for a moment of the start, which is seen in the data folder. */
async function until(child: ChildProcess, holds: () => boolean): Promise<void> {
  const isThere = () => {
    expect(child.exitCode).toBeNull();
    return holds();
  };
  await eventually(`the moment when ${holds.toString()}`, isThere, { every: 1 });
}

const data = (...names: string[]) => join(folder, "data", ...names);
const isRunning = (program: string) => processesOf(folder).some((line) => line.includes(program));

test.runIf(process.platform === "linux").each<[string, () => boolean, boolean]>([
  ["the data folder is locked", () => existsSync(data("weft.lock")), false],
  ["the folder of the socket is made", () => existsSync(data("postgres.run")), false],
  ["initdb begins", () => isRunning("initdb"), false],
  ["initdb is at work", () => existsSync(data("postgres.new", "base")), true],
  ["PostgreSQL starts", () => existsSync(data("postgres", "postmaster.pid")), true],
  ["PostgreSQL is up", () => readText(data("postgres", "postmaster.pid")).includes("ready"), false],
])(
  "SIGTERM as soon as %s ends the server with 0, and leaves nothing running",
  async (_when, holds, goesOn) => {
    const child = await start();
    await until(child, holds);
    await stop(child);
    if (!goesOn) return;
    // The next start is none the worse for it.
    const next = await start();
    await until(next, () => existsSync(data("control")));
    await stop(next);
  },
);

test.runIf(process.platform === "linux")(
  "SIGTERM at any moment of a start ends the server with 0, and leaves nothing running",
  async () => {
    // Node itself takes its time: before it has read the program, nobody can hear a signal.
    for (let ms = 150; ms < 2_500; ms += 180) {
      const child = await start();
      await pause(ms);
      await stop(child, true);
    }
  },
);

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
