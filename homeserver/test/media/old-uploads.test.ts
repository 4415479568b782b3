/** Old uploads are deleted in the background, to the end. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { administrator } from "../oversight/one-server.ts";
import { askPath, ensureAsSpecified } from "../support/contract-answers.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";

const LONG_AGO = 1_500_000_000_000;
const PATH = "/_weft/admin/media/deletions";
const OLD = { before_ts: LONG_AGO + 1, keep_profiles: false };

let server: TestServer;
let root: TestUser;

async function asked(
  method: string,
  path: string,
  body?: object,
  on: { baseUrl: string } = server,
) {
  const answer = await askPath(on, root, { method, path, body });
  if (answer.status === 200) ensureAsSpecified(method, path, answer);
  return answer;
}

/** Begins it; answers the id. */
async function begun(body: object, on?: { baseUrl: string }): Promise<string> {
  const { status, body: answer } = await asked("POST", PATH, body, on);
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer.delete_id;
}

async function work(id: string): Promise<Body> {
  const { body } = await asked("GET", "/_weft/admin/background");
  return body.work.find((each: Body) => each.id === id);
}

const ended = (id: string): Promise<Body> =>
  eventually("the deletion has ended", async () => {
    const found = await work(id);
    return found.ended_ts === undefined ? undefined : found;
  });

/** So many uploads of a name, old ones, all of one content. */
async function upload(by: TestUser, name: string, many: number): Promise<void> {
  const response = await fetch(`${server.baseUrl}/_matrix/media/v3/upload`, {
    method: "POST",
    headers: { authorization: `Bearer ${by.token}`, "content-type": "text/plain" },
    body: name,
  });
  const { content_uri: uri } = (await response.json()) as Body;
  await server.database.sql`
    INSERT INTO media (server, media_id, sha256, content_type, size, user_id, created_ts)
    SELECT server, ${name} || n, sha256, content_type, n, user_id, ${LONG_AGO}
    FROM media, generate_series(1, ${many}::integer) AS n WHERE media_id = ${uri.split("/")[3]}`;
}

const left = async (name: string): Promise<string[]> =>
  (
    await server.database.sql<{ id: string }[]>`
      SELECT media_id AS id FROM media WHERE starts_with(media_id, ${name}) ORDER BY media_id`
  ).map(({ id }) => id);

describe("on one server", () => {
  let bob: TestUser;
  beforeAll(async () => {
    server = await startServer({ redisUrl: undefined }, { mortal: true });
    root = await administrator(server, "root");
    bob = await register(server, "bob");
  }, 60_000);
  afterAll(() => server?.close());

  test("those that are old and large go, but for protected, quarantined and pictures", async () => {
    await upload(bob, "first", 6);
    const { sql } = server.database;
    await sql`UPDATE media SET is_protected = true WHERE media_id = 'first3'`;
    await sql`UPDATE media SET quarantined_by = 'x', quarantined_ts = 1 WHERE media_id = 'first4'`;
    await sql`UPDATE media SET created_ts = ${Date.now()} WHERE media_id = 'first5'`;
    const avatar = { avatar_url: `mxc://${server.name}/first6` };
    await bob.call("PUT", `/profile/${encodeURIComponent(bob.userId)}/avatar_url`, avatar);
    const id = await begun({ before_ts: OLD.before_ts, size_gt: 1 });
    const done = await ended(id);
    expect(done).toMatchObject({ kind: "delete_media", state: "complete", done: 1, total: 1 });
    expect(await left("first")).toEqual(["first1", "first3", "first4", "first5", "first6"]);
    await ended(await begun(OLD));
    expect(await left("first")).toEqual(["first3", "first4", "first5"]);
  });

  test("it says how far it is, and goes on where it was after the server was killed", async () => {
    await upload(bob, "second", 450);
    const { sql } = server.database;
    let id = "";
    await sql.begin(async (tx) => {
      // It cannot go on from somewhere in the last of its steps.
      await tx`SELECT FROM media WHERE media_id = 'second450' FOR UPDATE`;
      id = await begun(OLD);
      await until(async () => (await work(id)).done === 400);
      expect(await work(id)).toMatchObject({ state: "running", total: 450 });
      await server.kill();
    });
    expect(await left("second")).toHaveLength(50);
    await server.restart();
    expect(await ended(id)).toMatchObject({ state: "complete", done: 450, total: 450 });
    expect(await left("second")).toEqual([]);
  }, 60_000);

  test("what fails again and again is given up, and says so", async () => {
    await upload(bob, "third", 1);
    const { sql } = server.database;
    await sql.unsafe(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
      CREATE TRIGGER refuse BEFORE DELETE ON media FOR EACH ROW EXECUTE FUNCTION refuse()`);
    expect(await ended(await begun(OLD))).toMatchObject({
      ...{ state: "failed", done: 0, error: "The server's log tells what went wrong" },
    });
    await sql`DROP TRIGGER refuse ON media`;
    expect(await ended(await begun(OLD))).toMatchObject({ state: "complete", done: 1 });
  }, 60_000);

  test("a moment that is still to come stands for now", async () => {
    await upload(bob, "fourth", 1);
    const before = Date.now();
    const id = await begun({ ...OLD, before_ts: before + 1e9 });
    await ended(id);
    expect(await left("fourth")).toEqual([]);
    const [row] = await server.database.sql<{ ts: number }[]>`
      SELECT before_ts AS ts FROM media_deletions WHERE deletion_id = ${id}`;
    expect(row!.ts).toBeGreaterThanOrEqual(before);
    expect(row!.ts).toBeLessThanOrEqual(Date.now());
  });

  test("a moment in seconds is refused, and what is no moment", async () => {
    const refusals = [
      [{ before_ts: 1_600_000_000 }, "M_INVALID_PARAM"],
      [{ before_ts: "yesterday" }, "M_BAD_JSON"],
      [{}, "M_MISSING_PARAM"],
    ] as const;
    for (const [body, errcode] of refusals) {
      const answer = await asked("POST", PATH, body);
      expect([answer.status, answer.body.errcode]).toEqual([400, errcode]);
    }
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

  test("it is done once, whichever is asked", async () => {
    await upload(root, "both", 300);
    const ids = await Promise.all([begun(OLD), begun(OLD, other)]);
    const [one, two] = [await ended(ids[0]), await ended(ids[1])];
    expect(one.done + two.done).toBe(300);
    expect(await left("both")).toEqual([]);
  }, 60_000);
});
