/** How the server does: over the wire, with a service that does not take its events. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAnswerTimes } from "../../src/oversight/answer-times.ts";
import { createServerHealth } from "../../src/oversight/health.ts";
import { createSamples } from "../../src/oversight/samples.ts";
import { createManualClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { registrationFolder, registrationText } from "../appservice/support.ts";
import { freshDatabase } from "../support/database.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { startFakeService } from "../appservice/fake-service.ts";
import { administrator, ask } from "./one-server.ts";

let redis: TestRedis | undefined;
let server: TestServer;
let root: TestUser;
let alice: TestUser;
let service: Awaited<ReturnType<typeof startFakeService>>;
let files: ReturnType<typeof registrationFolder>;

beforeAll(async () => {
  redis = hasRedis ? await startRedis() : undefined;
  service = await startFakeService();
  files = registrationFolder({
    bridge: registrationText({
      url: service.url,
      users: [{ regex: "@.*", exclusive: false }],
    }),
    quiet: registrationText({
      ...{ id: "quiet", url: null, sender_localpart: "quiet", as_token: "q", hs_token: "h" },
      protocols: ["irc"],
    }),
  });
  server = await startServer({
    appservices: files.folder,
    ...(redis && { redisUrl: redis.path }),
  });
  root = await administrator(server, "root");
  alice = await register(server, "alice");
}, 120_000);
afterAll(async () => {
  await server?.close();
  await service?.stop();
  files?.close();
  await redis?.stop();
});

const got = async (path: string, on: { baseUrl: string } = server): Promise<Body> => {
  const { status, body } = await ask("GET", path, { by: root, on });
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};

describe("GET /_weft/admin/health", () => {
  test("tells what runs, on what, and what waits", async () => {
    const health = await got("/_weft/admin/health");
    expect(health).toMatchObject({
      server_name: server.name,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      node_version: process.versions.node,
      started_ts: expect.any(Number),
      database: { is_embedded: true, version: expect.stringMatching(/^\d+/) },
      uses_redis: hasRedis,
      failing_servers: 0,
    });
    const { database } = health;
    expect(database.size_bytes).toBeGreaterThan(1_000_000);
    expect(database.connections).toBeGreaterThan(0);
    expect(database.max_connections).toBeGreaterThan(database.connections);
    expect(health.log_position).toBeGreaterThan(0);
    expect(health.queues.length).toBeGreaterThan(5);
    for (const queue of health.queues) expect(queue).toMatchObject({ length: 0, is_more: false });
  });

  test("counts what waits, up to a bound", async () => {
    const { sql } = server.database;
    await sql`INSERT INTO cascade_queue SELECT 1, n, 1 FROM generate_series(1, 10001) n`;
    try {
      const { queues } = await got("/_weft/admin/health");
      expect(queues).toContainEqual({ name: "redactions_along", length: 10_000, is_more: true });
    } finally {
      await sql`DELETE FROM cascade_queue`;
    }
  });

  test.runIf(hasRedis)(
    "names all replicas that run, and those alone",
    async () => {
      const replica = await server.replica();
      const names = async () => (await got("/_weft/admin/health")).replicas.length;
      try {
        await until(async () => (await names()) === 2);
        const [mine, other] = [
          (await got("/_weft/admin/health")).replica,
          (await got("/_weft/admin/health", replica)).replica,
        ];
        expect(mine).not.toBe(other);
        const { replicas } = await got("/_weft/admin/health");
        expect(new Set(replicas.map((each: Body) => each.replica))).toEqual(new Set([mine, other]));
      } finally {
        await replica.stop();
      }
      await until(async () => (await names()) === 1);
    },
    60_000,
  );
});

describe("samples", () => {
  test("are taken once a minute, and give points for charts", async () => {
    const database = await freshDatabase();
    const { sql } = database;
    await migrate(sql);
    const clock = createManualClock(1_700_000_000_000);
    const aWeekAgo = clock.now() - 7 * 24 * 3_600_000;
    for (const ts of [aWeekAgo - 1, aWeekAgo + 1]) {
      await sql`INSERT INTO replica_samples VALUES ('old', ${ts}, '', 0, true, 0, 0, 0, 0, 0, 0, 0, 0)`;
    }
    let usage = { memoryBytes: 1000, cpuMs: 0 };
    const samples = createSamples({
      ...{ sql, clock, logger: silentLogger(), version: "1.2.3", replica: "one" },
      ...{ logPosition: () => 7, usage: () => usage },
    });
    const rows = async () => (await sql`SELECT FROM replica_samples`).length;
    const health = createServerHealth({ sql, clock });
    try {
      await until(async () => (await rows()) === 2 && clock.sleepers === 1);
      for (const ms of [10, 10, 10, 200]) {
        samples.answered({ operation: "sendMessage", status: 200, ms });
      }
      samples.answered({ operation: "sync", status: 200, ms: 30_000 });
      samples.answered({ operation: "getProfile", status: 503, ms: 10 });
      // That another server failed is no failure of this one.
      for (const status of [502, 504]) {
        samples.answered({ operation: "getProfile", status, ms: 10 });
      }
      usage = { memoryBytes: 2000, cpuMs: 30_000 };
      clock.advance(60_000);
      await until(async () => (await rows()) === 3 && clock.sleepers === 1);
      const { stepMs, points } = await health.history("hour");
      expect(stepMs).toBe(60_000);
      expect(points.length).toBe(2);
      expect(points[1]).toMatchObject({
        ...{ replicas: 1, requests: 8, failed: 1, memoryBytes: 2000, cpu: 0.5, logPosition: 7 },
      });
      expect(points[1]!.p50Ms).toBeGreaterThanOrEqual(10);
      expect(points[1]!.p50Ms).toBeLessThan(12);
      expect(points[1]!.p95Ms).toBeGreaterThanOrEqual(200);
      expect(points[1]!.p95Ms).toBeLessThan(240);
      await sql`
        INSERT INTO replica_samples
        SELECT 'two', ts, version, started_ts, has_ended, 10, failed, p50_ms, 300, memory_bytes, cpu,
          delay_ms, log_position FROM replica_samples WHERE requests > 0`;
      expect((await health.history("day")).points).toEqual([
        expect.objectContaining({ replicas: 2, requests: 18, p95Ms: 300, memoryBytes: 4000 }),
      ]);
    } finally {
      await samples.stop();
      await database.close();
    }
  }, 60_000);

  test("say nothing where nothing was answered", () => {
    expect(createAnswerTimes().within(0.5)).toBe(0);
  });

  test("are read over the wire", async () => {
    const { step_ms: step, points } = await got("/_weft/admin/health/history?span=week");
    expect(step).toBe(3_600_000);
    expect(points[0]).toMatchObject({ replicas: expect.any(Number), requests: expect.any(Number) });
    const { status } = await ask("GET", "/_weft/admin/health/history?span=year", {
      by: root,
      on: server,
    });
    expect(status).toBe(400);
  });
});

describe("application services", () => {
  const services = async () => (await got("/_weft/admin/application_services")).services;
  const bridge = async () => (await services())[0];

  test("are listed without their tokens", async () => {
    const [first, second] = await services();
    expect(first).toMatchObject({
      ...{ id: "bridge", url: service.url, sender: `@bridgebot:${server.name}`, protocols: [] },
      users: [{ regex: "@.*", exclusive: false }],
      ...{ aliases: [], rooms: [], failures: 0, problem: null, is_waiting: false },
    });
    expect(second).toMatchObject({ id: "quiet", url: null, protocols: ["irc"], behind: 0 });
    expect(JSON.stringify([first, second])).not.toContain("token");
  });

  test("say why they do not take what happens, and are tried again at once", async () => {
    service.answer(() => ({ status: 500 }));
    await alice.call("POST", "/createRoom", {});
    const failing = await eventually("it fails", async () => {
      const found = await bridge();
      return found.failures > 0 ? found : undefined;
    });
    expect(failing).toMatchObject({ is_waiting: true, problem: "it answered 500" });
    expect(failing.retry_ts).toBeGreaterThan(0);
    service.answer(() => undefined);
    const path = "/_weft/admin/application_services/bridge/retry";
    expect((await ask("POST", path, { by: root, on: server })).status).toBe(200);
    await until(async () => {
      const { failures, problem, is_waiting: waits } = await bridge();
      return failures === 0 && problem === null && waits === false;
    });
    const unknown = "/_weft/admin/application_services/none/retry";
    expect((await ask("POST", unknown, { by: root, on: server })).status).toBe(404);
  }, 60_000);
});
