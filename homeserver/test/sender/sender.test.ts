/** The sender on a real log and real rooms; the network is a function that may fail. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { SENT } from "../../src/sender/index.ts";
import { createFollower, type Follower } from "../../src/log/follow.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { RoomId, ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  createSender,
  type EduRelay,
  type Outbound,
  type RelayedEdu,
  type Sender,
} from "../../src/sender/index.ts";
import { createWorld, type TestServer, type World } from "../rooms/support/world.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let c: TestServer;
let running: Running[] = [];

beforeAll(async () => {
  world = createWorld();
  [a, b, c] = [await world.server("a"), await world.server("b"), await world.server("c")];
});
afterEach(async () => {
  for (const one of running) await one.stop();
  running = [];
});
afterAll(() => world.close());

interface Sent {
  readonly to: ServerName;
  readonly txnId: string;
  readonly pdus: JsonObject[];
  readonly edus: JsonObject[];
}

interface Running {
  readonly sender: Sender;
  readonly follower: Follower;
  stop(): Promise<void>;
}

/** A network that notes what it carries, to servers that may be away. */
function network() {
  const sent: Sent[] = [];
  const away = new Set<string>();
  const listeners = new Set<(server: ServerName) => void>();
  const outbound: Outbound = {
    server: {
      async sendTransaction(to, txnId, { pdus, edus = [] }) {
        if (away.has(to)) throw new Error("not there");
        sent.push({ to, txnId, pdus, edus });
      },
    },
    backoff: {
      mayTry: (server) => !away.has(server),
      failed: () => undefined,
      failingSince: (server) => (away.has(server) ? 1 : undefined),
      onAwake(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
  return {
    outbound,
    sent,
    away,
    back(server: string) {
      away.delete(server);
      for (const listener of listeners) listener(server as ServerName);
    },
    /** Texts of the messages that a server got. */
    texts: (to: TestServer) =>
      sent
        .filter((one) => one.to === to.name)
        .flatMap(({ pdus }) => pdus.map((pdu) => (pdu.content as JsonObject).body))
        .filter((body) => body !== undefined),
    members: (to: TestServer) =>
      sent
        .filter((one) => one.to === to.name)
        .flatMap(({ pdus }) => pdus)
        .filter((pdu) => pdu.type === "m.room.member")
        .map(
          (pdu) => `${pdu.state_key as string} ${(pdu.content as JsonObject).membership as string}`,
        ),
  };
}

interface More {
  readonly relay?: EduRelay;
  readonly longAbsence?: number;
}

function start(on: TestServer, { outbound }: ReturnType<typeof network>, more: More = {}): Running {
  const { log, rooms, db, name } = on;
  const [clock, logger] = [systemClock, silentLogger()];
  const sender = createSender({
    sql: db.sql,
    log,
    view: rooms.view,
    remote: outbound,
    ...more,
    serverName: name,
    clock,
    random: systemRandom,
    logger,
  });
  const follower = createFollower(
    { log, sql: db.sql, clock, logger },
    {
      name: "sender",
      kinds: SENT,
      from: "end",
      begin: (signal) => sender.resume(signal),
      handle: (records) => sender.take(records),
    },
  );
  const one: Running = {
    sender,
    follower,
    async stop() {
      await follower.stop();
      await sender.stop();
    },
  };
  running.push(one);
  return one;
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("it never came true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function publicRoom(...others: TestServer[]): Promise<RoomId> {
  const roomId = await a.rooms.create.room(a.user("alice"), { preset: "public_chat" });
  for (const other of others) await join(other, roomId);
  return roomId;
}

const join = (server: TestServer, roomId: RoomId) =>
  server.rooms.members.join({ by: server.user("bob"), room: roomId, via: [a.name] });

const say = (roomId: RoomId, body: string, by = a) =>
  by.rooms.send.message({
    by: by === a ? a.user("alice") : by.user("bob"),
    roomId,
    type: "m.room.message",
    content: { msgtype: "m.text", body },
  });

test("an event goes to the servers in its room and to no other", async () => {
  const net = network();
  const [ours, other] = [await publicRoom(b), await publicRoom(c)];
  const { follower } = start(a, net);
  await follower.caughtUp();
  await say(ours, "for b");
  await say(other, "for c");
  await until(() => net.texts(b).length + net.texts(c).length >= 2);
  expect([net.texts(b), net.texts(c)]).toEqual([["for b"], ["for c"]]);
});

test("who is put out learns it, whom we invite is not sent the invite as an event", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  const by = a.user("alice");
  await a.rooms.members.kick({ by, roomId, userId: b.user("bob").userId });
  await say(roomId, "behind their back");
  await a.rooms.members.invite({ by, roomId, userId: c.user("bob").userId });
  await a.rooms.members.kick({ by, roomId, userId: c.user("bob").userId });
  await until(() => net.members(c).length > 0);
  expect(net.members(b)).toEqual(["@bob:b leave"]);
  expect(net.texts(b)).toEqual([]);
  expect(net.members(c)).toEqual(["@bob:c leave"]);
});

test("a join, and a leave, that are made through this server are sent on to the room's others", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  await join(c, roomId);
  await until(() => net.members(b).length > 0);
  expect(net.members(b)).toEqual(["@bob:c join"]);
  expect(net.members(c)).toEqual([]);
});

test.each([20, 20_000])(
  "a server's word that ends a knock which was taken here is sent on to who knocked, and to nobody else",
  async (longAbsence) => {
    const net = network();
    const [mod, knocker] = [b.user("bob"), c.user("bob")];
    const roomId = await a.rooms.create.room(a.user("alice"), {
      ...{ room_version: "10", invite: [mod.userId] },
      power_level_content_override: { users: { "@alice:a": 100, [mod.userId]: 60 } },
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    await join(b, roomId);
    await c.rooms.members.knock({ by: knocker, room: roomId, via: [a.name] });
    await world.flush();
    const { follower } = start(a, net, { longAbsence });
    await follower.caughtUp();
    net.away.add("c");
    await b.rooms.members.kick({ by: mod, roomId, userId: knocker.userId });
    // What it did itself it knows.
    const fickle = c.user("fickle");
    await c.rooms.members.knock({ by: fickle, room: roomId, via: [a.name] });
    await c.rooms.members.leave({ by: fickle, roomId });
    await world.flush();
    for (let i = 0; i < 30; i += 1) await say(roomId, `${i}`);
    await follower.caughtUp();
    net.back("c");
    await until(() => net.members(c).length > 0 && net.texts(b).includes("29"));
    expect(net.members(c)).toEqual(["@bob:c leave"]);
    expect(net.members(b)).not.toContain("@bob:c leave");
  },
);

test("what other servers' users say is not sent on", async () => {
  const net = network();
  const roomId = await publicRoom(b, c);
  const { follower } = start(a, net);
  await world.flush();
  await follower.caughtUp();
  await say(roomId, "from b", b);
  await world.flush();
  await say(roomId, "from a");
  await until(() => net.texts(c).length > 0);
  expect(net.texts(c)).toEqual(["from a"]);
  await world.flush();
});

test("what a server missed while it was away follows when it is back, over a restart of ours", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const first = start(a, net);
  await first.follower.caughtUp();
  net.away.add("b");
  for (let i = 0; i < 130; i += 1) await say(roomId, `m${i}`);
  await first.follower.caughtUp();
  await first.stop();
  running = [];
  const { follower } = start(a, net);
  await follower.caughtUp();
  await say(roomId, "last");
  expect(net.texts(b)).toEqual([]);
  net.back("b");
  await until(() => net.texts(b).includes("last"));
  expect(net.texts(b)).toEqual([...Array.from({ length: 130 }, (_, i) => `m${i}`), "last"]);
  expect(net.sent.every(({ pdus }) => pdus.length <= 50)).toBe(true);
});

test("a crash right after a send loses nothing: the follower reads on from its cursor", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const first = start(a, net);
  await first.follower.caughtUp();
  await first.follower.stop(); // its cursor stays here
  await say(roomId, "while nobody follows");
  await first.stop();
  running = [];
  start(a, net);
  await until(() => net.texts(b).length > 0);
  expect(net.texts(b)).toEqual(["while nobody follows"]);
});

test("another process takes over what the first one did not deliver", async () => {
  const net = network();
  const [roomId, quiet] = [await publicRoom(b), await publicRoom(c)];
  const idle = start(a, network());
  await idle.follower.stop(); // it waits for its turn, with nothing in memory
  const first = start(a, net);
  await first.follower.caughtUp();
  net.away.add("b");
  net.away.add("c");
  await say(quiet, "for c alone");
  await say(roomId, "one");
  await say(roomId, "two");
  await first.follower.caughtUp();
  await first.stop();
  const second = start(a, net);
  await second.follower.caughtUp();
  await say(roomId, "three");
  net.back("b");
  net.back("c");
  await until(() => net.texts(b).length >= 3 && net.texts(c).length > 0);
  expect(net.texts(b)).toEqual(["one", "two", "three"]);
  expect(net.texts(c)).toEqual(["for c alone"]);
  const ids = new Set(net.sent.map(({ txnId }) => txnId));
  expect(ids.size).toBe(net.sent.length);
});

test("a server is not sent what was said before it joined, however late the sender is", async () => {
  const net = network();
  const [roomId, other] = [await publicRoom(b), await publicRoom(c)];
  const first = start(a, net);
  await first.follower.caughtUp();
  net.away.add("c");
  await say(other, "c is behind now");
  await say(roomId, "before c came");
  await first.follower.caughtUp();
  await join(c, roomId);
  await say(roomId, "with c");
  await first.follower.caughtUp();
  net.back("c"); // from the database
  await until(() => net.texts(c).includes("with c"));
  expect(net.texts(c)).toEqual(["c is behind now", "with c"]);
  await first.stop();
  running = [];

  const late = await publicRoom(b);
  await say(late, "unseen");
  await join(c, late);
  await say(late, "seen");
  start(a, net); // reads on from the cursor, when c is in the room already
  await until(() => net.texts(c).includes("seen"));
  expect(net.texts(c)).not.toContain("unseen");
});

test("receipts go as EDUs, private ones and other servers' do not", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  const eventId = await say(roomId, "read me");
  const stored = (await a.rooms.view.eventsById([eventId])).get(eventId)!;
  const { roomNid, position: eventPosition } = stored;
  const row = { roomNid, roomId, threadId: "", eventId, eventPosition, ts: 5 };
  await a.log.append({
    records: (
      [
        ["@bob:b", "m.read"],
        ["@alice:a", "m.read.private"],
        ["@alice:a", "m.read"],
      ] as const
    ).map(([userId, receiptType]) => ({ kind: "receipt", ...row, userId, receiptType })),
  });
  await until(() => net.sent.some(({ edus }) => edus.length > 0));
  const content = {
    [roomId]: { "m.read": { "@alice:a": { event_ids: [eventId], data: { ts: 5 } } } },
  };
  expect(net.sent.flatMap(({ edus }) => edus)).toEqual([{ edu_type: "m.receipt", content }]);
});

test("a server that was away for long gets the newest event of each room, and how its users were put out", async () => {
  const net = network();
  const rooms = [await publicRoom(b), await publicRoom(b)];
  const left = await publicRoom(b);
  const { follower } = start(a, net, { longAbsence: 20 });
  await follower.caughtUp();
  net.away.add("b");
  for (let i = 0; i < 15; i += 1)
    for (const room of rooms) await say(room, `${rooms.indexOf(room)}.${i}`);
  const by = a.user("alice");
  await a.rooms.members.kick({ by, roomId: left, userId: b.user("bob").userId });
  await say(left, "behind their back");
  await follower.caughtUp();
  net.back("b");
  await until(() => net.texts(b).length >= 2 && net.members(b).length > 0);
  expect(net.texts(b)).toEqual(["0.14", "1.14"]);
  expect(net.members(b)).toEqual(["@bob:b leave"]);
  await say(rooms[0]!, "again whole");
  await until(() => net.texts(b).includes("again whole"));
  expect(net.texts(b)).toHaveLength(3);
});

test("events for a server that is away are written nowhere again, and follow after a crash all the same", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const first = start(a, net);
  await first.follower.caughtUp();
  net.away.add("b");
  await say(roomId, "m0");
  const row = async () => {
    const [found] = await a.db.sql`SELECT wanted_position FROM destinations WHERE server = 'b'`;
    return found as unknown;
  };
  await first.follower.caughtUp();
  const written = await row();
  for (let i = 1; i < 60; i += 1) await say(roomId, `m${i}`);
  await first.follower.caughtUp();
  expect(await row()).toEqual(written);
  await first.stop();
  running = [];
  const { follower } = start(a, net);
  await follower.caughtUp();
  net.back("b");
  await until(() => net.texts(b).length >= 60);
  expect(net.texts(b)).toEqual(Array.from({ length: 60 }, (_, i) => `m${i}`));
});

