/** Destinations and blocked servers, over the wire, with two servers and with replicas. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askPath, ensureAsSpecified } from "../support/contract-answers.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { askAs } from "../support/signed-requests.ts";
import { eventually, until } from "../support/wait.ts";
import { administrator, ask, segment } from "./one-server.ts";

const DESTINATIONS = "/_synapse/admin/v1/federation/destinations";
const BLOCKED = "/_weft/admin/federation/blocked";

let redis: TestRedis | undefined;
let one: TestServer;
let two: TestServer;
let root: TestUser;
let alice: TestUser;
let bob: TestUser;
let roomId: string;

beforeAll(async () => {
  redis = hasRedis ? await startRedis() : undefined;
  [one, two] = await Promise.all([
    startServer(redis && { redisUrl: redis.path }),
    startServer({ redisUrl: undefined }),
  ]);
  root = await administrator(one, "root");
  alice = await register(one, "alice");
  bob = await register(two, "bob");
  roomId = await sharedRoom();
}, 120_000);
afterAll(async () => {
  await Promise.all([one?.close(), two?.close()]);
  await redis?.stop();
});

async function sharedRoom(): Promise<string> {
  const { room_id: id } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  await bob.call("POST", `/join/${segment(id)}?via=${one.name}`, {});
  return id;
}

const asked = (method: string, path: string, body?: unknown, on: { baseUrl: string } = one) =>
  ask(method, path, { by: root, on, body });
const got = async (path: string): Promise<Body> => {
  const { status, body } = await asked("GET", path);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};
const textsOf = async (reader: TestUser, id = roomId): Promise<string[]> => {
  const { chunk } = await reader.call("GET", `/rooms/${segment(id)}/messages?dir=b&limit=50`);
  return chunk.map((event: Body) => event.content.body);
};
const arrives = (reader: TestUser, text: string) =>
  until(async () => (await textsOf(reader)).includes(text));

describe("destinations", () => {
  test("are listed with what they have", async () => {
    await alice.send(roomId, "first");
    await arrives(bob, "first");
    const list = await eventually("something arrived", async () => {
      const found: Body = await got(DESTINATIONS);
      return found.destinations[0]?.last_success_ts > 0 ? found : undefined;
    });
    expect(list).toEqual({
      total: 1,
      destinations: [
        {
          ...{ destination: two.name, retry_last_ts: 0, retry_interval: 0, failure_ts: null },
          last_success_ts: expect.any(Number),
          last_successful_stream_ordering: expect.any(Number),
          last_wanted_stream_ordering: expect.any(Number),
          blocked: false,
        },
      ],
    });
    expect(await got(`${DESTINATIONS}/${two.name}`)).toMatchObject({ destination: two.name });
  });

  test("are in rooms", async () => {
    const { rooms, total } = await got(`${DESTINATIONS}/${two.name}/rooms`);
    expect([total, rooms]).toEqual([1, [{ room_id: roomId, stream_ordering: expect.any(Number) }]]);
    expect(rooms[0].stream_ordering).toBeGreaterThan(0);
    const page = await got(`${DESTINATIONS}/${two.name}/rooms?from=1&dir=b`);
    expect(page).toEqual({ rooms: [], total: 1 });
  });

  test("that fail say since when, and are tried at once when somebody wants that", async () => {
    expect((await asked("POST", `${DESTINATIONS}/${two.name}/reset_connection`)).status).toBe(400);
    const before = Date.now();
    const { last_success_ts: tookTs } = await got(`${DESTINATIONS}/${two.name}`);
    expect(tookTs).toBeLessThanOrEqual(before);
    await two.stop();
    await alice.send(roomId, "while it was away");
    const failing: Body = await eventually("it fails", async () => {
      const found: Body = await got(`${DESTINATIONS}/${two.name}`);
      return found.failure_ts === null ? undefined : found;
    });
    expect(failing.failure_ts).toBeGreaterThanOrEqual(before);
    expect(failing.retry_last_ts).toBeGreaterThanOrEqual(failing.failure_ts);
    expect(failing.retry_after_ts).toBeGreaterThan(failing.retry_last_ts);
    // A day is longer than the test waits.
    const { sql } = one.database;
    await sql`UPDATE failing_servers SET retry_after = retry_after + 86400000, interval_ms = 86400000`;
    await one.stop();
    await one.restart();
    const path = `${DESTINATIONS}/${two.name}`;
    // When it took something is known after a restart, too.
    const took = { last_success_ts: tookTs };
    expect(await got(path)).toMatchObject({ retry_interval: 86_400_000, ...took });
    expect((await asked("POST", `${path}/reset_connection`)).body).toEqual({});
    // It is tried again, and in vain: the pause begins anew.
    await until(async () => [1000, 2000, 4000, 8000].includes((await got(path)).retry_interval));
    await two.restart();
    await arrives(bob, "while it was away");
    const back: Body = await eventually("it took what waited for it", async () => {
      const found = await got(path);
      return found.last_success_ts > tookTs ? found : undefined;
    });
    expect(back).toMatchObject({ failure_ts: null });
    expect(back.last_success_ts).toBeGreaterThan(before);
  }, 60_000);

  test("are ordered, found by a part of their names, and paged", async () => {
    const { sql } = one.database;
    await sql`INSERT INTO destinations VALUES ('b.test', 5, 9, NULL), ('a.test', 7, 7, 30)`;
    await sql`INSERT INTO failing_servers VALUES ('b.test', 10, 500, 100, 300), ('c.test', 20, 400, 50, NULL)`;
    const names = async (query: string) =>
      (await got(`${DESTINATIONS}?destination=.TEST&${query}`)).destinations.map(
        (each: Body) => each.destination,
      );
    try {
      expect(await names("")).toEqual(["a.test", "b.test", "c.test"]);
      expect(await names("dir=b")).toEqual(["c.test", "b.test", "a.test"]);
      expect(await names("order_by=failure_ts")).toEqual(["a.test", "b.test", "c.test"]);
      expect(await names("order_by=retry_interval&dir=b")).toEqual(["b.test", "c.test", "a.test"]);
      expect(await names("order_by=retry_last_ts&dir=b")).toEqual(["c.test", "b.test", "a.test"]);
      expect(await names("order_by=last_success_ts&dir=b")).toEqual(["a.test", "c.test", "b.test"]);
      expect(await names("order_by=last_successful_stream_ordering")).toEqual([
        ...["c.test", "b.test", "a.test"],
      ]);
      const page = await got(`${DESTINATIONS}?destination=.test&limit=2`);
      expect([page.total, page.next_token]).toEqual([3, "2"]);
      const last = await got(`${DESTINATIONS}?destination=.test&limit=2&from=2`);
      expect([last.destinations.length, last.next_token]).toEqual([1, undefined]);
      expect(await got(`${DESTINATIONS}/c.test`)).toMatchObject({
        ...{ retry_last_ts: 350, retry_after_ts: 400, last_successful_stream_ordering: null },
      });
    } finally {
      await sql`DELETE FROM destinations WHERE server LIKE '%.test'`;
      await sql`DELETE FROM failing_servers WHERE server LIKE '%.test'`;
    }
  });

  test.each(["", "/rooms", "/reset_connection"])("that are not known have no %s", async (rest) => {
    const method = rest === "/reset_connection" ? "POST" : "GET";
    const { status, body } = await asked(method, `${DESTINATIONS}/unknown.test${rest}`);
    expect([status, body.errcode]).toEqual([404, "M_NOT_FOUND"]);
  });
});

describe("blocked servers", () => {
  const block = (server: string, reason?: string) =>
    asked("PUT", `${BLOCKED}/${segment(server)}`, { reason });
  const unblock = (server: string) => asked("DELETE", `${BLOCKED}/${segment(server)}`);

  test("are listed with the reason and who blocked them", async () => {
    await block("*.Evil.test", "spam");
    await block("*.evil.test", "much spam");
    expect(await got(BLOCKED)).toEqual({
      blocked: [
        {
          ...{ server: "*.evil.test", reason: "much spam", blocked_by: root.userId },
          blocked_ts: expect.any(Number),
        },
      ],
    });
    expect((await unblock("*.evil.test")).status).toBe(200);
    expect((await unblock("*.evil.test")).body.errcode).toBe("M_NOT_FOUND");
    expect(await got(BLOCKED)).toEqual({ blocked: [] });
  });

  test.each(["*", "localhost", "l?calhost"])("are not this server itself: %s", async (pattern) => {
    expect((await block(pattern)).body.errcode).toBe("M_INVALID_PARAM");
  });

  test.each(["a b", "ä", "a/b"])("have no name like %s", async (name) => {
    expect((await block(name)).status).toBe(400);
  });

  test("are refused and asked nothing, and get what they missed when they are blocked no more", async () => {
    expect((await block(two.name)).status).toBe(200);
    expect(await got(`${DESTINATIONS}/${two.name}`)).toMatchObject({ blocked: true });
    const inbound = await askAs(two, one, "GET", "/_matrix/federation/v1/publicRooms");
    expect([inbound.status, inbound.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    const outbound = await alice.ask("GET", `/profile/${segment(bob.userId)}`);
    expect([outbound.status, outbound.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    await bob.send(roomId, "from them");
    await alice.send(roomId, "to them");
    const invited = await alice.ask("POST", "/createRoom", { invite: [bob.userId] });
    expect(invited.status).not.toBe(500);
    expect(await textsOf(bob)).not.toContain("to them");
    expect(await textsOf(alice)).not.toContain("from them");
    expect((await unblock(two.name)).status).toBe(200);
    await arrives(bob, "to them");
    await alice.send(roomId, "again");
    await arrives(bob, "again");
    await bob.send(roomId, "back");
    await arrives(alice, "back");
    expect(await textsOf(alice)).toContain("from them");
  }, 60_000);

  test("are asked nothing for a user either, who is told so as the contract has it", async () => {
    await block(two.name);
    const [v1, v3] = ["/_matrix/client/v1", "/_matrix/client/v3"];
    const their = { user: segment(bob.userId), alias: segment(`#room:${two.name}`) };
    const room = segment(`!room:${two.name}`);
    const asked: [method: string, path: string, body?: object][] = [
      ["GET", `${v3}/publicRooms?server=${two.name}`],
      ["POST", `${v3}/publicRooms?server=${two.name}`, {}],
      ["GET", `${v3}/profile/${their.user}`],
      ["GET", `${v3}/profile/${their.user}/displayname`],
      ["GET", `${v3}/directory/room/${their.alias}`],
      ["POST", `${v3}/join/${their.alias}`, {}],
      ["POST", `${v3}/join/${room}?via=${two.name}`, {}],
      ["POST", `${v3}/knock/${room}?via=${two.name}`, {}],
      ["GET", `${v1}/room_summary/${room}?via=${two.name}`],
      ["GET", `${v1}/rooms/${room}/hierarchy`],
      ["POST", `${v3}/rooms/${segment(roomId)}/invite`, { user_id: `@carol:${two.name}` }],
      ["POST", `${v3}/keys/query`, { device_keys: { [bob.userId]: [] } }],
      ["GET", `${v1}/media/download/${two.name}/abc`],
      ["GET", `${v1}/media/thumbnail/${two.name}/abc?width=32&height=32`],
    ];
    for (const [method, path, body] of asked) {
      const answer = await askPath(one, alice, { method, path, body });
      ensureAsSpecified(method, path, answer);
      expect([path, answer.status]).not.toEqual([path, 500]);
    }
    expect((await unblock(two.name)).status).toBe(200);
  });

  test.runIf(hasRedis)(
    "are so on every replica",
    async () => {
      const replica = await one.replica();
      const elsewhere = { ...one, baseUrl: replica.baseUrl };
      const status = async () =>
        (await askAs(two, elsewhere, "GET", "/_matrix/federation/v1/publicRooms")).status;
      try {
        expect(await status()).toBe(200);
        await block(two.name);
        await until(async () => (await status()) === 403);
        await unblock(two.name);
        await until(async () => (await status()) === 200);
      } finally {
        await replica.stop();
      }
    },
    60_000,
  );
});

test("which server it is is told to everybody", async () => {
  const response = await fetch(`${one.baseUrl}/_synapse/admin/v1/server_version`);
  expect(await response.json()).toEqual({ server_version: expect.stringMatching(/^Weft \d/) });
});
