import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import type { Content } from "../../src/api/types.ts";
import { createOutbox } from "../../src/store/outbox.ts";
import { Room } from "../../src/store/room.ts";
import { createEvents } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What is due by now has been done, with all that follows from it. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** A server that answers each send as the script says: an event id, an error, or nothing until the test does. */
function setUp(
  script: (string | Error | Promise<string>)[],
  room = new Room("!r:one"),
  seal?: Parameters<typeof createOutbox>[0]["seal"],
) {
  const asked: string[] = [];
  const changed: string[] = [];
  const redactions: unknown[][] = [];
  const kept: Record<string, unknown> = {};
  const sent: { type: string; content: Content }[] = [];
  let txn = 0;
  const outbox = createOutbox({
    api: {
      send: async (roomId, type, txnId, content) => {
        asked.push(`${roomId} ${txnId}`);
        sent.push({ type, content });
        const answer = script.shift() ?? "$late";
        if (answer instanceof Error) throw answer;
        return { event_id: await answer };
      },
      redact: async (...args) => {
        redactions.push(args);
        const answer = script.shift() ?? "$redaction";
        if (answer instanceof Error) throw answer;
        return { event_id: await answer };
      },
    },
    me: ME,
    ...(seal === undefined ? {} : { seal }),
    keep(_room, txnId, unsent) {
      if (unsent === undefined) delete kept[txnId];
      else kept[txnId] = unsent.content["body"];
    },
    onChange: ({ roomId }) => changed.push(roomId),
    newTxnId: () => `t${++txn}`,
    now: () => 1000,
    backOff: (failures) => failures * 1000,
  });
  const say = (body: string, where = room): string =>
    outbox.send(where, "m.room.message", { msgtype: "m.text", body });
  const states = () =>
    room.timeline.pending.map((entry) => [entry.event.event_id, entry.pending?.state]);
  return { outbox, room, asked, sent, changed, redactions, say, states, kept };
}

test("a message shows at once, under the transaction's id, and as the server's when it has answered", async () => {
  const { say, room, changed, states } = setUp(["$1"]);
  say("one");
  expect(states()).toEqual([["~t1", "sending"]]);
  expect(room.timeline.pending[0]).toMatchObject({
    key: "t1",
    event: { sender: ME, origin_server_ts: 1000, content: { body: "one" } },
  });
  await settle();
  expect(states()).toEqual([["$1", "sending"]]);
  expect(room.timeline.pending[0]?.key).toBe("t1");
  expect(changed).toEqual(["!r:one", "!r:one"]);
});

test("a message has gone out before it is drawn", async () => {
  const before: number[] = [];
  const { say, changed, asked } = setUp(["$1"], undefined, async (_, type, content) => {
    before.push(changed.length);
    return { type, content };
  });
  say("one");
  for (let turn = 0; turn < 20 && asked.length === 0; turn++) await Promise.resolve();
  expect([asked, changed, before]).toEqual([["!r:one t1"], [], [0]]);
  await settle();
  expect(changed.length).toBeGreaterThan(0);
});

test("messages go out one after another, and a lost answer is asked for again under the same transaction id", async () => {
  const { asked, say, states } = setUp([new NetworkError("gone"), "$1", "$2"]);
  say("one");
  say("two");
  await settle();
  expect(asked).toEqual(["!r:one t1"]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual(["!r:one t1", "!r:one t1", "!r:one t2"]);
  expect(states().map(([eventId]) => eventId)).toEqual(["$1", "$2"]);
});

test("a room whose message waits holds up no other room", async () => {
  const { asked, say } = setUp([new NetworkError("gone"), "$2"]);
  say("one");
  say("two", new Room("!other:one"));
  await settle();
  expect(asked).toEqual(["!r:one t1", "!other:one t2"]);
});

test("each failure in a row is waited for longer, and for as long as the server asks", async () => {
  const limited = new ApiError(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 5000 });
  const { asked, say } = setUp([new ApiError(502, {}), new NetworkError("gone"), limited, "$1"]);
  say("one");
  const after = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    return asked.length;
  };
  expect(await after(999)).toBe(1);
  expect(await after(1)).toBe(2);
  expect(await after(1999)).toBe(2);
  expect(await after(1)).toBe(3);
  expect(await after(4999)).toBe(3);
  expect(await after(1)).toBe(4);
  expect(vi.getTimerCount()).toBe(0);
});