test("EDUs go through the one replica that sends", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const listeners: ((message: RelayedEdu) => void)[] = [];
  const relay: EduRelay = {
    publish: (message) => listeners.forEach((listener) => listener(message)),
    subscribe(listener) {
      listeners.push(listener);
      return () => undefined;
    },
  };
  const sending = start(a, net, { relay });
  const idleNet = network();
  const { db, log, rooms, name } = a;
  const idle = createSender({
    ...{ sql: db.sql, log, view: rooms.view, remote: idleNet.outbound, relay, serverName: name },
    ...{ clock: systemClock, random: systemRandom, logger: silentLogger() },
  });
  await sending.follower.caughtUp();
  const edu = {
    key: "k",
    edu: { edu_type: "m.typing", content: { room_id: roomId } },
    staleAt: Infinity,
  };
  idle.eduToRoom(roomId, edu);
  await until(() => net.sent.some(({ edus }) => edus.length > 0));
  expect(net.sent.flatMap(({ edus }) => edus)).toEqual([edu.edu]);
  expect(idleNet.sent).toEqual([]);
  // Who has lost the seat sends nothing any more.
  await sending.follower.stop();
  sending.sender.eduTo(["b" as ServerName], { ...edu, key: "late" });
  idle.eduTo(["b" as ServerName], { ...edu, key: "later" });
  await idle.stop();
  expect(net.sent.flatMap(({ edus }) => edus)).toHaveLength(1);
});

test("a replica that may send no longer breaks off what is under way: the next one begins it anew", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const broken: ServerName[] = [];
  const relay: EduRelay = { publish: () => undefined, subscribe: () => () => undefined };
  const stuck: Outbound = {
    backoff: net.outbound.backoff,
    server: {
      sendTransaction: (to, _txnId, _transaction, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => {
            broken.push(to);
            reject(new Error("broken off"));
          });
          net.sent.push({ to, txnId: "stuck", pdus: [], edus: [] });
        }),
    },
  };
  const first = start(a, { ...net, outbound: stuck }, { relay });
  await first.follower.caughtUp();
  await say(roomId, "under way");
  await until(() => net.sent.length > 0);
  await first.follower.stop();
  expect(broken).toEqual(["b"]);
  const { follower } = start(a, net, { relay });
  await follower.caughtUp();
  await until(() => net.texts(b).length > 0);
  expect(net.texts(b)).toEqual(["under way"]);
});
