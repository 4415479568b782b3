/** Notices to many users are sent in the background: each gets them once, whatever happens meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { administrator } from "../oversight/one-server.ts";
import { type Answer, askPath, ensureAsSpecified } from "../support/contract-answers.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";

const PATH = "/_weft/admin/server_notices";

let server: TestServer;
let root: TestUser;

async function asked(
  method: string,
  path: string,
  body?: object,
  { by = root, on = server }: { by?: TestUser; on?: { baseUrl: string } } = {},
): Promise<Answer> {
  const answer = await askPath(on, by, { method, path, body });
  ensureAsSpecified(method, path, answer);
  return answer;
}

const said = (words: string) => ({ content: { msgtype: "m.text", body: words } });
const one = async (id: string): Promise<Body> => (await asked("GET", `${PATH}/${id}`)).body;

const ended = (id: string): Promise<Body> =>
  eventually("everybody was told", async () => {
    const sending = await one(id);
    return sending.ended_ts === undefined ? undefined : sending;
  });

/** What the server said, by whom it said it to. */
async function told(words: string): Promise<string[]> {
  const rows = await server.database.sql<{ user: string }[]>`
    SELECT m.user_id AS user FROM events e JOIN memberships m USING (room_nid)
    WHERE e.type = 'm.room.message' AND e.sender = ${`@server-notices:${server.name}`}
      AND position(${`"body":${JSON.stringify(words)}`} IN e.json) > 0
      AND m.user_id <> e.sender
    ORDER BY m.user_id`;
  return rows.map(({ user }) => user);
}

