import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import { createOutbox } from "../../src/store/outbox.ts";
import { Room } from "../../src/store/room.ts";

const ME = "@me:one";

/** A server that answers each send as the script says: an event id, or an error. */
function setUp(script: (string | Error)[]) {
  const asked: string[] = [];
  const room = new Room("!r:one");
  let txn = 0;
  const outbox = createOutbox({
    api: {
      send: (_room, _type, txnId) => {
        asked.push(txnId);
        const answer = script.shift() ?? "$late";
        return answer instanceof Error
          ? Promise.reject(answer)
          : Promise.resolve({ event_id: answer });
      },
      redact: () => Promise.resolve({ event_id: "$redaction" }),
    },
    me: ME,
    onChange: () => undefined,
    newTxnId: () => `t${++txn}`,
    now: () => 1000,
    backOff: () => 0,
  });
  const say = (body: string): string =>
    outbox.send(room, "m.room.message", { msgtype: "m.text", body });
  return { outbox, room, asked, say };
}

test("messages go out one after another, and a lost answer is asked for again under the same transaction id", async () => {
  const { asked, say, room } = setUp([new NetworkError("gone"), "$1", "$2"]);
  say("one");
  say("two");
  await eventually(() => expect(asked).toEqual(["t1", "t1", "t2"]));
  await eventually(() =>
    expect(room.timeline.pending.map((entry) => entry.event.event_id)).toEqual(["$1", "$2"]),
  );
});

test("what the server refuses is marked, and the next message still goes", async () => {
  const { asked, say, room } = setUp([new ApiError(403, { errcode: "M_FORBIDDEN" }), "$2"]);
  const refused = say("one");
  say("two");
  await eventually(() => expect(asked).toEqual(["t1", "t2"]));
  expect(room.timeline.pendingByTxn(refused)?.pending?.state).toBe("failed");
});

test("a refused message can be sent again or dropped", async () => {
  const { asked, say, room, outbox } = setUp([new ApiError(413, { errcode: "M_TOO_LARGE" }), "$1"]);
  const txnId = say("one");
  await eventually(() => expect(room.timeline.pendingByTxn(txnId)?.pending?.state).toBe("failed"));
  outbox.retry(room, txnId);
  await eventually(() => expect(asked).toEqual(["t1", "t1"]));
  outbox.discard(room, txnId);
  expect(room.timeline.pending).toHaveLength(0);
});

test("a message that is dropped while it waits is not tried again", async () => {
  const { asked, say, room, outbox } = setUp([new ApiError(500, {}), "$1"]);
  const txnId = say("one");
  outbox.discard(room, txnId);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked.length).toBeLessThanOrEqual(1);
});
