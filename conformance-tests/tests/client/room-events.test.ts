import { clause, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import {
  hasTimelineEvent,
  syncToken,
  syncUntil,
  timelineOf,
  untilEvent,
} from "../../harness/sync.ts";
import { logIn, registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";

const page = (anchor: string) => `client-server-api#${anchor}`;
const message = (body: string) => ({ msgtype: "m.text", body });

async function roomOfTwo(more = {}) {
  const [alice, bob] = await Promise.all([
    registerUser(theSubject(), "alice"),
    registerUser(theSubject(), "bob"),
  ]);
  const roomId = await alice.createRoom({ preset: "public_chat", ...more });
  await bob.join(roomId);
  return { alice, bob, roomId };
}

async function eventOf(user: User, roomId: string, eventId: string): Promise<ClientEvent> {
  return (await user.call("getOneRoomEvent", {
    path: { roomId, eventId },
  })) as unknown as ClientEvent;
}

clause(
  page("put_matrixclientv3roomsroomidsendeventtypetxnid"),
  "a message that is sent can be read as one event, with all that clients need",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const content = { ...message("grüße 👋 \u0000\n"), "org.example": { deep: [1, { a: null }] } };
    const eventId = await alice.send(roomId, content);
    const event = await eventOf(bob, roomId, eventId);
    mustMatch(
      event,
      { event_id: eventId, room_id: roomId, sender: alice.userId, type: "m.room.message", content },
      "event",
    );
    must(Math.abs(event.origin_server_ts - Date.now()) < 60_000, "origin_server_ts is not now");
    for (const inner of ["hashes", "signatures", "prev_events", "auth_events", "depth"]) {
      must(!(inner in event), `clients are shown ${inner}`);
    }
  },
);

clause(
  page("transaction-identifiers"),
  "the same transaction id sends one event, and the sender is told it",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
    const first = await alice.call("sendMessage", { path, body: message("once") });
    const second = await alice.call("sendMessage", { path, body: message("once") });
    mustEqual(second.event_id, first.event_id, "event_id of the repetition");
    const body = await untilEvent(alice, roomId, first.event_id, { since });
    const events = timelineOf(body, roomId).filter((event) => event.type === "m.room.message");
    mustEqual(events.length, 1, "messages");
    mustEqual(events[0]?.unsigned?.["transaction_id"], path.txnId, "unsigned.transaction_id");
  },
);

clause(
  page("transaction-identifiers"),
  "a transaction id belongs to a device and to a room",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const other = await logIn(alice);
    const elsewhere = await alice.createRoom();
    const txnId = unique("txn");
    const send = async (user: User, room: string) =>
      (
        await user.call("sendMessage", {
          path: { roomId: room, eventType: "m.room.message", txnId },
          body: message("x"),
        })
      ).event_id;
    const ids = [
      await send(alice, roomId),
      await send(other, roomId),
      await send(alice, elsewhere),
    ];
    mustEqual(new Set(ids).size, 3, "different events");
    const seen = await eventOf(other, roomId, ids[0] ?? "");
    mustEqual(seen.unsigned?.["transaction_id"], undefined, "another device's transaction id");
  },
);

clause(
  page("transaction-identifiers"),
  "repetitions at the same moment are one event as well",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
    const sends = Array.from({ length: 8 }, () =>
      alice.call("sendMessage", { path, body: message("same") }),
    );
    const ids = (await Promise.all(sends)).map((answer) => answer.event_id);
    mustEqual(new Set(ids).size, 1, "event ids");
  },
);

clause(page("size-limits"), "an event of more than 65,536 bytes is 413 M_TOO_LARGE", async () => {
  const { alice, roomId } = await roomOfTwo();
  const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
  await mustFail(
    alice.request("sendMessage", { path, body: message("x".repeat(66_000)) }),
    413,
    "M_TOO_LARGE",
  );
  await alice.send(roomId, message("x".repeat(60_000)));
});

clause(
  "appendices#canonical-json",
  "numbers that canonical JSON forbids are refused in events",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    for (const number of ["1.5", "9007199254740993", "-9007199254740993", "1e400"]) {
      const path = { roomId, eventType: "org.example.number", txnId: unique("txn") };
      const answer = alice.request("sendMessage", { path, raw: `{"n":${number}}` });
      await mustFail(answer, 400, ["M_BAD_JSON", "M_NOT_JSON"]);
    }
  },
);

