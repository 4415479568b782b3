/** What servers that are not there cost, and that they and slow ones hold up nobody. */
import { beforeAll, expect, test } from "vitest";
import { SENT } from "../../src/sender/index.ts";
import { createFollower } from "../../src/log/follow.ts";
import { createManualClock, systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { createBackoff } from "../../src/federation-client/requests/backoff.ts";
import { createSender } from "../../src/sender/index.ts";
import { counting, NO_KEYS } from "./support.ts";
import { until } from "../support/wait.ts";
import { startServers } from "../rooms/support/servers.ts";

const DEAD = 1_000;
const MESSAGES = 100;

const [, a, b] = await startServers("a.test", "b.test");
const roomId = await a.rooms.create.room(a.user("alice"), { preset: "public_chat" });

beforeAll(async () => {
  await b.rooms.members.join({ by: b.user("bob"), room: roomId, via: [a.name] });
  await a.db.sql`
    INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
    SELECT room_nid, '@x:dead' || i || '.test', 'dead' || i || '.test', 'join', event_nid, position
    FROM memberships, generate_series(1, ${DEAD}::int) i WHERE user_id = '@alice:a.test'`;
});

const say = (body: string) =>
  a.rooms.send.message({
    by: a.user("alice"),
    roomId,
    type: "m.room.message",
    content: { body },
  });

test(
  `${DEAD} servers that are not there cost no statement and no attempt for each of ${MESSAGES} messages`,
  { timeout: 120_000 },
  async () => {
    const clock = createManualClock(); // no pause is ever over
    const [random, log] = [systemRandom, silentLogger()];
    const { sql, count } = counting(a.db.sql);
    const backoff = await createBackoff({ sql: a.db.sql, clock, random, log });
    const got: unknown[] = [];
    let attempts = 0;
    const sender = createSender({
      ...{
        sql,
        log: a.log,
        view: a.rooms.view,
        served: a.rooms.federation,
        keys: NO_KEYS,
        serverName: a.name,
        clock: systemClock,
        random,
      },
      logger: log,
      remote: {
        backoff,
        server: {
          async sendTransaction(server, _txnId, { pdus }) {
            if (server !== b.name) {
              attempts += 1;
              backoff.failed(server);
              throw new Error("not there");
            }
            got.push(...pdus.map((pdu) => (pdu.content as JsonObject).body));
          },
        },
      },
    });
    const follower = createFollower(
      { log: a.log, sql: a.db.sql, clock: systemClock, logger: log },
      {
        name: "dead",
        kinds: SENT,
        from: "end",
        begin: (signal) => sender.resume(signal),
        handle: (records) => sender.take(records),
      },
    );
    await follower.caughtUp();
    await say("first");
    await until(() => attempts === DEAD && got.length === 1);
    const [statements, before] = [count(), process.memoryUsage().heapUsed];
    const cpu = process.cpuUsage();
    for (let i = 0; i < MESSAGES; i += 1) await say(`${i}`);
    await follower.caughtUp();
    await until(() => got.length === 1 + MESSAGES);
    const { user, system } = process.cpuUsage(cpu);
    const grown = process.memoryUsage().heapUsed - before;
    const used = count() - statements;
    console.log(
      `${DEAD} dead destinations, ${MESSAGES} messages: ${attempts} attempts, ${used} statements of the sender, ` +
        `${Math.round((user + system) / MESSAGES)} µs of CPU a message in all, heap ${Math.round(grown / 1024)} kB`,
    );
    expect(attempts).toBe(DEAD);
    // Those of the one server that is there: what it is to get, how far it is.
    expect(used).toBeLessThanOrEqual(3 * MESSAGES);
    expect(got).toEqual(["first", ...Array.from({ length: MESSAGES }, (_, i) => `${i}`)]);
    const rows = await a.db.sql`SELECT 1 FROM destinations WHERE wanted_position > sent_position`;
    expect(rows.length).toBeGreaterThanOrEqual(DEAD);
    await follower.stop();
    await sender.stop();
    await backoff.stop();
  },
);

test("a server that takes its time holds up no other, and gets one transaction at a time", async () => {
  const got: string[] = [];
  let [underWay, most] = [0, 0];
  let answer = (): void => undefined;
  const sender = createSender({
    ...{
      sql: a.db.sql,
      log: a.log,
      view: a.rooms.view,
      served: a.rooms.federation,
      keys: NO_KEYS,
      serverName: a.name,
      clock: systemClock,
    },
    ...{ random: systemRandom, logger: silentLogger() },
    remote: {
      backoff: {
        mayTry: () => true,
        failed: () => undefined,
        failingSince: () => undefined,
        onAwake: () => () => undefined,
      },
      server: {
        async sendTransaction(server) {
          got.push(server);
          if (server !== "slow.test") return;
          most = Math.max(most, (underWay += 1));
          await new Promise<void>((resolve) => (answer = resolve));
          underWay -= 1;
        },
      },
    },
  });
  const edu = (key: string) => ({
    ...{ key, staleAt: Infinity },
    edu: { edu_type: "m.typing", content: { key } },
  });
  const [slow, quick] = ["slow.test" as ServerName, "quick.test" as ServerName];
  for (let i = 0; i < 20; i += 1) {
    sender.eduTo([slow, quick], edu(`${i}`));
    await until(() => got.filter((server) => server === quick).length === i + 1);
  }
  expect(got.filter((server) => server === slow)).toHaveLength(1);
  answer();
  await until(() => got.filter((server) => server === slow).length === 2);
  answer();
  await sender.stop();
  expect(most).toBe(1);
});
