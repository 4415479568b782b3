import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryWake } from "../../src/log/wake.ts";
import type { LogRecord } from "../../src/log/types.ts";
import { appendBeforeCommit } from "../../src/storage/append/append.ts";
import { transaction } from "../../src/storage/transaction.ts";
import { openCutOff } from "../support/cut-off.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { command, EVERYTHING, hear, makeRoom, openLog } from "./support.ts";
import type { TestLog } from "./support.ts";
import { inTime, until } from "../support/wait.ts";

let database: TestDatabase;
let replicas: TestLog[];
const first = () => replicas[0]!;
const second = () => replicas[1]!;

beforeAll(async () => {
  database = await freshDatabase();
  const wake = createMemoryWake({ shared: true });
  replicas = [await openLog(database.location, wake), await openLog(database.location, wake)];
  await first().sql`CREATE TABLE notes (text text PRIMARY KEY)`;
});
afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  await database.close();
});

/** Notes a text, and tells that the user's sessions ended. */
const note = (on: TestLog, text: string, userId: string) =>
  on.log.change(async ({ tx, record }) => {
    await tx`INSERT INTO notes (text) VALUES (${text})`;
    record({ kind: "session", userId });
    return text;
  });

const notes = async () => (await first().sql`SELECT text FROM notes`).map(({ text }) => text);
const usersOf = (records: readonly LogRecord[]) =>
  records.flatMap((record) => (record.kind === "session" ? [record.userId] : []));

test("a change and what it tells are committed together, and told before it resolves", async () => {
  const heard: LogRecord[] = [];
  const unhear = hear(first().log, (records) => heard.push(...records));
  expect(await note(first(), "one", "@one:here")).toBe("one");
  unhear();
  expect(await notes()).toContain("one");
  expect(heard).toEqual([{ kind: "session", position: first().log.position, userId: "@one:here" }]);
});

test("a change that fails tells nothing and takes no position", async () => {
  const { position } = first().log;
  const heard: LogRecord[] = [];
  const unhear = hear(first().log, (records) => heard.push(...records));
  const failing = first().log.change(async ({ tx, record }) => {
    await tx`INSERT INTO notes (text) VALUES ('undone')`;
    record({ kind: "session", userId: "@undone:here" });
    throw new Error("not like this");
  });
  await expect(failing).rejects.toThrow("not like this");
  unhear();
  expect(await notes()).not.toContain("undone");
  expect(heard).toEqual([]);
  const [head] = await first().sql`SELECT position FROM log_head`;
  expect(head?.position).toBe(position);
});

test("a change that tells nothing is a transaction like any other", async () => {
  const { position } = first().log;
  await first().log.change(({ tx }) => tx`INSERT INTO notes (text) VALUES ('quiet')`);
  expect(await notes()).toContain("quiet");
  expect(first().log.position).toBe(position);
});

test("work that clashes runs again, and only its last run is told of", async () => {
  const heard: LogRecord[] = [];
  const unhear = hear(first().log, (records) => heard.push(...records));
  let runs = 0;
  await first().log.change(async ({ tx, record }) => {
    runs += 1;
    record({ kind: "session", userId: `@run${runs}:here` });
    const text = runs === 1 ? "one" : "again";
    await tx`INSERT INTO notes (text) VALUES (${text})`;
  });
  unhear();
  expect(usersOf(heard)).toEqual(["@run2:here"]);
});

test("changes and appends of two replicas are told everywhere in one order, none twice", async () => {
  const room = await makeRoom(first().sql, "busy");
  const start = first().log.position;
  const heard = replicas.map(({ log }) => {
    const records: LogRecord[] = [];
    return { records, stop: hear(log, (fresh) => records.push(...fresh)) };
  });
  const users = Array.from({ length: 60 }, (_, n) => `@many${n}:here`);
  await Promise.all([
    ...users.map((user, n) => note(replicas[n % 2]!, `many ${n}`, user)),
    ...users.map(() => first().log.append(command(room))),
  ]);
  const end = (await first().sql<{ position: number }[]>`SELECT position FROM log_head`)[0]!;
  await until(() => replicas.every(({ log }) => log.position === end.position));
  for (const { records, stop } of heard) {
    stop();
    const own = records.filter(({ position }) => position > start);
    expect(own.map(({ position }) => position)).toEqual(
      Array.from({ length: 120 }, (_, n) => start + 1 + n),
    );
    expect(usersOf(own).toSorted()).toEqual(users.toSorted());
  }
  const stored = await second().log.read(start, 200, EVERYTHING);
  expect(stored).toHaveLength(120);
});

test("whoever holds the log's lock waits for nobody who waits for it", async () => {
  // A change that locks a row and then tells, beside one that waits for the same row and tells as well.
  const both = ["a", "b"].map((name) =>
    first().log.change(async ({ tx, record }) => {
      await tx`UPDATE notes SET text = text WHERE text = 'one'`;
      record({ kind: "session", userId: `@${name}:here` });
    }),
  );
  await Promise.all([...both, note(second(), "beside", "@c:here")]);
  expect(await notes()).toContain("beside");
});

test("a transaction beside the log does not see what was told before it was committed", async () => {
  // What the tests before told has arrived.
  await until(() => second().log.position === first().log.position);
  const seen: boolean[] = [];
  const checks: Promise<unknown>[] = [];
  // What the tests before told is heard already.
  await until(() => second().log.position === first().log.position);
  const unhear = hear(second().log, () => {
    checks.push(
      transaction(second().sql, async (tx) => {
        const rows = await tx`SELECT 1 FROM notes WHERE text = 'visible'`;
        seen.push(rows.length === 1);
      }),
    );
  });
  await note(first(), "visible", "@visible:here");
  await until(() => second().log.position === first().log.position);
  unhear();
  await Promise.all(checks);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen).toEqual(seen.map(() => true));
});

test.skipIf(process.env["WEFT_TEST_DATABASE_URL"])(
  "what was committed is told, although its answer was lost and the database is away for a while",
  async () => {
    const way = await openCutOff(database.location);
    const alone = await openLog(way.location);
    const heard: LogRecord[] = [];
    hear(alone.log, (records) => heard.push(...records));
    way.loseNextCommit(300);
    await expect(note(alone, "unanswered", "@unanswered:here")).rejects.toThrow();
    expect(usersOf(heard)).toEqual([]);
    await until(() => usersOf(heard).length > 0);
    expect(usersOf(heard)).toEqual(["@unanswered:here"]);
    expect(await notes()).toContain("unanswered");
    await alone.stop();
    await way.close();
  },
);

test("a process that stops right before its commit does not hold up the others for long", async () => {
  const [holding, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const hung = first().sql.begin(async (tx) => {
    await appendBeforeCommit(tx, { records: [{ kind: "session", userId: "@hung:here" }] });
    holding.resolve();
    await stopped.promise;
  });
  const failed = expect(hung).rejects.toThrow();
  await holding.promise;
  const beside = note(second(), "in spite of it", "@beside:here");
  expect(await inTime("the change beside", beside, 20_000)).toBe("in spite of it");
  stopped.resolve();
  await failed;
  const told = await first().log.read(0, 1_000, ["session"]);
  expect(usersOf(told)).not.toContain("@hung:here");
}, 30_000);