clause(
  page("put_matrixclientv3roomsroomidsendeventtypetxnid"),
  "only members may send",
  async () => {
    const { roomId } = await roomOfTwo();
    const carol = await registerUser(theSubject(), "carol");
    const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
    await mustBe403(carol.request("sendMessage", { path, body: message("let me in") }));
  },
);

clause(
  page("put_matrixclientv3roomsroomidstateeventtypestatekey"),
  "state can be set and read, with a key and without",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await alice.setState(roomId, "m.room.topic", { topic: "Weaving" });
    await alice.setState(roomId, "org.example.seat", { row: 3 }, "a/b c");
    mustEqual((await bob.getState(roomId, "m.room.topic"))["topic"], "Weaving", "topic");
    mustEqual(
      await bob.getState(roomId, "org.example.seat", "a/b c"),
      { row: 3 },
      "state with a key",
    );
    await mustBe404(
      bob.request("getRoomStateWithKey", {
        path: { roomId, eventType: "org.example.seat", stateKey: "" },
      }),
    );
    const full = await bob.call("getRoomStateWithKey", {
      path: { roomId, eventType: "m.room.topic", stateKey: "" },
      query: { format: "event" },
    });
    mustMatch(full, { type: "m.room.topic", sender: alice.userId, state_key: "" }, "format=event");
  },
);

clause(
  page("put_matrixclientv3roomsroomidstateeventtypestatekey"),
  "state that replaces other state shows what it replaced",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const first = await alice.setState(roomId, "m.room.name", { name: "before" });
    const since = await syncToken(alice);
    const second = await alice.setState(roomId, "m.room.name", { name: "after" });
    const body = await untilEvent(alice, roomId, second, { since });
    const event = timelineOf(body, roomId).find(({ event_id }) => event_id === second);
    mustMatch(event?.unsigned, { prev_content: { name: "before" } }, "unsigned");
    must(first !== second, "the same event");
  },
);

clause(page("permissions"), "state needs power, and one's own user id as key", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const set = (user: User, eventType: string, stateKey: string) =>
    user.request("setRoomStateWithKey", {
      path: { roomId, eventType, stateKey },
      body: { any: "thing" },
    });
  await mustBe403(set(bob, "org.example.board", ""));
  await mustBe403(set(bob, "org.example.mine", bob.userId));
  await alice.setState(roomId, "m.room.power_levels", {
    ...(await alice.getState(roomId, "m.room.power_levels")),
    events: { "org.example.mine": 0 },
  });
  mustEqual((await set(bob, "org.example.mine", bob.userId)).status, 200, "with one's own id");
  await mustBe403(set(bob, "org.example.mine", alice.userId));
  await mustBe403(set(alice, "org.example.mine", bob.userId));
});

clause(
  page("mroompower_levels"),
  "nobody gives more power than they have, nor takes it from their equals",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ room_version: "11" });
    const levels = await alice.getState(roomId, "m.room.power_levels");
    const users = { [alice.userId]: 100, [bob.userId]: 50 };
    const put = (user: User, content: object) =>
      user.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.room.power_levels", stateKey: "" },
        body: { ...levels, events: { "m.room.power_levels": 50 }, ...content },
      });
    mustEqual((await put(alice, { users })).status, 200, "alice makes bob a moderator");
    await mustBe403(put(bob, { users: { ...users, [bob.userId]: 51 } }));
    await mustBe403(put(bob, { users: { ...users, [alice.userId]: 49 } }));
    await mustBe403(put(bob, { users, ban: 60 }));
    mustEqual((await put(bob, { users, ban: 49 })).status, 200, "a change within bob's level");
    mustEqual(
      (await put(bob, { users: { ...users, [bob.userId]: 40 }, ban: 49 })).status,
      200,
      "bob steps down",
    );
  },
);

clause(page("mroompower_levels"), "power levels of the wrong shape are refused", async () => {
  const { alice, roomId } = await roomOfTwo({ room_version: "10" });
  const levels = await alice.getState(roomId, "m.room.power_levels");
  for (const wrong of [
    { ban: "50" },
    { users: { nonsense: 5 } },
    { events: { x: 1.5 } },
    { users: [] },
  ]) {
    await mustFail(
      alice.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.room.power_levels", stateKey: "" },
        body: { ...levels, ...wrong },
      }),
      [400, 403],
    );
  }
});

