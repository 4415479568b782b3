import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustFail } from "../../harness/must.ts";
import type { SyncBody } from "../../harness/shapes.ts";
import { ephemeralOf, syncToken, syncUntil, roomAccountData } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

/** Who has which receipt at which event, out of the ephemeral events of a sync. */
function receipts(body: SyncBody, roomId: string, type = "m.read"): Map<string, string> {
  const found = new Map<string, string>();
  for (const event of ephemeralOf(body, roomId)) {
    if (event.type !== "m.receipt") continue;
    for (const [eventId, kinds] of Object.entries(event.content)) {
      const users = (kinds as Record<string, Record<string, unknown>>)[type] ?? {};
      for (const userId of Object.keys(users)) found.set(userId, eventId);
    }
  }
  return found;
}

clause(
  clientApi("receipts"),
  "a receipt reaches the others, in the room's ephemeral events",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "read me");
    const since = await syncToken(alice);
    await bob.call("postReceipt", { path: { roomId, receiptType: "m.read", eventId }, body: {} });
    const body = await syncUntil(
      alice,
      "bob's receipt",
      (seen) => receipts(seen, roomId).get(bob.userId) === eventId,
      { since },
    );
    must(body.next_batch !== since, "the token did not move");
  },
);

clause(
  clientApi("private-read-receipts"),
  "a private receipt is told to its user alone",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "read me");
    const [sinceAlice, sinceBob] = [await syncToken(alice), await syncToken(bob)];
    await bob.call("postReceipt", {
      path: { roomId, receiptType: "m.read.private", eventId },
      body: {},
    });
    await syncUntil(
      bob,
      "the private receipt",
      (seen) => receipts(seen, roomId, "m.read.private").get(bob.userId) === eventId,
      { since: sinceBob },
    );
    const marker = await alice.send(roomId, "marker");
    const body = await syncUntil(
      alice,
      "the marker",
      (seen) => JSON.stringify(seen).includes(marker),
      {
        since: sinceAlice,
      },
    );
    must(!JSON.stringify(body).includes("m.read.private"), "alice sees the private receipt");
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidreceiptreceipttypeeventid"),
  "a receipt needs a type that exists and a membership",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const carol = await registerUser(theSubject());
    const eventId = await alice.send(roomId, "read me");
    await mustFail(
      alice.request("postReceipt", {
        path: { roomId, receiptType: "m.nonsense" as "m.read", eventId },
        body: {},
      }),
      400,
    );
    await mustBe403(
      carol.request("postReceipt", { path: { roomId, receiptType: "m.read", eventId }, body: {} }),
    );
  },
);

clause(
  clientApi("fully-read-markers"),
  "read markers set m.fully_read and a receipt at once",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.send(roomId, "read me");
    const since = await syncToken(bob);
    const body = { "m.fully_read": eventId, "m.read": eventId };
    await bob.call("setReadMarker", { path: { roomId }, body });
    await syncUntil(
      bob,
      "m.fully_read",
      (seen) => roomAccountData(seen, roomId, "m.fully_read")?.content["event_id"] === eventId,
      { since },
    );
    await syncUntil(bob, "the receipt", (seen) => receipts(seen, roomId).has(bob.userId));
  },
);
