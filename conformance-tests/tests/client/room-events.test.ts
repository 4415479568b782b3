import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import {
  hasTimelineEvent,
  syncToken,
  syncUntil,
  timelineOf,
  untilEvent,
} from "../../harness/sync.ts";
import { logIn, registerUser, sentId } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { roomOfTwo, eventOf } from "../../harness/two-users.ts";

const message = (body: string) => ({ msgtype: "m.text", body });

clause(
  clientApi("put_matrixclientv3roomsroomidsendeventtypetxnid"),
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
  clientApi("transaction-identifiers"),
  "the same transaction id sends one event, and the sender is told it",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
    const send = () => alice.call("sendMessage", { path, body: message("once") });
    const [first, second] = [sentId(await send()), sentId(await send())];
    mustEqual(second, first, "event_id of the repetition");
    const body = await untilEvent(alice, roomId, first, { since });
    const events = timelineOf(body, roomId).filter((event) => event.type === "m.room.message");
    mustEqual(events.length, 1, "messages");
    mustEqual(events[0]?.unsigned?.["transaction_id"], path.txnId, "unsigned.transaction_id");
  },
);

clause(
  clientApi("transaction-identifiers"),
  "a transaction id belongs to a device and to a room",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const other = await logIn(alice);
    const elsewhere = await alice.createRoom();
    const txnId = unique("txn");
    const send = async (user: User, room: string) =>
      sentId(
        await user.call("sendMessage", {
          path: { roomId: room, eventType: "m.room.message", txnId },
          body: message("x"),
        }),
      );
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
  clientApi("transaction-identifiers"),
  "repetitions at the same moment are one event as well",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
    const sends = Array.from({ length: 8 }, () =>
      alice.call("sendMessage", { path, body: message("same") }),
    );
    const ids = (await Promise.all(sends)).map(sentId);
    mustEqual(new Set(ids).size, 1, "event ids");
  },
);

clause(
  clientApi("size-limits"),
  "an event of more than 65,536 bytes is 413 M_TOO_LARGE",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
    await mustFail(
      alice.request("sendMessage", { path, body: message("x".repeat(66_000)) }),
      413,
      "M_TOO_LARGE",
    );
    await alice.send(roomId, message("x".repeat(60_000)));
  },
);

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
  clientApi("put_matrixclientv3roomsroomidsendeventtypetxnid"),
  "only members may send",
  async () => {
    const { roomId } = await roomOfTwo();
    const carol = await registerUser(theSubject(), "carol");
    const path = { roomId, eventType: "m.room.message", txnId: unique("txn") };
    await mustBe403(carol.request("sendMessage", { path, body: message("let me in") }));
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomideventeventid"),
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
  clientApi("put_matrixclientv3roomsroomidsendeventtypetxnid"),
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

clause(clientApi("reporting-content"), "an event, a room and a user can be reported", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const eventId = await alice.send(roomId, "offensive");
  const body = { reason: "offends me" };
  await bob.call("reportEvent", { path: { roomId, eventId }, body });
  await bob.call("reportRoom", { path: { roomId }, body });
  await bob.call("reportUser", { path: { userId: alice.userId }, body });
  await mustBe404(bob.request("reportEvent", { path: { roomId, eventId: unique("$none") }, body }));
});