test("when the connection is back nothing waits any longer", async () => {
  const { asked, say, outbox, states } = setUp([new NetworkError("gone"), "$1"]);
  say("one");
  await settle();
  outbox.retryNow();
  await settle();
  expect(asked).toHaveLength(2);
  expect(states()).toEqual([["$1", "sending"]]);
  expect(vi.getTimerCount()).toBe(0);
});

test("what the server refuses is marked with the reason, and the next message still goes", async () => {
  const refusal = new ApiError(403, { errcode: "M_FORBIDDEN" });
  const { asked, say, room, states } = setUp([refusal, "$2"]);
  const refused = say("one");
  say("two");
  await settle();
  expect(asked).toEqual(["!r:one t1", "!r:one t2"]);
  expect(states()).toEqual([
    ["~t1", "failed"],
    ["$2", "sending"],
  ]);
  expect(room.timeline.pendingByTxn(refused)?.pending?.error).toBe(refusal);
});

test("a refused message can be sent again, under the same transaction id, or dropped", async () => {
  const { asked, say, room, outbox, states } = setUp([
    new ApiError(413, { errcode: "M_TOO_LARGE" }),
    "$1",
  ]);
  const txnId = say("one");
  outbox.retry(room, txnId);
  await settle();
  expect(asked).toEqual(["!r:one t1"]);
  outbox.retry(room, txnId);
  expect(states()).toEqual([["~t1", "sending"]]);
  await settle();
  expect(asked).toEqual(["!r:one t1", "!r:one t1"]);
  expect(states()).toEqual([["$1", "sending"]]);
  outbox.discard(room, txnId);
  expect(states()).toEqual([]);
});

test("a message that is dropped before its turn is never sent, one that waits is not tried again", async () => {
  const { asked, say, room, outbox } = setUp([new ApiError(500, {})]);
  const [first, second] = [say("one"), say("two")];
  await settle();
  outbox.discard(room, second);
  outbox.discard(room, first);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual(["!r:one t1"]);
  expect(room.timeline.pending).toEqual([]);
});

