/** A replica whose database is gone, or does not answer, stops when it is told to. */
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/platform/clock.ts";
import { createLeases, whileLeader } from "../../src/storage/leases.ts";
import { connect, type Sql } from "../../src/storage/sql.ts";
import { openCutOff } from "../support/cut-off.ts";
import { freshDatabase } from "../support/database.ts";
import { hasRedis, startRedis } from "../support/redis.ts";
import { startServer } from "../support/server.ts";
import { register } from "../support/user.ts";
import { inTime, nextTurn, until } from "../support/wait.ts";

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let undo = cleanup.pop(); undo; undo = cleanup.pop()) await undo();
});

describe.skipIf(!hasRedis)("a replica whose database is gone", () => {
  test("stops, and another one goes on with everything", async () => {
    const redis = await startRedis();
    cleanup.push(() => redis.stop());
    const server = await startServer({ redisUrl: redis.path }, { mortal: true });
    cleanup.push(() => server.close());
    const alice = await register(server, "alice");
    // It has a dozen leases, each of which it wants to leave.
    await inTime("its end", server.kill());
    await server.restart();
    expect((await alice.call("GET", "/account/whoami")).user_id).toBe(alice.userId);
  }, 120_000);
});

describe("leases", () => {
  test("are left although the database has gone, all of them in the time of one", async () => {
    const database = await freshDatabase();
    cleanup.push(() => database.close());
    const way = await openCutOff(database.location);
    const leases = createLeases({ sql: connect(way.location, { max: 1 }), clock: systemClock });
    const stop = new AbortController();
    let working = 0;
    const all = Array.from({ length: 40 }, (_, at) =>
      whileLeader(leases, `work ${at}`, stop.signal, async (signal) => {
        working += 1;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }),
    );
    await until(() => working === 40);
    await way.close();
    stop.abort();
    await inTime("all have left", Promise.all(all), 10_000);
    await inTime("they are closed", leases.close(), 10_000);
  });

  test("are waited for no longer than one waits for the work", async () => {
    // A database that takes what it is asked, and never answers.
    const silent = Object.assign(() => new Promise(() => {}), {
      end: () => Promise.resolve(),
    }) as unknown as Sql;
    const leases = createLeases({ sql: silent, clock: systemClock });
    const stop = new AbortController();
    const running = whileLeader(leases, "work", stop.signal, () => {
      throw new Error("nobody has the lease");
    });
    await nextTurn();
    stop.abort();
    await inTime("it stops waiting", running);
    await leases.close();
  });
});
