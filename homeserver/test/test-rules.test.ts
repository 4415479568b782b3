/** What every test keeps to: it sleeps on no clock but its own, each of its waits ends, and its file can be looked over. */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const REPOSITORY = resolve(import.meta.dirname, "..", "..");
const FOLDERS = ["homeserver/test", "conformance-tests/tests"];
/** This file says what it looks for. */
const THIS = relative(REPOSITORY, import.meta.filename);

/** A sleep on the system's clock, whoever offers it. */
const SLEEP =
  /\bsetTimeout\(|\bsetInterval\(|["']node:timers\/promises["']|\bsystemClock\.sleep\(|\bsleep\([^)]*\)(?=;)/;
const MAY_SLEEP: Readonly<Record<string, string>> = {
  "homeserver/test/support/wait.ts": "a wait looks again and again until its bound",
  "homeserver/test/support/cut-off.ts": "so long a database that was cut off can't be reached",
  "homeserver/test/support/pace.ts": "the pace of a load, and the moment of a kill",
  "homeserver/test/rooms/commands/extremities.test.ts":
    "a clock of which only the long sleeps are held",
  "homeserver/test/rooms/stored-state/subject.ts": "the clock of a process, which may be over",
  "homeserver/test/cluster/redis.test.ts": "a clock of which the long sleeps do not end",
  "homeserver/test/platform/platform.test.ts": "tests sleep itself, which is aborted",
  "homeserver/test/storage/temporary-folder.test.ts": "keeps a program alive until it is killed",
};

/** A loop that has no end of its own. */
const ENDLESS = /\bfor \(;;\)|\bwhile \(true\)/;
/** A loop that looks at something again and again. */
const POLL = /\b(?:while|for) \([^\n]*\)\s*(?:\{\s*)?await (?:nextTurn\(\)|pause\(|new Promise)/;
const MAY_LOOP: Readonly<Record<string, string>> = {
  "homeserver/test/support/wait.ts": "has the bound",
  "homeserver/test/federation-client/read-parts.test.ts": "an answer that never ends",
  "homeserver/test/federation-client/remote.test.ts": "an answer that never ends",
  "homeserver/test/http/on-socket.ts": "each turn waits for bytes, in time",
  "homeserver/test/media/reserved.test.ts": "each turn waits for the next sleeper, in time",
  "homeserver/test/storage/embedded-child.ts": "a program that runs until it is killed",
};

const MAX_LINES = 350;

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(REPOSITORY, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(REPOSITORY, join(entry.parentPath, entry.name))),
).filter((file) => file !== THIS);
const texts = new Map(files.map((file) => [file, readFileSync(join(REPOSITORY, file), "utf8")]));

/** Files in which one of the patterns stands. */
const withAny = (...patterns: RegExp[]) =>
  files.filter((file) => patterns.some((pattern) => pattern.test(texts.get(file)!))).toSorted();

test("no test sleeps but on a clock that it holds", () => {
  expect(withAny(SLEEP)).toEqual(Object.keys(MAY_SLEEP).toSorted());
});

test("no loop of a test waits without a bound", () => {
  expect(withAny(ENDLESS, POLL)).toEqual(Object.keys(MAY_LOOP).toSorted());
});

test("no file of the tests is longer than one can look over", () => {
  const long = files.filter((file) => texts.get(file)!.split("\n").length > MAX_LINES + 1);
  expect(long).toEqual([]);
});
