/** One destination: order, limits, and that nothing is lost whatever fails. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  Destination,
  type DestinationDeps,
  type OutgoingTransaction,
} from "../../src/sender/destination.ts";
import {
  eduOnTheWire,
  fitting,
  MAX_PDUS,
  type OutboundItem,
} from "../../src/sender/outbound-item.ts";

const SERVER = "peer.example" as ServerName;

/** What a process finds when it starts, and a peer that takes transactions or does not. */
function peer() {
  /** The database: what the destination is owed, and how far it is. */
  const owed: OutboundItem[] = [];
  const events: number[] = [];
  const durable = { sent: 0, wanted: 0 };
  const got: number[] = [];
  const messages: number[] = [];
  const transactions: OutgoingTransaction[] = [];
  let answer: (transaction: OutgoingTransaction) => "taken" | "refused" | "fails" | "lost" = () =>
    "taken";
  let isAway = false;
  let made = 0;
  let reads = 0;
  const givenUp: unknown[] = [];
  const waiting = new Set<Destination>();
  const deps: DestinationDeps = {
    async send(_server, transaction) {
      await Promise.resolve();
      const outcome = answer(transaction);
      if (outcome === "fails") throw new Error("not there");
      if (outcome === "refused") return "refused";
      transactions.push(transaction);
      got.push(...transaction.pdus.map((pdu) => pdu.n as number));
      messages.push(...transaction.edus.flatMap(numberOf));
      if (outcome === "lost") throw new Error("taken, but the answer was lost");
      return "taken";
    },
    async read(_server, after, upTo, most) {
      reads += 1;
      await Promise.resolve();
      const found = owed.filter(({ position }) => position > after && position <= upTo);
      const items = fitting(found, most);
      return { items, upTo: items.length < found.length ? items.at(-1)!.position : upTo };
    },
    withSendSlot: (_server, task) => task(),
    mayTry: () => !isAway,
    waits: (destination) => waiting.add(destination),
    delivered: (destination) => (durable.sent = Math.max(durable.sent, destination.sent)),
    now: () => 1_000,
    newTxnId: () => `t${++made}`,
    warn: () => undefined,
    givenUp: (_server, { pdu, edus }) =>
      givenUp.push(...(pdu ? [pdu.n] : edus.map(eduOnTheWire).map(messageOf))),
  };
  return {
    owed,
    events,
    durable,
    got,
    messages,
    transactions,
    givenUp,
    waiting,
    reads: () => reads,
    answers: (by: typeof answer) => (answer = by),
    away: (is: boolean) => (isAway = is),
    start: () => new Destination(SERVER, durable, deps),
  };
}

const messageOf = ({ content }: JsonObject) => (content as JsonObject).message;

/** The number of a message for a device in a transaction. */
function numberOf({ edu_type, content }: JsonObject): number[] {
  return edu_type === "m.direct_to_device" ? [(content as JsonObject).message as number] : [];
}

const event = (n: number): OutboundItem => ({ position: n, pdu: { n }, edus: [] });
const message = (n: number): OutboundItem => ({
  position: n,
  edus: [{ edu_type: "m.direct_to_device", content: `{"message":${n}}` }],
});

function add(at: ReturnType<typeof peer>, destination: Destination, ...positions: number[]): void {
  at.events.push(...positions);
  addItems(at, destination, ...positions.map(event));
}

