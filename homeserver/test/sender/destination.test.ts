/** One destination: order, limits, and that nothing is lost whatever fails. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  Destination,
  type DestinationDeps,
  MAX_PDUS,
  type OutgoingTransaction,
} from "../../src/sender/destination.ts";

const SERVER = "peer.example" as ServerName;

/** What a process finds when it starts, and a peer that takes transactions or does not. */
function peer() {
  /** The database: our events, and how far the destination is. */
  const events: number[] = [];
  const durable = { sent: 0, wanted: 0 };
  const got: number[] = [];
  const transactions: OutgoingTransaction[] = [];
  let answer: (transaction: OutgoingTransaction) => "taken" | "refused" | "fails" | "lost" = () =>
    "taken";
  let isAway = false;
  let made = 0;
  let reads = 0;
  const givenUp: number[] = [];
  const waiting = new Set<Destination>();
  const deps: DestinationDeps = {
    async send(_server, transaction) {
      await Promise.resolve();
      const outcome = answer(transaction);
      if (outcome === "fails") throw new Error("not there");
      if (outcome === "refused") return "refused";
      transactions.push(transaction);
      got.push(...transaction.pdus.map((pdu) => pdu.n as number));
      if (outcome === "lost") throw new Error("taken, but the answer was lost");
      return "taken";
    },
    async read(_server, after, upTo) {
      reads += 1;
      await Promise.resolve();
      const found = events.filter((n) => n > after && n <= upTo).slice(0, MAX_PDUS);
      return {
        events: found.map(event),
        upTo: found.length < MAX_PDUS ? upTo : found.at(-1)!,
      };
    },
    withSendSlot: (_server, task) => task(),
    mayTry: () => !isAway,
    waits: (destination) => waiting.add(destination),
    delivered: (destination) => (durable.sent = Math.max(durable.sent, destination.sent)),
    now: () => 1_000,
    newTxnId: () => `t${++made}`,
    warn: () => undefined,
    givenUp: (_server, pdu) => givenUp.push(pdu.n as number),
  };
  return {
    events,
    durable,
    got,
    transactions,
    givenUp,
    waiting,
    reads: () => reads,
    answers: (by: typeof answer) => (answer = by),
    away: (is: boolean) => (isAway = is),
    start: () => new Destination(SERVER, durable, deps),
  };
}

const event = (n: number) => ({ position: n, pdu: { n } as JsonObject });

function add(at: ReturnType<typeof peer>, destination: Destination, ...positions: number[]): void {
  for (const n of positions) {
    at.events.push(n);
    destination.add(event(n));
  }
  at.durable.wanted = destination.wanted;
}

const edu = (key: string, staleAt = Infinity) => ({
  key,
  staleAt,
  edu: { edu_type: "m.typing", content: { key } },
});

test("events go out in order, at most fifty at a time, from memory", async () => {
  const at = peer();
  const destination = at.start();
  add(at, destination, ...Array.from({ length: 120 }, (_, i) => i + 1));
  await destination.run();
  expect(at.got).toEqual(at.events);
  expect(at.transactions.map(({ pdus }) => pdus.length)).toEqual([50, 50, 20]);
  expect(new Set(at.transactions.map(({ txnId }) => txnId)).size).toBe(3);
  expect(at.reads()).toBe(0);
  expect(destination.idle).toBe(true);
});

test("EDUs go along, at most a hundred, the newest of each key, none that is stale", async () => {
  const at = peer();
  const destination = at.start();
  for (let i = 0; i < 150; i += 1) destination.addEdu(edu(`key ${i}`));
  destination.addEdu({ ...edu("key 3"), edu: { edu_type: "m.typing", content: { key: "newer" } } });
  destination.addEdu(edu("old", 999));
  add(at, destination, 7);
  await destination.run();
  expect(at.transactions.map(({ edus }) => edus.length)).toEqual([100, 50]);
  const keys = at.transactions.flatMap(({ edus }) =>
    edus.map((e) => (e.content as JsonObject).key),
  );
  expect(keys).toContain("newer");
  expect(keys).not.toContain("key 3");
  expect(keys).not.toContain("old");
});

