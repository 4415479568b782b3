import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { inTime } from "../support/wait.ts";

const OURS = new URL("../../src/storage/temporary-folder.ts", import.meta.url).href;
const TOOLS = new URL("../../../scripts/lib/temporary.mjs", import.meta.url).href;

let parent: string;
beforeEach(() => {
  parent = makeTemporaryFolder("weft-folders-");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A process with a temporary folder in `parent`, made by one of the two programs that make them. */
async function maker(by: string) {
  const code = `import { makeTemporaryFolder } from ${JSON.stringify(by)};
    console.log(makeTemporaryFolder("weft-x-")); setInterval(() => {}, 1e6)`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    env: { ...process.env, TMPDIR: parent },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  return { child, folder: String(first).trim() };
}

async function kill({ child }: { child: ReturnType<typeof spawn> }): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await inTime("the process ends", gone);
}

test.each([
  ["the server", OURS, OURS],
  ["the tools, by the server", TOOLS, OURS],
  ["the server, by the tools", OURS, TOOLS],
])("a killed process's folder is removed by the next start: of %s", async (_name, by, next) => {
  const [living, dead] = [await maker(by), await maker(by)];
  mkdirSync(join(dead.folder, "deep", "er"), { recursive: true });
  await kill(dead);
  const other = await maker(next);
  expect(existsSync(dead.folder)).toBe(false);
  expect(existsSync(living.folder)).toBe(true);
  await Promise.all([living, other].map(kill));
});

test("what is not provably abandoned, and what is no folder of ours, stays", async () => {
  const dead = await maker(OURS);
  await kill(dead);
  const owner = readFileSync(join(dead.folder, ".owner"), "utf8");
  const target = join(parent, "precious");
  mkdirSync(target);
  writeFileSync(join(target, ".owner"), owner);
  // Planted links, to the folder and to the file that names its owner.
  symlinkSync(target, join(parent, "weft-link"));
  mkdirSync(join(parent, "weft-linked-owner"));
  symlinkSync(join(target, ".owner"), join(parent, "weft-linked-owner", ".owner"));
  const kept: [string, string | undefined][] = [
    ["weft-nameless", undefined],
    ["weft-nonsense", "{"],
    ["weft-other-space", JSON.stringify({ ...JSON.parse(owner), space: "elsewhere" })],
    ["weft-no-number", JSON.stringify({ ...JSON.parse(owner), pid: "1" })],
    ["other-abandoned", owner],
  ];
  for (const [name, said] of kept) {
    mkdirSync(join(parent, name));
    if (said !== undefined) writeFileSync(join(parent, name, ".owner"), said);
  }
  writeFileSync(join(parent, "weft-file"), owner);
  await kill(await maker(OURS));
  expect(existsSync(dead.folder)).toBe(false);
  for (const name of ["precious", "weft-link", "weft-linked-owner", "weft-file"]) {
    expect(existsSync(join(parent, name)), name).toBe(true);
  }
  for (const [name] of kept) expect(existsSync(join(parent, name)), name).toBe(true);
});

test("a number that belongs to another process now does not keep a folder", async () => {
  const dead = await maker(OURS);
  await kill(dead);
  const file = join(dead.folder, ".owner");
  const owner = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...owner, pid: process.pid, started: "1" }));
  await kill(await maker(OURS));
  expect(existsSync(dead.folder)).toBe(false);
});

test.runIf(process.getuid?.() === 0)("another user's folder stays", async () => {
  const dead = await maker(OURS);
  await kill(dead);
  const { chownSync } = await import("node:fs");
  chownSync(dead.folder, 65534, 65534);
  await kill(await maker(OURS));
  expect(existsSync(dead.folder)).toBe(true);
});

test("two that start at the same time do not disturb one another", async () => {
  await kill(await maker(OURS));
  const makers = await Promise.all([1, 2, 3].map(() => maker(OURS)));
  for (const { folder } of makers) expect(existsSync(folder)).toBe(true);
  await Promise.all(makers.map(kill));
});
