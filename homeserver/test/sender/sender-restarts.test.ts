/** What is sent over restarts, crashes and changes of the process that sends. */
import { expect, test } from "vitest";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import {
  createSender,
  type EduRelay,
  type Outbound,
  type PublicKeys,
  type RelayedEdu,
} from "../../src/sender/index.ts";
import { until } from "../support/wait.ts";
import { NO_KEYS } from "./support.ts";
import { a, b, c, network, publicRoom, running, say, start } from "./three-servers.ts";

test("what a server missed while it was away follows when it is back, over a restart of ours", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const first = start(a, net);
  await first.follower.caughtUp();
  net.away.add("b");
  for (let i = 0; i < 130; i += 1) await say(roomId, `m${i}`);
  await first.follower.caughtUp();
  await first.stop();
  running.length = 0;
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
  running.length = 0;
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
  running.length = 0;
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
    ...{
      sql: db.sql,
      log,
      view: rooms.view,
      served: rooms.federation,
      keys: NO_KEYS,
      remote: idleNet.outbound,
      relay,
      serverName: name,
    },
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

test("a process that ends while it takes records notes nothing of what it has not delivered", async () => {
  const net = network();
  await publicRoom(b);
  const message = (id: string) => {
    const content = JSON.stringify({ message_id: id });
    return { kind: "to_device_outbound", server: "b", content } as const;
  };
  const userId = a.user("alice").userId;
  const change = { kind: "device_list", userId, deviceId: "NEW", isRemoved: false } as const;
  let lookUp = (): void => undefined;
  const isAsked = Promise.withResolvers<void>();
  const keys: PublicKeys = {
    ...NO_KEYS,
    async devices(wanted) {
      isAsked.resolve();
      await new Promise<void>((resolve) => (lookUp = resolve));
      return wanted;
    },
  };
  const first = start(a, net, { keys });
  await first.follower.caughtUp();
  net.away.add("b");
  await a.log.append({ records: [message("undelivered")] });
  await first.follower.caughtUp();
  await a.log.append({ records: [change, message("taken as it ends")] });
  await isAsked.promise;
  const stopped = first.stop();
  lookUp();
  await stopped;
  running.length = 0;
  const { follower } = start(a, net);
  await follower.caughtUp();
  net.back("b");
  const ids = () => net.edus("b", "m.direct_to_device").map((one) => one.message_id);
  await until(() => ids().length >= 2);
  expect(ids()).toEqual(["undelivered", "taken as it ends"]);
});