function addItems(
  at: ReturnType<typeof peer>,
  destination: Destination,
  ...items: OutboundItem[]
): void {
  for (const item of items) {
    at.owed.push(item);
    destination.add(item);
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

test("messages and events go out in the order of the log, as far as one transaction has room", async () => {
  const at = peer();
  const destination = at.start();
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  addItems(at, destination, ...range(1, 130).map(message), ...range(131, 60).map(event));
  addItems(at, destination, message(191), event(192));
  for (let i = 0; i < 80; i += 1) destination.addEdu(edu(`${i}`));
  await destination.run();
  const sizes = at.transactions.map(({ pdus, edus }) => [pdus.length, edus.length]);
  // What waits for an acknowledgement goes first, the others where there is room.
  expect(sizes).toEqual([
    [0, 100],
    [50, 100],
    [11, 11],
  ]);
  expect(at.messages).toEqual([...range(1, 130), 191]);
  expect(at.got).toEqual([...range(131, 60), 192]);
  expect(at.reads()).toBe(0);
});

test("messages that are kept for a slow server are bounded by their size, and read again later", async () => {
  const at = peer();
  const destination = at.start();
  const large = (n: number): OutboundItem => ({
    position: n,
    edus: [
      {
        edu_type: "m.direct_to_device",
        content: JSON.stringify({ message: n, x: "x".repeat(1e5) }),
      },
    ],
  });
  addItems(at, destination, ...Array.from({ length: 40 }, (_, i) => large(i + 1)));
  await destination.run();
  expect(at.messages).toEqual(at.owed.map(({ position }) => position));
  expect(at.reads()).toBeGreaterThan(0);
});

test("of what a server refuses only the guilty part is given up, were it one of many at one position", async () => {
  const at = peer();
  const destination = at.start();
  at.answers(({ pdus, edus }) =>
    pdus.some((pdu) => pdu.n === 3) ||
    edus.some(({ content }) => ["bad", 5].includes((content as JsonObject).message as never))
      ? "refused"
      : "taken",
  );
  const update = (name: string) => ({
    edu_type: "m.device_list_update",
    content: { message: name },
  });
  addItems(at, destination, message(1), {
    position: 2,
    pdu: { n: 2 },
    edus: [update("good"), update("bad"), update("fine")],
  });
  addItems(at, destination, event(3), message(4), message(5), message(6), event(7));
  await destination.run();
  expect(at.givenUp).toEqual(["bad", 3, 5]);
  expect(at.got).toEqual([2, 7]);
  expect(at.messages).toEqual([1, 4, 6]);
  const updates = at.transactions.flatMap(({ edus }) =>
    edus.filter((one) => one.edu_type === "m.device_list_update").map(({ content }) => content),
  );
  expect(updates).toEqual([{ message: "good" }, { message: "fine" }]);
  expect(at.durable.sent).toBe(7);
});

test("what another process wanted is sent after a reset, and what it sent is not", async () => {
  const at = peer();
  const destination = at.start();
  at.away(true);
  add(at, destination, 1, 2);
  await destination.run();
  // The other process delivered 1 and 2, and was to deliver 5 and 6.
  at.owed.push(event(5), event(6));
  at.away(false);
  Object.assign(at.durable, { sent: 2, wanted: 6 });
  destination.reset(at.durable);
  add(at, destination, 9);
  await destination.run();
  expect(at.got).toEqual([5, 6, 9]);
});

test("everything is delivered, in order, whatever fails or is refused and however often the process dies", async () => {
  const of = (what: string, min: number, max: number) =>
    fc.record({ do: fc.constant(what), count: fc.integer({ min, max }) });
  const step = fc.oneof(
    { weight: 6, arbitrary: of("add", 1, 70) },
    { weight: 2, arbitrary: of("crash", 0, 0) },
    { weight: 2, arbitrary: of("edu", 1, 3) },
    { weight: 4, arbitrary: of("run", 0, 0) },
    { weight: 2, arbitrary: of("away", 0, 1) },
  );
  const outcomes = fc.infiniteStream(fc.constantFrom("taken", "fails", "lost", "taken"));
  const refused = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 4 });
  const run = async (
    steps: { do: string; count: number }[],
    stream: Iterator<string>,
    bad: number[],
  ) => {
    const at = peer();
    /** What is refused by every transaction that it is in. */
    const isBad = ({ pdus, edus }: OutgoingTransaction) =>
      [...pdus.map((pdu) => pdu.n as number), ...edus.flatMap(numberOf)].some((n) =>
        bad.includes(n),
      );
    at.answers((sent) => (isBad(sent) ? "refused" : (stream.next().value as "taken")));
    let destination = at.start();
    let cursor = 0; // the follower's: items up to here have been handed over
    const running: Promise<void>[] = [];
    let next = 1;
    for (const { do: what, count } of steps) {
      if (what === "add") {
        const added = Array.from({ length: count }, () => (next += 1 + (next % 3)));
        addItems(at, destination, ...added.map((n) => (n % 5 < 3 ? message(n) : event(n))));
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
        for (const item of at.owed) if (item.position > cursor - 10) destination.add(item);
        at.durable.wanted = Math.max(at.durable.wanted, destination.wanted);
      }
    }
    at.away(false);
    at.answers((sent) => (isBad(sent) ? "refused" : "taken"));
    await Promise.all(running);
    await destination.run();
    const firstTimes = (all: number[]) => all.filter((n, i) => all.indexOf(n) === i);
    const good = at.owed.filter(({ position }) => !bad.includes(position));
    const positions = (items: OutboundItem[]) => items.map(({ position }) => position);
    expect(firstTimes(at.got)).toEqual(positions(good.filter(({ pdu }) => pdu)));
    expect(firstTimes(at.messages)).toEqual(positions(good.filter(({ pdu }) => !pdu)));
    for (const { pdus, edus } of at.transactions) {
      expect(pdus.length).toBeLessThanOrEqual(MAX_PDUS);
      expect(edus.length).toBeLessThanOrEqual(100);
    }
    expect(destination.idle).toBe(true);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), outcomes, refused, run), {
    numRuns: 300,
  });
});