test("a transaction that was not answered is sent again as it was, under the same id", async () => {
  const at = peer();
  const destination = at.start();
  let fails = true;
  const tried: OutgoingTransaction[] = [];
  at.answers((transaction) => {
    tried.push(transaction);
    return fails ? "fails" : "taken";
  });
  add(at, destination, 1, 2);
  destination.addEdu(edu("typing"));
  await destination.run();
  expect(at.waiting.has(destination)).toBe(true);
  fails = false;
  add(at, destination, 3);
  await destination.run();
  expect(tried[1]).toEqual(tried[0]);
  expect(at.got).toEqual([1, 2, 3]);
  expect(at.transactions[0]!.edus).toHaveLength(1);
});

test("a server that is away costs no memory for events: they are read when it is back", async () => {
  const at = peer();
  const destination = at.start();
  at.away(true);
  add(at, destination, 1, 2, 3);
  await destination.run();
  add(at, destination, ...Array.from({ length: 700 }, (_, i) => i + 4));
  at.away(false);
  await destination.run();
  expect(at.got).toEqual(at.events);
  expect(at.reads()).toBeGreaterThan(10);
});

test("one event that a server refuses does not stop the others", async () => {
  const at = peer();
  const destination = at.start();
  at.answers(({ pdus, edus }) =>
    edus.length > 0 || pdus.some((pdu) => pdu.n === 33) ? "refused" : "taken",
  );
  add(at, destination, ...Array.from({ length: 80 }, (_, i) => i + 1));
  destination.addEdu(edu("bad"));
  await destination.run();
  expect(at.got).toEqual(at.events.filter((n) => n !== 33));
  expect(at.givenUp).toEqual([33]);
  expect(at.durable.sent).toBe(80);
});

test("what another process wanted is sent after a reset, and what it sent is not", async () => {
  const at = peer();
  const destination = at.start();
  at.away(true);
  add(at, destination, 1, 2);
  await destination.run();
  // The other process delivered 1 and 2, and was to deliver 5 and 6.
  at.events.push(5, 6);
  at.away(false);
  Object.assign(at.durable, { sent: 2, wanted: 6 });
  destination.reset(at.durable);
  add(at, destination, 9);
  await destination.run();
  expect(at.got).toEqual([5, 6, 9]);
});

test("every event is delivered, in order, whatever fails and however often the process dies", async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("add"), count: fc.integer({ min: 1, max: 70 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("crash"), count: fc.constant(0) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("edu"), count: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("run"), count: fc.constant(0) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("away"), count: fc.integer({ min: 0, max: 1 }) }),
    },
  );
  const outcomes = fc.infiniteStream(fc.constantFrom("taken", "fails", "lost", "taken"));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), outcomes, async (steps, stream) => {
      const at = peer();
      at.answers(() => stream.next().value as "taken");
      let destination = at.start();
      let cursor = 0; // the follower's: events up to here have been handed over
      const running: Promise<void>[] = [];
      let next = 1;
      for (const { do: what, count } of steps) {
        if (what === "add") {
          const added = Array.from({ length: count }, () => (next += 1 + (next % 3)));
          add(at, destination, ...added);
          cursor = next;
        }
        if (what === "edu") for (let i = 0; i < count; i += 1) destination.addEdu(edu(`${i}`));
        if (what === "run") running.push(destination.run());
        if (what === "away") at.away(count === 1);
        if (what === "crash") {
          // Its requests may still arrive; what they bring is known to nobody here.
          await Promise.all(running);
          destination = at.start();
          // The follower's cursor may lag: it hands over again what it had.
          for (const n of at.events.filter((e) => e > cursor - 10)) destination.add(event(n));
          at.durable.wanted = Math.max(at.durable.wanted, destination.wanted);
        }
      }
      at.away(false);
      at.answers(() => "taken");
      await Promise.all(running);
      await destination.run();
      const firstTimes = at.got.filter((n, i) => at.got.indexOf(n) === i);
      expect(firstTimes).toEqual(at.events);
      expect(at.transactions.every(({ pdus }) => pdus.length <= MAX_PDUS)).toBe(true);
      expect(destination.idle).toBe(true);
    }),
    { numRuns: 300 },
  );
});