describe("on one server", () => {
  let users: string[];
  beforeAll(async () => {
    server = await startServer({ redisUrl: undefined }, { mortal: true });
    root = await administrator(server, "root");
    const names = Array.from({ length: 6 }, (_, at) => `user${at}`);
    users = [];
    for (const name of names) users.push((await register(server, name)).userId);
  }, 60_000);
  afterAll(() => server?.close());

  test("those that are named get it once, however often it is begun", async () => {
    const body = { ...said("To two"), users: users.slice(0, 2) };
    const { status, body: begun } = await asked("PUT", `${PATH}/two`, body);
    expect(status).toBe(200);
    expect(begun).toMatchObject({ total: 2, to_all: false, requested_by: root.userId });
    expect((await asked("PUT", `${PATH}/two`, body)).status).toBe(200);
    expect(await ended("two")).toMatchObject({ state: "complete", told: 2, failed: 0 });
    expect((await asked("PUT", `${PATH}/two`, body)).body).toMatchObject({ state: "complete" });
    expect(await told("To two")).toEqual(users.slice(0, 2));
  });

  test("everybody is who has an open account and is a person", async () => {
    const bot = await register(server, "bot");
    await server.database.sql`UPDATE accounts SET user_type = 'bot' WHERE user_id = ${bot.userId}`;
    const gone = await register(server, "gone");
    await asked("POST", `/_synapse/admin/v1/deactivate/${gone.userId}`, {});
    expect((await asked("GET", PATH)).body.everybody).toBe(7);
    await asked("PUT", `${PATH}/all`, said("To all"));
    expect(await ended("all")).toMatchObject({ to_all: true, total: 7, told: 7, failed: 0 });
    expect(await told("To all")).toEqual([root.userId, ...users]);
  }, 60_000);

  test("it goes on where it was after the server was killed, and says nothing twice", async () => {
    const { sql } = server.database;
    const last = users.at(-1)!;
    await asked("PUT", `${PATH}/before`, { ...said("x"), users: [last] });
    await ended("before");
    // Who is told last is told, and it cannot be noted.
    await sql.unsafe(`
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_advisory_xact_lock(4242); RETURN NEW; END $$;
      CREATE TRIGGER wait BEFORE UPDATE ON notice_recipients FOR EACH ROW
        WHEN (NEW.user_id = '${last}') EXECUTE FUNCTION wait()`);
    await sql.begin(async (tx) => {
      await tx`SELECT pg_advisory_xact_lock(4242)`;
      await asked("PUT", `${PATH}/killed`, { ...said("Killed"), users });
      await until(async () => (await told("Killed")).length === users.length);
      await until(async () => (await one("killed")).told === users.length - 1);
      const { body } = await asked("GET", "/_weft/admin/background");
      expect(body.work.find(({ id }: Body) => id === "killed")).toMatchObject({
        ...{ kind: "send_notice", state: "running", done: users.length - 1, total: users.length },
      });
      await server.kill();
    });
    await sql`DROP TRIGGER wait ON notice_recipients`;
    await server.restart();
    expect(await ended("killed")).toMatchObject({ state: "complete", told: users.length });
    expect(await told("Killed")).toEqual(users);
  }, 120_000);

  test("it is stopped, and gone on with", async () => {
    const { sql } = server.database;
    await sql.unsafe(`
      CREATE TRIGGER wait BEFORE UPDATE ON notice_recipients FOR EACH ROW EXECUTE FUNCTION wait()`);
    await sql.begin(async (tx) => {
      await tx`SELECT pg_advisory_xact_lock(4242)`;
      await asked("PUT", `${PATH}/stopped`, { ...said("Stopped"), users });
      await until(async () => (await told("Stopped")).length === 4);
      const { body } = await asked("POST", `${PATH}/stopped/stop`, {});
      expect(body).toMatchObject({ state: "stopped", told: 0, total: users.length });
    });
    await sql`DROP TRIGGER wait ON notice_recipients`;
    await until(async () => (await one("stopped")).told === 4);
    expect((await asked("GET", PATH)).body.notices[0]).toMatchObject({ state: "stopped" });
    await asked("POST", `${PATH}/stopped/resume`, {});
    expect(await ended("stopped")).toMatchObject({ state: "complete", told: users.length });
    expect(await told("Stopped")).toEqual(users);
    // There is nothing to stop or to go on with.
    expect((await asked("POST", `${PATH}/stopped/stop`, {})).body.state).toBe("complete");
    expect((await asked("POST", `${PATH}/stopped/resume`, {})).body.state).toBe("complete");
  }, 60_000);

  test("who cannot be told is named with the reason, and tried again when somebody says so", async () => {
    const late = `@late:${server.name}`;
    await asked("PUT", `${PATH}/late`, { ...said("Late"), users: [late, users[0]!] });
    expect(await ended("late")).toMatchObject({
      ...{ state: "complete", told: 1, failed: 1 },
      failures: [{ user_id: late, error: "This server has no such user" }],
    });
    await register(server, "late");
    await asked("POST", `${PATH}/late/resume`, {});
    expect(await ended("late")).toMatchObject({ told: 2, failed: 0, failures: [] });
    expect(await told("Late")).toEqual([late, users[0]!]);
  });

  test("what cannot be sent is refused at once, and only administrators may", async () => {
    const refusals: [object, number, string][] = [
      [{ ...said("x"), users: ["@a:elsewhere.test"] }, 400, "M_INVALID_PARAM"],
      [said("x".repeat(61_000)), 400, "M_INVALID_PARAM"],
      [{ ...said("x"), users: [] }, 400, "M_BAD_JSON"],
      [{}, 400, "M_MISSING_PARAM"],
    ];
    for (const [body, status, errcode] of refusals) {
      const answer = await asked("PUT", `${PATH}/refused`, body);
      expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
    }
    const carol = await register(server, "carol");
    for (const [method, rest, body] of [
      ["GET", "", undefined],
      ["GET", "/two", undefined],
      ["PUT", "/hers", said("hers")],
      ["POST", "/two/stop", {}],
      ["POST", "/two/resume", {}],
    ] as const) {
      expect((await asked(method, `${PATH}${rest}`, body, { by: carol })).status).toBe(403);
    }
    for (const [method, rest] of [
      ["GET", ""],
      ["POST", "/stop"],
      ["POST", "/resume"],
    ] as const) {
      const body = method === "POST" ? {} : undefined;
      const answer = await asked(method, `${PATH}/nothing${rest}`, body);
      expect([answer.status, answer.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    }
  });

  test("another notice with the same id is refused, and the same in other words for it is not", async () => {
    const [first, second, third] = users as [string, string, string];
    const body = { ...said("Mine"), users: [first, second] };
    await asked("PUT", `${PATH}/mine`, body);
    const again = {
      users: [second, first, second],
      type: "m.room.message",
      content: { body: "Mine", msgtype: "m.text" },
    };
    expect(await asked("PUT", `${PATH}/mine`, again)).toMatchObject({
      status: 200,
      body: { notice_id: "mine", total: 2 },
    });
    await asked("PUT", `${PATH}/everybodys`, said("To whom it may concern"));
    const other = await administrator(server, "other");
    const refused: [string, object, TestUser?][] = [
      ["mine", { ...body, ...said("Other") }],
      ["mine", { ...body, type: "m.other" }],
      ["mine", { ...body, users: [first] }],
      ["mine", { ...body, users: [first, third] }],
      ["mine", { ...body, users: [first, second, third] }],
      ["mine", said("Mine")],
      ["mine", body, other],
      ["everybodys", { ...said("To whom it may concern"), users }],
    ];
    for (const [id, wish, by = root] of refused) {
      const answer = await asked("PUT", `${PATH}/${id}`, wish, { by });
      expect([wish, answer.status, answer.body.errcode]).toEqual([wish, 409, "M_UNKNOWN"]);
    }
    expect(await ended("mine")).toMatchObject({ told: 2, total: 2, requested_by: root.userId });
    expect(await told("Mine")).toEqual([first, second]);
    expect(await told("Other")).toEqual([]);
    await ended("everybodys");
  });
});

describe.skipIf(!hasRedis)("with two replicas", () => {
  let redis: TestRedis;
  let other: Awaited<ReturnType<TestServer["replica"]>>;
  beforeAll(async () => {
    redis = await startRedis();
    server = await startServer({ redisUrl: redis.path });
    root = await administrator(server, "root");
    other = await server.replica();
  }, 60_000);
  afterAll(async () => {
    await other?.stop();
    await server?.close();
    await redis?.stop();
  });

  test("each is told once, whichever is asked", async () => {
    const names = Array.from({ length: 8 }, (_, at) => `user${at}`);
    const users: string[] = [];
    for (const name of names) users.push((await register(server, name)).userId);
    const body = { ...said("Both"), users };
    await Promise.all([
      asked("PUT", `${PATH}/both`, body),
      asked("PUT", `${PATH}/both`, body, { on: other }),
      asked("PUT", `${PATH}/other`, { ...said("Other"), users }, { on: other }),
    ]);
    expect(await ended("both")).toMatchObject({ told: 8, total: 8 });
    expect(await ended("other")).toMatchObject({ told: 8, total: 8 });
    expect(await told("Both")).toEqual(users);
    expect(await told("Other")).toEqual(users);
  }, 60_000);
});
