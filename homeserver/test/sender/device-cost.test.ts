/** What it costs to tell many servers of a new device. */
import { beforeAll, expect, test } from "vitest";
import { SENT, createSender } from "../../src/sender/index.ts";
import { createFollower } from "../../src/log/follow.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { until } from "../support/wait.ts";
import { counting, deviceStore } from "./support.ts";
import { a, network } from "./three-servers.ts";

const ROOMS = 50;
const SERVERS = 1_000;

const alice = a.user("alice");

beforeAll(async () => {
  await a.db.sql`
    INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
    SELECT 1000000 + r, '@u:s' || s || '.test', 's' || s || '.test', 'join', 1, 1
    FROM generate_series(1, ${ROOMS}::int) r, generate_series(1, ${SERVERS}::int) s`;
  await a.db.sql`
    INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
    SELECT 1000000 + r, ${alice.userId}, ${a.name}, 'join', 1, 1
    FROM generate_series(1, ${ROOMS}::int) r`;
  await a.db.sql`ANALYZE memberships`;
}, 180_000);

test(
  `a device of a user in ${ROOMS} rooms is told to ${SERVERS} servers by one transaction each, and no row for a room or a member`,
  { timeout: 120_000 },
  async () => {
    const net = network();
    const { sql, count } = counting(a.db.sql);
    const store = deviceStore(a);
    const [clock, logger] = [systemClock, silentLogger()];
    const sender = createSender({
      ...{
        sql,
        log: a.log,
        view: a.rooms.view,
        served: a.rooms.federation,
        keys: store.keys,
        remote: net.outbound,
      },
      ...{ serverName: a.name, clock, random: systemRandom, logger },
    });
    const follower = createFollower(
      { log: a.log, sql: a.db.sql, clock, logger },
      {
        ...{ name: "many", kinds: SENT, from: "end" },
        begin: (signal) => sender.resume(signal),
        handle: (records) => sender.take(records),
      },
    );
    await follower.caughtUp();
    const statements = count();
    const begun = performance.now();
    await store.set(alice.userId, "NEW", "new");
    const answered = performance.now() - begun;
    await until(() => net.sent.length >= SERVERS);
    const drained = performance.now() - begun;
    console.log(
      `${ROOMS} rooms, ${SERVERS} servers: answered after ${Math.round(answered)} ms, ` +
        `all told after ${Math.round(drained)} ms, ${count() - statements} statements`,
    );
    expect(new Set(net.sent.map(({ to }) => to)).size).toBe(SERVERS);
    expect(net.sent).toHaveLength(SERVERS);
    // Who is told, what came before, how far they are to get; and later how far they are.
    expect(count() - statements).toBeLessThanOrEqual(5);
    await follower.stop();
    await sender.stop();
    const rows = await a.db
      .sql`SELECT 1 FROM device_list_changes UNION ALL SELECT 1 FROM destinations`;
    expect(rows).toHaveLength(1 + SERVERS);
  },
);
