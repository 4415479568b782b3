import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bus, createRedisBus } from "../../src/cluster/bus.ts";
import { openEphemeralChannel } from "../../src/cluster/ephemeral-channel.ts";
import { createEphemeral } from "../../src/cluster/ephemeral.ts";
import { memoryBuckets } from "../../src/http/access/rate-limit.ts";
import { createRedisBuckets } from "../../src/cluster/redis-buckets.ts";
import { readRecords } from "../../src/log/records.ts";
import type { Append, LogRecord, NewRecord } from "../../src/log/types.ts";
import { createRedisWake } from "../../src/log/wake.ts";
import type { LogSpan } from "../../src/log/wire.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import type { RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { hear, command, makeRoom, onlyEvent, openLog } from "../log/support.ts";
import { freshDatabase } from "../support/database.ts";
import { countsChanged, makeLists } from "../support/key-counts.ts";
import { hasRedis, startRedis } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";
import { inTime, until } from "../support/wait.ts";

const options = { prefix: "weft:test:", logger: silentLogger() };

/** Whoever waits for a second waits for good: what is heard was told. */
const doesNotPoll: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms >= 1_000 ? 1e9 : ms, signal),
};

describe.skipIf(!hasRedis)("with a Redis between replicas", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("a commit of one replica wakes the other at once", async () => {
    const database = await freshDatabase();
    const replicas = await Promise.all(
      [1, 2].map(async () =>
        openLog(database.location, await createRedisWake(redis.connect(), options), doesNotPoll),
      ),
    );
    const [writer, reader] = replicas;
    const room = await makeRoom(writer!.sql, "woken");
    await writer!.log.append(command(room));
    await until(() => reader!.log.position === writer!.log.position);
    const append = command(room);
    const told = new Promise<number>((resolve) => {
      reader!.log.follow({
        phase: "readers",
        kinds: ["event"],
        take: ([found]) => resolve(found!.eventNid),
      });
    });
    await writer!.log.append(append);
    expect(await inTime("the other replica is told", told)).toBe(onlyEvent(append).nid);
    await Promise.all(replicas.map((replica) => replica.stop()));
    await database.close();
  });

  test("what a replica is told of the log is what the tables say", async () => {
    const database = await freshDatabase();
    const wakes = await Promise.all([1, 2].map(() => createRedisWake(redis.connect(), options)));
    const told: LogSpan[] = [];
    wakes[1]!.onWake((_end, span) => span && told.push(span));
    const writer = await openLog(database.location, wakes[0]);
    const reader = await openLog(database.location, wakes[1]);
    const heard: LogRecord[] = [];
    hear(reader.log, (records) => heard.push(...records));
    const room = await makeRoom(writer.sql, "told");
    const member = { roomNid: room.nid, roomId: room.roomId, server: "here", eventNid: 1 };
    const receipt = {
      ...{ roomNid: room.nid, roomId: room.roomId, userId: "@a:here", receiptType: "m.read" },
      ...{ threadId: "", eventId: "$a", eventPosition: 1, ts: 5 },
    };
    const note = { userId: "@a:here", roomNid: null, type: "t", content: '{"ä\u2028":1}' };
    const beside: NewRecord[] = [
      { kind: "purge", roomNid: 77, roomId: "!gone:here", whole: true },
      { kind: "device_list", userId: "@a:here", deviceId: "D", isRemoved: false },
      { kind: "device_list", userId: "@a:here", deviceId: "E", isRemoved: true },
      { kind: "user_signature", userId: "@a:here", targetId: "@b:there" },
      countsChanged("@a:here", ["D"]),
      { kind: "to_device", userId: "@a:here", deviceId: "D", message: "{}" },
      { kind: "to_device_outbound", server: "there", content: '{"ä\u2028":1}' },
      { kind: "session", userId: "@a:here" },
      { kind: "history", roomNid: room.nid, eventNids: [5, 6] },
      { kind: "erasure", userId: "@gone:here" },
    ];
    await makeLists(writer.sql, "@a:here", ["D"]);
    const appends: Append[] = [
      command(room, { memberships: [{ ...member, userId: "@a:here", membership: "join" }] }),
      command(room, { records: [{ kind: "receipt", ...receipt }] }),
      { records: [{ kind: "account_data", ...note }, ...beside] },
    ];
    for (const append of appends) await writer.log.append(append);
    await until(() => reader.log.position === writer.log.position);
    expect(told.length).toBeGreaterThan(0);
    const span = { after: 0, upTo: writer.log.position, limit: 100 };
    const stored = await readRecords(writer.sql, span, "here.example" as ServerName, undefined);
    // Only an event of the tables says that memberships may have been written over since.
    const asTold = stored.map((record) => {
      if (record.kind !== "event") return record;
      const { mayLackMemberships: _, ...event } = record;
      return event;
    });
    expect(heard.map(plain)).toEqual(asTold.map(plain));
    await Promise.all([writer.stop(), reader.stop()]);
    await database.close();
  });

  test("topics of the bus are kept apart, and nobody hears their own", async () => {
    const buses = [1, 2].map(() => createRedisBus(redis.connect(), options));
    const heard: string[] = [];
    const open = async (bus: Bus, name: string) => {
      const [a, b] = [await bus.channel<number>("a"), await bus.channel<number>("b")];
      a.subscribe((message) => heard.push(`${name} a ${message}`));
      b.subscribe((message) => heard.push(`${name} b ${message}`));
      return { a, b };
    };
    const one = await open(buses[0]!, "one");
    await open(buses[1]!, "two");
    one.a.publish(1);
    one.b.publish(2);
    await until(() => heard.length === 2);
    expect(heard.toSorted()).toEqual(["two a 1", "two b 2"]);
    await Promise.all(buses.map((bus) => bus.close()));
  });

  test("what nobody can read, or take, is passed over", async () => {
    const connection = redis.connect();
    const buses = [createRedisBus(connection, options), createRedisBus(redis.connect(), options)];
    const channels = await Promise.all(buses.map((bus) => bus.channel<{ n: number }>("odd")));
    const heard: number[] = [];
    channels[0]!.subscribe(({ n }) => heard.push(n));
    for (const text of ["{", "null", '{"from":"another version"}']) {
      await connection.publish(`${options.prefix}odd`, text);
    }
    channels[1]!.publish({ n: 7 });
    await until(() => heard.length > 0);
    expect(heard).toEqual([7]);
    await Promise.all(buses.map((bus) => bus.close()));
  });

  test("whoever listens is told that the connection was lost and is there again", async () => {
    const connection = redis.connect();
    const buses = [createRedisBus(connection, options), createRedisBus(redis.connect(), options)];
    const channels = await Promise.all(buses.map((bus) => bus.channel<number>("lost")));
    let reconnects = 0;
    channels[0]!.onReconnect(() => (reconnects += 1));
    expect(reconnects).toBe(0);
    await connection.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => reconnects > 0);
    const heard: number[] = [];
    channels[0]!.subscribe((message) => heard.push(message));
    await until(() => {
      channels[1]!.publish(7);
      return heard.length > 0;
    });
    await Promise.all(buses.map((bus) => bus.close()));
  });

  test("rate limits are counted together", async () => {
    const clients = [redis.connect(), redis.connect()];
    // A limit is not counted by who is not connected yet.
    for (const client of clients) await client.ping();
    const [one, two] = clients.map((client) =>
      createRedisBuckets(client, { ...options, alone: memoryBuckets(Date.now) }),
    );
    const limit = { perSecond: 0.01, burst: 4 };
    const waits: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      waits.push(await one!.take("alice", limit), await two!.take("alice", limit));
    }
    expect(waits.filter((wait) => wait === 0)).toHaveLength(4);
    expect(waits.slice(4).every((wait) => wait > 90_000 && wait <= 100_000)).toBe(true);
    expect(await two!.take("bob", limit)).toBe(0);
    await two!.giveBack("alice", limit);
    expect([await one!.take("alice", limit), await two!.take("alice", limit)]).toEqual([
      0,
      expect.toSatisfy((wait: number) => wait > 0),
    ]);
  });

  test("while Redis is away each replica limits by itself", async () => {
    const other = await startRedis();
    const buckets = createRedisBuckets(other.connect(), {
      ...options,
      alone: memoryBuckets(() => 0),
    });
    await other.stop();
    const limit = { perSecond: 0.01, burst: 1 };
    expect([await buckets.take("a", limit), await buckets.take("a", limit)]).toEqual([0, 100_000]);
    await buckets.giveBack("a", limit);
    expect(await buckets.take("a", limit)).toBe(0);
  });

  test("typing and presence reach the other replica, presence also one that starts later", async () => {
    const buses: Bus[] = [];
    const open = async () => {
      const connection = redis.connect();
      const bus = createRedisBus(connection, options);
      buses.push(bus);
      const channel = await openEphemeralChannel(bus, connection, options);
      return createEphemeral({ clock: systemClock, channel });
    };
    const one = await open();
    const two = await open();
    const room = "!room:here" as RoomId;
    const alice = "@alice:here" as UserId;
    one.setTyping(room, alice, 30_000);
    one.setPresence({
      userId: alice,
      presence: "online",
      statusMsg: "hello",
      lastActiveTs: 5,
      currentlyActive: true,
    });
    await until(() => two.typing(room).users.includes(alice));
    await until(() => two.presence(alice)?.statusMsg === "hello");
    const late = await open();
    await until(() => late.presence(alice)?.presence === "online");
    one.setTyping(room, alice, 0);
    await until(() => two.typing(room).users.length === 0);
    await Promise.all([one.stop(), two.stop(), late.stop()]);
    await Promise.all(buses.map((bus) => bus.close()));
  });
});

/** A record as far as it is data. */
function plain(record: LogRecord) {
  return record.kind === "event"
    ? { ...record, event: record.event.json(), stateChanged: 0 }
    : record;
}
