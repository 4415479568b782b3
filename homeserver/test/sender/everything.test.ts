/**
 * Anything may happen, in any order: what a server gets in the end is what it should, and what it
 * knows of devices is what is so.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { Outbound } from "../../src/sender/index.ts";
import type { Sql } from "../../src/storage/sql.ts";
import { until } from "../support/wait.ts";
import { deviceStore, listFollower } from "./support.ts";
import { a, b, join, network, publicRoom, running, say, start, world } from "./three-servers.ts";

const RUNS = 15;
const USERS = 3;
const ROOMS = 2;

/** A process whose statements and requests all fail once it is killed. */
function mortal(sql: Sql, outbound: Outbound) {
  let isDead = false;
  const live = (): void => {
    if (isDead) throw new Error("killed");
  };
  const own = new Proxy(sql, {
    apply(target, self, args: never) {
      live();
      return Reflect.apply(target, self, args);
    },
  });
  const sendTransaction: Outbound["server"]["sendTransaction"] = async (...args) => {
    live();
    const answer = await outbound.server.sendTransaction(...args);
    live(); // the answer does not reach a dead process
    return answer;
  };
  return {
    sql: own,
    outbound: { ...outbound, server: { sendTransaction } },
    kill: () => (isDead = true),
  };
}

const isBad = ({ pdus, edus }: { pdus: JsonObject[]; edus: JsonObject[] }): boolean =>
  pdus.some((pdu) => (pdu.content as JsonObject).body === "bad event") ||
  edus.some(({ content }) => (content as JsonObject).message_id === "bad");

const step = fc.oneof(
  ...(
    [
      ["messages", 5, 80],
      ["say", 4, 3],
      ["device", 10, USERS * 4],
      ["remove", 2, USERS * 4],
      ["keys", 3, USERS],
      ["enter", 5, USERS * ROOMS],
      ["leave", 2, USERS * ROOMS],
      ["theirs", 1, ROOMS],
      ["ask", 4, USERS],
      ["bad", 1, 2],
      ["kill", 2, 1],
      ["restart", 3, 1],
      ["away", 3, 1],
      ["back", 2, 1],
    ] as const
  ).map(([what, weight, below]) => ({
    weight,
    arbitrary: fc.record({
      what: fc.constant(what as string),
      n: fc.integer({ min: 0, max: below - 1 }),
    }),
  })),
);

test(
  `in ${RUNS} random histories a server gets every message and event once and in order, and knows the devices`,
  { timeout: 600_000 },
  async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 70 }), async (steps) => {
        await history((run += 1), steps);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
);

async function history(run: number, steps: readonly { what: string; n: number }[]): Promise<void> {
  const net = network(isBad);
  const store = deviceStore(a);
  const copy = listFollower(store);
  const users = Array.from({ length: USERS }, (_, i) => a.user(`u${run}-${i}`));
  const rooms = [await publicRoom(b), await publicRoom(b)];
  const members = users.map(() => new Set<string>());
  const theirs = new Set<string>(rooms);
  const process = () => {
    const one = mortal(a.db.sql, net.outbound);
    return { ...start(a, one, { sql: one.sql, keys: store.keys, longAbsence: 400 }), ...one };
  };
  let sending = process();
  await sending.follower.caughtUp();
  net.sent.length = 0;
  let [messages, events, taken] = [0, 0, 0];
  const follow = () => {
    for (const { to, edus } of net.sent.slice(taken)) {
      if (to === "b") for (const edu of edus) copy.take(edu);
    }
    taken = net.sent.length;
  };
  const shares = (i: number) => [...members[i]!].some((room) => theirs.has(room));
  const ended = () => {
    follow();
    users.forEach(({ userId }, i) => !shares(i) && copy.forget(userId));
  };

  const does: Record<string, (n: number) => Promise<unknown>> = {
    messages: (n) =>
      a.log.append({
        records: Array.from({ length: n + 1 }, () => message(`${(messages += 1)}`)),
      }),
    say: async (n) => {
      if (theirs.size > 0) {
        for (let i = 0; i <= n; i += 1) await say([...theirs][0] as never, `${(events += 1)}`);
      }
    },
    device: (n) => store.set(users[n % USERS]!.userId, `D${n % 4}`, `${n} at ${a.log.position}`),
    remove: (n) => store.remove(users[n % USERS]!.userId, `D${n % 4}`),
    keys: (n) => store.setMasterKey(users[n]!.userId, `at ${a.log.position}`),
    async enter(n) {
      const room = rooms[n % ROOMS]!;
      await a.rooms.members.join({ by: users[n % USERS]!, room, via: [a.name] });
      members[n % USERS]!.add(room);
    },
    async leave(n) {
      const room = rooms[n % ROOMS]!;
      if (!members[n % USERS]!.delete(room)) return;
      await a.rooms.members.leave({ by: users[n % USERS]!, roomId: room });
      ended();
    },
    async theirs(n) {
      const room = rooms[n]!;
      if (theirs.delete(room)) {
        await b.rooms.members.leave({ by: b.user("bob"), roomId: room });
      } else {
        await join(b, room);
        theirs.add(room);
      }
      await world.flush();
      ended();
    },
    // A server that shares a room may look up a list at any time, and keeps it from then on.
    ask: async (n) => shares(n) && (follow(), copy.lookUp(users[n]!.userId)),
    bad: async (n) =>
      n === 0
        ? await a.log.append({ records: [message("bad")] })
        : await say(rooms[0]!, "bad event"),
    async kill() {
      sending.kill();
      await does.restart!(0);
    },
    async restart() {
      await sending.stop().catch(() => undefined);
      running.length = 0;
      sending = process();
    },
    away: async () => net.away.add("b"),
    back: async () => net.back("b"),
  };
  for (const { what, n } of steps) await does[what]!(n);
  net.back("b");
  await sending.follower.caughtUp();
  if (theirs.size === 0) await does.theirs!(0);
  await say([...theirs][0] as never, `${(events += 1)}`);
  await a.log.append({ records: [message(`${(messages += 1)}`)] });
  await sending.follower.caughtUp();

  const ids = () => firstTimes(net.edus("b", "m.direct_to_device").map((one) => one.message_id));
  await until(() => ids().length >= messages);
  expect(ids()).toEqual(Array.from({ length: messages }, (_, i) => `${i + 1}`));
  await until(() => net.texts(b).includes(`${events}`));
  const texts = firstTimes(net.texts(b)).map(Number);
  expect(texts).toEqual(texts.toSorted((one, other) => one - other));
  follow();
  for (const [i, { userId }] of users.entries()) {
    // Whom it has never asked about it asks about when it wants to know.
    if (!shares(i) || !copy.devices(userId)) continue;
    expect([userId, copy.devices(userId)]).toEqual([userId, store.devices(userId)]);
    expect([userId, copy.masterKey(userId)]).toEqual([userId, store.masterKey(userId)]);
  }
  await sending.stop();
}

function message(id: string) {
  const content = JSON.stringify({ message_id: id, sender: "@alice:a", type: "m.x", messages: {} });
  return { kind: "to_device_outbound" as const, server: "b", content };
}

function firstTimes<T>(all: readonly T[]): T[] {
  return [...new Set(all)];
}
