import { systemRandom } from "../../src/platform/random.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Redis } from "ioredis";
import { createRedisTurns, type TurnListener } from "../../src/cluster/redis-turns.ts";
import { createRoomTurns, LEASE_MS, type RoomTurns } from "../../src/cluster/room-turns.ts";
import { StaleHead } from "../../src/log/types.ts";
import { createManualClock, systemClock as clock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import type { Head } from "../../src/rooms/commands/head.ts";
import { createMailbox, type Mailbox } from "../../src/rooms/commands/mailbox.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { pause } from "../support/pace.ts";
import { inTime, until } from "../support/wait.ts";

/** A lease that no test lives to see the end of, however busy the machine is. */
const LONG_MS = 600_000;

interface Replica {
  readonly redis: Redis;
  readonly turns: RoomTurns;
  /** How often it said that it still works on a room. */
  confirmed(): number;
  /** As if the process were killed: nothing is said to anybody. */
  kill(): void;
}

describe.skipIf(!hasRedis)("rooms' turns among replicas", { timeout: 180_000 }, () => {
  let server: TestRedis;
  let replicas: Replica[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    await Promise.all(replicas.map(({ turns }) => turns.close()));
    replicas = [];
  });
  afterAll(() => server.stop());

  async function replica(at = server, leaseMs = LONG_MS): Promise<Replica> {
    const redis = at.connect();
    await redis.ping();
    const shared = { leaseMs, clock, logger: silentLogger() };
    const table = await createRedisTurns(redis, { prefix: "weft:turns:", ...shared });
    let isDead = false;
    let confirmed = 0;
    const mortal = {
      ...table,
      pass: async (roomNid: number) => (isDead ? undefined : table.pass(roomNid)),
      leave: async (roomNid: number) => (isDead ? undefined : table.leave(roomNid)),
      confirm: async (roomNid: number) => {
        if (isDead) throw new Error("dead");
        const answer = await table.confirm(roomNid);
        confirmed += 1;
        return answer;
      },
    };
    const turns = createRoomTurns({ random: systemRandom, table: mortal, ...shared });
    const made = {
      ...{ redis, turns, confirmed: () => confirmed, kill: () => void (isDead = true) },
    };
    replicas.push(made);
    return made;
  }

  test("commands of two replicas on one room all succeed, and neither waits for the other's end", async () => {
    const room = createSharedRoom();
    const boxes = [room.mailbox(await replica(), 1), room.mailbox(await replica(), 1)];
    const done = [0, 0];
    let most = 0;
    const clients = boxes.flatMap((box, i) =>
      Array.from({ length: 10 }, async () => {
        for (let n = 0; n < 50; n += 1) {
          await box.run(room.command);
          done[i]! += 1;
          most = Math.max(most, Math.abs(done[0]! - done[1]!));
        }
      }),
    );
    await Promise.all(clients);
    expect(room.version()).toBe(1_000);
    expect(room.lost()).toBe(0);
    // Of 500 each: the one does not finish while the other waits. (How many a turn holds is a matter of time.)
    expect(most).toBeLessThan(500);
  });

  test("a room that one replica alone writes to stays with it", async () => {
    const room = createSharedRoom();
    const box = room.mailbox(await replica(), 2);
    room.mailbox(await replica(), 2);
    for (let n = 0; n < 20; n += 1) await box.run(room.command);
    expect(room.loads()).toBe(1);
  });

  test("the turn of a replica that was killed ends within a second or so", async () => {
    const room = createSharedRoom();
    const first = await replica(server, LEASE_MS);
    const box = room.mailbox(first, 3);
    const other = room.mailbox(await replica(server, LEASE_MS), 3);
    await box.run(room.command);
    // It has the turn, and is busy for good.
    const busy = Promise.withResolvers<void>();
    void box.run(() => new Promise<never>(() => busy.resolve()));
    await inTime("the command begins", busy.promise);
    first.kill();
    await other.run(room.command);
    expect(room.version()).toBe(2);
  });

  test("a turn is kept through a command that takes longer than the lease", async () => {
    const room = createSharedRoom();
    const lease = 1_000;
    const first = await replica(server, lease);
    const box = room.mailbox(first, 4);
    const other = room.mailbox(await replica(server, lease), 4);
    const order: string[] = [];
    const begun = Promise.withResolvers<void>();
    const long = box.run(async (head) => {
      begun.resolve();
      // Each holds for half a lease at least.
      await until(() => first.confirmed() >= 4);
      order.push("long");
      return room.command(head);
    });
    await inTime("the long command begins", begun.promise);
    const short = other.run(async (head) => {
      order.push("short");
      return room.command(head);
    });
    await Promise.all([long, short]);
    expect(order).toEqual(["long", "short"]);
  });

  test("a replica that stops passes its turns on at once", async () => {
    const room = createSharedRoom();
    const first = await replica();
    const box = room.mailbox(first, 5);
    const other = room.mailbox(await replica(), 5);
    await box.run(room.command);
    await first.turns.close();
    // Otherwise the lease would have to end.
    await other.run(room.command);
    expect(room.lost()).toBe(0);
  });

  test("who waits is served although every message is lost", async () => {
    const room = createSharedRoom();
    const boxes = await Promise.all(
      [1, 2].map(async () => {
        const redis = server.connect();
        await redis.ping();
        const shared = { leaseMs: LEASE_MS, clock, logger: silentLogger() };
        const table = await createRedisTurns(redis, { prefix: "weft:deaf:", ...shared });
        const deaf = { ...table, listen: () => undefined };
        const turns = createRoomTurns({ random: systemRandom, table: deaf, ...shared });
        replicas.push({ redis, turns, confirmed: () => 0, kill: () => undefined });
        return room.mailbox({ turns }, 6);
      }),
    );
    await boxes[0]!.run(room.command);
    await boxes[1]!.run(room.command);
    await boxes[0]!.run(room.command);
    expect(room.version()).toBe(3);
  });

  test("while Redis is away both go on, and no command fails", async () => {
    const own = await startRedis();
    const room = createSharedRoom();
    const boxes = [room.mailbox(await replica(own), 7), room.mailbox(await replica(own), 7)];
    for (const box of boxes) await box.run(room.command);
    await own.stop();
    const clients = boxes.flatMap((box) =>
      Array.from({ length: 10 }, async () => {
        for (let n = 0; n < 20; n += 1) await box.run(room.command);
      }),
    );
    await Promise.all(clients);
    expect(room.version()).toBe(402);
  });

  test("when Redis answers again, turns are taken again, and the head is loaded anew", async () => {
    const room = createSharedRoom();
    const time = createManualClock();
    const redis = server.connect();
    await redis.ping();
    const shared = { leaseMs: LONG_MS, clock: time, logger: silentLogger() };
    const table = await createRedisTurns(redis, { prefix: "weft:back:", ...shared });
    let isAway = false;
    let asked = 0;
    const unsteady = {
      ...table,
      async take(roomNid: number) {
        asked += 1;
        if (isAway) throw new Error("Redis is away");
        return table.take(roomNid);
      },
    };
    const turns = createRoomTurns({ random: systemRandom, table: unsteady, ...shared });
    replicas.push({ redis, turns, confirmed: () => 0, kill: () => undefined });
    const box = room.mailbox({ turns }, 8);
    isAway = true;
    for (let n = 0; n < 5; n += 1) await box.run(room.command);
    expect(asked).toBe(1);
    isAway = false;
    time.advance(1_001);
    const loads = room.loads();
    for (let n = 0; n < 5; n += 1) await box.run(room.command);
    expect(asked).toBe(2);
    expect(room.loads()).toBe(loads + 1);
    expect(room.version()).toBe(10);
  });
});

