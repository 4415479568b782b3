/** What administrators decide is done once: after a kill, when it is asked again, and on two replicas at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { administrator, ask, segment } from "../oversight/one-server.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";

let redis: TestRedis | undefined;
let server: TestServer;
/** Another replica of it, where there is a Redis. */
let other: Awaited<ReturnType<TestServer["replica"]>> | undefined;
let root: TestUser;
let second: TestUser;
let alice: TestUser;
let bob: TestUser;
let roomId: string;
let reportId: number;
let eventId: string;

async function open(...settings: Parameters<typeof startServer>): Promise<void> {
  server = await startServer(...settings);
  [root, second] = [await administrator(server, "root"), await administrator(server, "second")];
  [alice, bob] = [await register(server, "alice"), await register(server, "bob")];
}

beforeEach(async () => {
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await bob.call("POST", `/join/${segment(roomId)}`, {});
  eventId = await bob.send(roomId, "rubbish");
  await alice.call("POST", `/rooms/${segment(roomId)}/report/${segment(eventId)}`, {});
  const { body } = await ask("GET", "/_weft/admin/reports?limit=1", { by: root, on: server });
  reportId = body.reports[0].id;
});

interface Wish {
  readonly by?: TestUser;
  readonly on?: { readonly baseUrl: string } | undefined;
}

const decide = (body: object, { by = root, on = server }: Wish = {}) =>
  ask("POST", `/_weft/admin/reports/${reportId}/decisions`, { body, by, on });

async function done(body: object, wish?: Wish): Promise<void> {
  const answer = await decide(body, wish);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

/** As the same wish of two administrators, on both replicas, several times at once. */
async function doneAtOnce(body: object): Promise<void> {
  const wishes = [root, second, root, second].map((by, index) => ({
    ...{ by, on: index < 2 ? server : (other ?? server) },
  }));
  await Promise.all(wishes.map((wish) => done(body, wish)));
}

/** Kills the server once it has done what it was to do, and before it notes that. */
async function killedAmid(body: object, isDone: () => Promise<boolean>): Promise<void> {
  const { sql } = server.database;
  await sql.begin(async (tx) => {
    await tx`SELECT FROM reports WHERE report_id = ${reportId} FOR NO KEY UPDATE`;
    const asked = decide(body).catch(() => undefined);
    await until(isDone);
    await until(async () => {
      const waiting = await sql`
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND query LIKE '%UPDATE reports%'`;
      return waiting.length === 1;
    });
    await server.kill();
    await asked;
  });
  await server.restart();
  const { body: report } = await ask("GET", `/_weft/admin/reports/${reportId}`, {
    ...{ by: root, on: server },
  });
  expect([report.state, report.decisions.at(-1).state]).toEqual(["open", "doing"]);
}

const eventsOf = (type: string, where: string) => server.database.sql<{ json: string }[]>`
  SELECT json FROM events WHERE type = ${type} AND strpos(json, ${where}) > 0`;
const warnings = async (text: string) => (await eventsOf("m.room.message", text)).length;
const redactions = async () => (await eventsOf("m.room.redaction", eventId)).length;
const departures = async () =>
  (await eventsOf("m.room.member", bob.userId)).filter(({ json }) => {
    const event: Body = JSON.parse(json);
    return event.room_id === roomId && /^(leave|ban)$/.test(event.content.membership);
  }).length;
const memberships = () => server.database.sql`
  SELECT FROM memberships m JOIN rooms USING (room_nid)
  WHERE room_id = ${roomId} AND user_id = ${bob.userId} AND membership IN ('leave', 'ban')`;

describe("asked on two replicas at once, and again", () => {
  beforeAll(async () => {
    redis = hasRedis ? await startRedis() : undefined;
    await open(redis && { redisUrl: redis.path });
    other = redis && (await server.replica());
  }, 120_000);
  afterAll(async () => {
    await other?.stop();
    await server?.close();
    await redis?.stop();
  });

  test("a warning is sent once", async () => {
    await doneAtOnce({ decision: "warn", message: "calm down" });
    await done({ decision: "warn", message: "calm down" }, { by: second });
    expect(await warnings("calm down")).toBe(1);
    // Other words, and another report, are another warning.
    await done({ decision: "warn", message: "calm down, please" });
    expect(await warnings("calm down, please")).toBe(1);
  });

  test("a message is redacted once", async () => {
    await doneAtOnce({ decision: "remove_message", reason: "rules" });
    await done({ decision: "remove_message", reason: "again" });
    expect(await redactions()).toBe(1);
  });

  test.each([{}, { ban: true }])("who is removed from a room %o leaves it once", async (more) => {
    const wish = { decision: "remove_from_room", ...more };
    await doneAtOnce(wish);
    await done(wish);
    expect(await departures()).toBe(1);
  });

  test("who is suspended stays so since the first time", async () => {
    await doneAtOnce({ decision: "suspend" });
    const { sql } = server.database;
    const since = async () =>
      (await sql`SELECT suspended_ts AS ts FROM accounts WHERE user_id = ${bob.userId}`)[0]!["ts"];
    const first = await since();
    await done({ decision: "suspend" }, { by: second });
    expect([typeof first, await since()]).toEqual(["number", first]);
    await sql`UPDATE accounts SET suspended_ts = NULL`;
  });

  test("those who are put out of a deleted room get one new room, though it could not be noted at first", async () => {
    const { sql } = server.database;
    const rooms = () => eventsOf("m.room.name", "The new room");
    await sql.unsafe(`
      CREATE SEQUENCE refusals;
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM nextval('refusals'); RAISE 'not now'; END $$;
      CREATE TRIGGER refuse BEFORE UPDATE ON purges FOR EACH ROW
        WHEN (NEW.report LIKE '%newRoom%') EXECUTE FUNCTION refuse()`);
    const body = { new_room_user_id: root.userId, room_name: "The new room", message: "Over here" };
    const { body: begun } = await ask("DELETE", `/_synapse/admin/v2/rooms/${segment(roomId)}`, {
      ...{ body, by: root, on: server },
    });
    await until(async () => (await sql`SELECT FROM refusals WHERE last_value > 1`).length === 1);
    await sql`DROP TRIGGER refuse ON purges`;
    const path = `/_synapse/admin/v2/rooms/delete_status/${begun.delete_id}`;
    const status: Body = await eventually("the room is deleted", async () => {
      const answer = await ask("GET", path, { by: root, on: server });
      return answer.body.status === "complete" ? answer.body : undefined;
    });
    expect([(await rooms()).length, await warnings("Over here")]).toEqual([1, 1]);
    expect((await rooms())[0]!.json).toContain(status.shutdown_room.new_room_id);
  }, 60_000);
});

describe("asked again after the server was killed before it noted that it is done", () => {
  beforeAll(() => open({ redisUrl: undefined }, { mortal: true }), 120_000);
  afterAll(() => server?.close());

  test("a warning is sent once", async () => {
    const wish = { decision: "warn", message: "for the last time" };
    await killedAmid(wish, async () => (await warnings("for the last time")) === 1);
    await done(wish, { by: second });
    expect(await warnings("for the last time")).toBe(1);
  }, 60_000);

  test("who is removed from a room leaves it once", async () => {
    const wish = { decision: "remove_from_room", ban: true };
    await killedAmid(wish, async () => (await memberships()).length === 1);
    await done(wish);
    expect(await departures()).toBe(1);
  }, 60_000);
});
