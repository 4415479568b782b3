import { clause, clientApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { mustBe403, mustEqual, mustMatch } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { syncToken, timelineOf, untilEvent } from "../../harness/sync.ts";
import { roomOfTwo, eventOf } from "../../harness/two-users.ts";

for (const version of ["10", "12"]) {
  clause(
    clientApi("redactions"),
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
  clientApi("redactions"),
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

clause(clientApi("redactions"), "a redacted member event keeps its membership", async () => {
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

for (const version of ["10", "12"]) {
  clause(
    clientApi("put_matrixclientv3roomsroomidsendeventtypetxnid"),
    `a redaction may be sent like a message (room version ${version})`,
    async () => {
      const { alice, roomId } = await roomOfTwo({ room_version: version });
      const eventId = await alice.send(roomId, "regrettable");
      const redaction = await alice.send(roomId, { redacts: eventId }, "m.room.redaction");
      mustEqual((await eventOf(alice, roomId, eventId)).content, {}, "content");
      const seen = await eventOf(alice, roomId, redaction);
      const redacts = version === "12" ? seen.content["redacts"] : seen.redacts;
      mustEqual(redacts, eventId, "redacts");
    },
  );
}