test("after signing out nothing is sent, neither what waits nor what is written after", async () => {
  const { asked, say, outbox } = setUp([new NetworkError("gone")]);
  say("one");
  say("two");
  await settle();
  outbox.stop();
  say("three");
  outbox.retryNow();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual(["!r:one t1"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("an answer that comes after the server's copy leaves only that one", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { say, room, states } = setUp([promise]);
  say("one");
  await settle();
  const copy = createEvents().message(ME, "one", { event_id: "$1" });
  room.timeline.append([copy], { limited: false });
  expect(states()).toEqual([["~t1", "sending"]]);
  resolve("$1");
  await settle();
  expect(states()).toEqual([]);
  expect(room.timeline.entries.map((entry) => entry.event.event_id)).toEqual(["$1"]);
});

test("what is taken back loses its words here at once, with the reason sent along", async () => {
  const { outbox, room, redactions, changed } = setUp([]);
  const said = createEvents().message(ANN, "rude");
  room.timeline.append([said], { limited: false });
  await outbox.redact(room, said.event_id, "rude words");
  expect(redactions).toEqual([["!r:one", said.event_id, "t1", "rude words"]]);
  expect(room.timeline.find(said.event_id)?.event).toMatchObject({
    content: {},
    unsigned: { redacted_because: { sender: ME, content: { redacts: said.event_id } } },
  });
  expect(changed).toEqual(["!r:one"]);
});

test("what may not be taken back stays, and the person hears why", async () => {
  const { outbox, room } = setUp([new ApiError(403, { errcode: "M_FORBIDDEN" })]);
  const said = createEvents().message(ANN, "kept");
  room.timeline.append([said], { limited: false });
  await expect(outbox.redact(room, said.event_id)).rejects.toMatchObject({
    errcode: "M_FORBIDDEN",
  });
  expect(room.timeline.find(said.event_id)?.event.content).toEqual({
    msgtype: "m.text",
    body: "kept",
  });
});

test("what is sealed is sealed once, in order, however often it is sent", async () => {
  const sealed: string[] = [];
  const { say, sent, room } = setUp(
    [new NetworkError("x"), "$1", "$2"],
    undefined,
    async (_room, _type, content) => {
      sealed.push(JSON.stringify(content["body"]));
      return { type: "m.room.encrypted", content: { ciphertext: `sealed ${sealed.length}` } };
    },
  );
  say("one");
  say("two");
  await vi.advanceTimersByTimeAsync(1000);
  expect(sealed).toEqual(['"one"', '"two"']);
  expect(sent.map(({ content }) => content["ciphertext"])).toEqual([
    "sealed 1",
    "sealed 1",
    "sealed 2",
  ]);
  expect(new Set(sent.map(({ type }) => type))).toEqual(new Set(["m.room.encrypted"]));
  // On this screen it is what was written.
  expect(room.timeline.pending.map(({ event }) => event.content["body"])).toEqual(["one", "two"]);
});

test("what cannot be sealed is not sent openly: it has failed, and can be tried again", async () => {
  let isBroken = true;
  const { say, sent, states, outbox, room } = setUp(
    ["$1"],
    undefined,
    async (_r, type, content) => {
      if (isBroken) throw new Error("no");
      return { type, content };
    },
  );
  const txnId = say("secret");
  await settle();
  expect(sent).toEqual([]);
  expect(states()).toEqual([["~t1", "failed"]]);
  isBroken = false;
  outbox.retry(room, txnId);
  await settle();
  expect(sent).toHaveLength(1);
});

test("what was taken back while its keys went out is not sent", async () => {
  const keys = Promise.withResolvers<void>();
  const { say, sent, outbox, room } = setUp([], undefined, async (_r, type, content) => {
    await keys.promise;
    return { type, content };
  });
  const txnId = say("never mind");
  await settle();
  outbox.discard(room, txnId);
  keys.resolve();
  await settle();
  expect(sent).toEqual([]);
});

test("what an earlier page could not send goes out in its order under its ids, and what did arrive does not", async () => {
  const { outbox, room, asked, states, kept } = setUp(["$2"]);
  const { message } = createEvents();
  const arrived = message(ME, "arrived", { unsigned: { transaction_id: "old1" } });
  room.timeline.append([arrived], { limited: false });
  const unsent = (body: string, ts: number) => ({
    roomId: room.roomId,
    type: "m.room.message",
    content: { msgtype: "m.text", body },
    ts,
    count: 1,
  });
  outbox.restore([
    ["old2", unsent("second", 900), room],
    ["old1", unsent("arrived", 800), room],
  ]);
  expect(states()).toEqual([["~old2", "sending"]]);
  await settle();
  expect(asked).toEqual(["!r:one old2"]);
  expect(states()).toEqual([["$2", "sending"]]);
  expect(kept).toEqual({});
});

test("what is older than a day is offered, not sent", async () => {
  vi.setSystemTime(0);
  const { outbox, room, asked, states } = setUp([]);
  const content = { msgtype: "m.text", body: "old" };
  const ts = 1000 - 25 * 3_600_000;
  const unsent = { roomId: room.roomId, type: "m.room.message", content, ts, count: 1 };
  outbox.restore([["old", unsent, room]]);
  await settle();
  expect(asked).toEqual([]);
  expect(states()).toEqual([["~old", "failed"]]);
  outbox.retry(room, "old");
  await settle();
  expect(asked).toEqual(["!r:one old"]);
});

test("a message is kept until the server has it, and when it is refused until it is dropped", async () => {
  const { outbox, room, say, kept } = setUp(["$1", new ApiError(403, {})]);
  say("one");
  expect(kept).toEqual({ t1: "one" });
  await settle();
  expect(kept).toEqual({});
  say("two");
  await settle();
  expect(kept).toEqual({ t2: "two" });
  outbox.discard(room, "t2");
  expect(kept).toEqual({});
});
