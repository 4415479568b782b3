/** One bad part of an event, an EDU or a transaction: what stands beside it is there all the same. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { askAs, tellAs } from "../support/signed-requests.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let carol: TestUser;
let bob: TestUser;
let roomId: string;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer(), startServer()]);
  alice = await register(one, "alice");
  carol = await register(one, "carol");
  bob = await register(two, "bob");
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
});
afterAll(() => Promise.all([one.close(), two.close()]));

const path = (rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const HOSTILE = ["$a\0b", "\0", "$", "__proto__", "$".padEnd(300, "x"), "not an event id"];
let sent = 0;

async function bodiesSeenBy(user: TestUser): Promise<unknown[]> {
  const { rooms } = await user.sync();
  const events = rooms.join[roomId].timeline.events as Body[];
  return events.map((event) => event.content.body);
}

describe.each(["m.replace", "m.annotation", "m.reference", "m.thread"])("a %s", (relType) => {
  test.each(HOSTILE)("of the event %j stops nobody's /sync", async (eventId) => {
    const name = `${relType} ${++sent}`;
    const relation = { rel_type: relType, event_id: eventId, key: "+" };
    await alice.call("PUT", path(`/send/m.room.message/r${sent}`), {
      msgtype: "m.text",
      body: name,
      "m.relates_to": relation,
    });
    await bob.call("PUT", path(`/send/m.room.message/r${sent}`), {
      msgtype: "m.text",
      body: `${name} from elsewhere`,
      "m.relates_to": relation,
    });
    await alice.syncUntil(undefined, (body) =>
      JSON.stringify(body).includes(`${name} from elsewhere`),
    );
    for (const user of [alice, carol]) {
      expect(await bodiesSeenBy(user)).toContain(name);
      const { chunk } = await user.call("GET", path("/messages?dir=b&limit=10"));
      expect(chunk.map((event: Body) => event.content.body)).toContain(name);
    }
  });
});

test("a receipt for what is no event leaves the good one beside it", async () => {
  const good = await alice.send(roomId, "read by bob");
  for (const bad of HOSTILE) {
    const data = { ts: 1 };
    const edu = {
      edu_type: "m.receipt",
      content: {
        [roomId]: {
          "m.read": {
            [`@other:${two.name}`]: { event_ids: [bad], data },
            [bob.userId]: { event_ids: [good], data },
          },
        },
      },
    };
    expect((await tellAs(two, one, { edus: [edu] })).status).toBe(200);
    const seen = await carol.syncUntil(undefined, (body) => JSON.stringify(body).includes(good));
    const receipts = seen.rooms.join[roomId].ephemeral.events.find(
      (event: Body) => event.type === "m.receipt",
    );
    expect(receipts.content[good]["m.read"][bob.userId]).toBeDefined();
  }
  expect(({} as Record<string, unknown>)["m.read"]).toBeUndefined();
});

test("a thread that is no event's is no thread of a receipt", async () => {
  const eventId = await alice.send(roomId, "read");
  for (const threadId of ["$a\0b", "\0", "elsewhere", ""]) {
    const answer = await alice.ask("POST", path(`/receipt/m.read/${encodeURIComponent(eventId)}`), {
      thread_id: threadId,
    });
    expect([answer.status, answer.body.errcode], threadId).toEqual([400, expect.anything()]);
  }
});

test("what is no object in a transaction is passed over, and the rest is taken", async () => {
  const since = (await alice.sync()).next_batch;
  const typing = { room_id: roomId, user_id: bob.userId, typing: true };
  const edus = [1, null, "x", [], { edu_type: "m.typing", content: typing }];
  const answer = await tellAs(two, one, { pdus: [1, null, "x", []], edus });
  expect(answer).toEqual({ status: 200, body: { pdus: {} } });
  await alice.syncUntil(since, (body) => JSON.stringify(body).includes("m.typing"));
});

test("a transaction id that can be no key is refused by its name", async () => {
  for (const txnId of ["x".repeat(256), "é".repeat(128)]) {
    const body = { msgtype: "m.text", body: "?" };
    const answer = await alice.ask(
      "PUT",
      path(`/send/m.room.message/${encodeURIComponent(txnId)}`),
      body,
    );
    expect([answer.status, answer.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    expect(answer.body.error).toContain("txnId");
  }
});

test("another server's profile query is answered although its field is none", async () => {
  const uri = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`;
  expect((await askAs(two, one, "GET", `${uri}&field=__proto__`)).status).toBe(200);
});