test("what another replica is told meets the answer to our own asking, whichever comes first", async () => {
  const passed: number[] = [];
  let tell!: TurnListener;
  const answer = { isOurs: true, turn: "7", waitMs: 0, isWanted: false };
  const turns = createRoomTurns({
    random: systemRandom,
    ...{ leaseMs: LONG_MS, clock, logger: silentLogger() },
    table: {
      async take(roomNid) {
        // Another one begins to wait between our asking and the answer.
        tell.wanted(roomNid);
        return answer;
      },
      confirm: async () => answer,
      pass: async (roomNid) => void passed.push(roomNid),
      leave: async () => undefined,
      listen: (listener) => void (tell = listener),
      close: async () => undefined,
    },
  });
  const turn = turns.open(1, { isBusy: true, wanted: () => undefined });
  expect(await turn.take()).toBe("new");
  expect(turn.isWanted).toBe(true);
  // The message that it is our turn comes after the answer that said so.
  tell.yours(1, "7");
  expect(turn.take()).toBe("kept");
  expect(passed).toEqual([]);
  await turns.close();
});

/** A room's row as the database would hold it, with some time for each commit; heads are told apart by their version. */
function createSharedRoom() {
  let version = 0;
  let loads = 0;
  let lost = 0;
  const headAt = (at: number) => ({ version: at }) as Head;
  return {
    version: () => version,
    loads: () => loads,
    /** Commits that another writer was faster than. */
    lost: () => lost,
    mailbox: ({ turns }: Pick<Replica, "turns">, roomNid: number): Mailbox =>
      createMailbox({
        openTurn: (writer) => turns.open(roomNid, writer),
        committedVersion: async () => version,
        async load() {
          loads += 1;
          return headAt(version);
        },
        async append({ head }) {
          await pause(1);
          if (head?.expectedVersion !== version) {
            lost += 1;
            throw new StaleHead(roomNid);
          }
          version = head.version;
          return { position: version, positions: new Map(), returned: [] };
        },
      }),
    command: async ({ version: at }: Head) => ({
      value: undefined,
      next: headAt(at + 1),
      append: {
        head: {
          ...{ roomNid: 1, expectedVersion: at, version: at + 1 },
          ...{ extremities: [], stateRoot: null, depth: 1 },
        },
      },
    }),
  };
}