for (const version of ["10", "12"]) {
  clause(
    page("redactions"),
    `a redaction empties the event and says so everywhere (room version ${version})`,
    async () => {
      const { alice, bob, roomId } = await roomOfTwo({ room_version: version });
      const eventId = await bob.send(roomId, "regrettable");
      const since = await syncToken(bob);
      const redaction = await bob.call("redactEvent", {
        path: { roomId, eventId, txnId: unique("txn") },
        body: { reason: "typo" },
      });
      const body = await untilEvent(bob, roomId, redaction.event_id, { since });
      const seen = timelineOf(body, roomId).find(({ event_id }) => event_id === redaction.event_id);
      const redacts = version === "12" ? seen?.content["redacts"] : seen?.redacts;
      mustEqual([redacts, seen?.content["reason"]], [eventId, "typo"], "the redaction");
      const event = await eventOf(alice, roomId, eventId);
      mustEqual(event.content, {}, "content");
      mustMatch(
        event.unsigned?.["redacted_because"],
        { event_id: redaction.event_id, sender: bob.userId },
        "unsigned.redacted_because",
      );
    },
  );
}

clause(
  page("redactions"),
  "others' events are redacted with power only, and redactions are idempotent",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "mine");
    const txnId = unique("txn");
    await mustBe403(bob.request("redactEvent", { path: { roomId, eventId, txnId }, body: {} }));
    const his = await bob.send(roomId, "his");
    const redact = () =>
      alice.call("redactEvent", { path: { roomId, eventId: his, txnId }, body: {} });
    mustEqual((await redact()).event_id, (await redact()).event_id, "event_id of the repetition");
    mustEqual((await eventOf(bob, roomId, his)).content, {}, "content");
  },
);

clause(page("redactions"), "a redacted member event keeps its membership", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const members = (await alice.call("getMembersByRoom", { path: { roomId } }))
    .chunk as unknown as ClientEvent[];
  const join = members.find((event) => event.state_key === bob.userId);
  await alice.call("redactEvent", {
    path: { roomId, eventId: String(join?.event_id), txnId: unique("txn") },
    body: {},
  });
  mustEqual(
    await alice.getState(roomId, "m.room.member", bob.userId),
    { membership: "join" },
    "content",
  );
});

clause(
  page("get_matrixclientv3roomsroomideventeventid"),
  "an event can be read by those only who may see it",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const carol = await registerUser(theSubject(), "carol");
    const eventId = await alice.send(roomId, "secret");
    await mustFail(carol.request("getOneRoomEvent", { path: { roomId, eventId } }), [403, 404]);
    const none = unique("$none");
    await mustBe404(alice.request("getOneRoomEvent", { path: { roomId, eventId: none } }));
  },
);

clause(
  page("put_matrixclientv3roomsroomidsendeventtypetxnid"),
  "events of one sender keep their order for everybody",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const since = await syncToken(bob);
    const bodies = Array.from({ length: 15 }, (_, i) => `number ${i}`);
    for (const body of bodies) await alice.send(roomId, body);
    const seen: unknown[] = [];
    let from = since;
    while (seen.length < bodies.length) {
      const body = await syncUntil(
        bob,
        "more messages",
        hasTimelineEvent(roomId, () => true),
        {
          since: from,
          query: { filter: JSON.stringify({ room: { timeline: { limit: 50 } } }) },
        },
      );
      seen.push(...timelineOf(body, roomId).map((event) => event.content["body"]));
      from = body.next_batch;
    }
    mustEqual(seen, bodies, "messages in order");
  },
);

clause(page("reporting-content"), "an event, a room and a user can be reported", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const eventId = await alice.send(roomId, "offensive");
  const body = { reason: "offends me" };
  await bob.call("reportEvent", { path: { roomId, eventId }, body });
  await bob.call("reportRoom", { path: { roomId }, body });
  await bob.call("reportUser", { path: { userId: alice.userId }, body });
  await mustBe404(bob.request("reportEvent", { path: { roomId, eventId: unique("$none") }, body }));
});
