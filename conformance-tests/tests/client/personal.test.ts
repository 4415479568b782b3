import { isDeepStrictEqual } from "node:util";
import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import type { ClientEvent, SyncBody } from "../../harness/shapes.ts";
import { ephemeralOf, joinedRoom, syncToken, syncUntil, accountData } from "../../harness/sync.ts";
import { logIn, registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

const roomAccountData = (body: SyncBody, roomId: string, type: string) =>
  ((joinedRoom(body, roomId)?.account_data?.events ?? []) as unknown as ClientEvent[]).find(
    (event) => event.type === type,
  );

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

clause(
  clientApi("typing-notifications"),
  "typing is told to the room, and that it stopped",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    const path = { roomId, userId: bob.userId };
    const typing = (seen: SyncBody) =>
      ephemeralOf(seen, roomId).findLast((event) => event.type === "m.typing")?.content["user_ids"];
    await bob.call("setTyping", { path, body: { typing: true, timeout: 20_000 } });
    const body = await syncUntil(
      alice,
      "bob typing",
      (seen) => isDeepStrictEqual(typing(seen), [bob.userId]),
      { since },
    );
    await bob.call("setTyping", { path, body: { typing: false } });
    await syncUntil(alice, "nobody typing", (seen) => JSON.stringify(typing(seen)) === "[]", {
      since: body.next_batch,
    });
    await mustFail(
      alice.request("setTyping", { path, body: { typing: true, timeout: 1000 } }),
      [400, 403],
      "M_FORBIDDEN",
    );
  },
);

clause(
  clientApi("typing-notifications"),
  "typing ends by itself when its time is over",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    const path = { roomId, userId: bob.userId };
    await bob.call("setTyping", { path, body: { typing: true, timeout: 4_000 } });
    const last = (seen: SyncBody) =>
      JSON.stringify(
        ephemeralOf(seen, roomId).findLast((event) => event.type === "m.typing")?.content,
      );
    const body = await syncUntil(alice, "bob typing", (seen) => last(seen)?.includes(bob.userId), {
      since,
    });
    await syncUntil(alice, "nobody typing", (seen) => last(seen) === '{"user_ids":[]}', {
      since: body.next_batch,
    });
  },
);

clause(clientApi("presence"), "presence is told to those who share a room", async () => {
  const { alice, bob } = await roomOfTwo();
  const since = await syncToken(alice);
  await bob.call("setPresence", {
    path: { userId: bob.userId },
    body: { presence: "unavailable", status_msg: "at the loom" },
  });
  await syncUntil(
    alice,
    "bob's presence",
    (seen) =>
      ((seen.presence?.events ?? []) as unknown as ClientEvent[]).some(
        (event) => event.sender === bob.userId && event.content["status_msg"] === "at the loom",
      ),
    { since },
  );
  mustMatch(
    await alice.call("getPresence", { path: { userId: bob.userId } }),
    { presence: "unavailable", status_msg: "at the loom" },
    "status",
  );
  const body = { presence: "online" } as const;
  await mustBe403(alice.request("setPresence", { path: { userId: bob.userId }, body }));
});

clause(
  clientApi("client-config"),
  "account data reaches one's other sessions, and nobody else",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const other = await logIn(alice);
    const since = await syncToken(other);
    const path = { userId: alice.userId, type: "org.example.settings" };
    await alice.call("setAccountData", { path, body: { colour: "madder" } });
    await syncUntil(
      other,
      "the account data",
      (seen) => accountData(seen, "org.example.settings")?.content["colour"] === "madder",
      { since },
    );
    mustEqual(await alice.call("getAccountData", { path }), { colour: "madder" }, "content");
    await mustBe403(bob.request("getAccountData", { path }));
    await mustBe403(bob.request("setAccountData", { path, body: {} }));
    const none = { userId: alice.userId, type: "org.example.none" };
    await mustBe404(alice.request("getAccountData", { path: none }));
  },
);

clause(clientApi("client-config"), "account data of a room stays with the room", async () => {
  const { alice, roomId } = await roomOfTwo();
  const since = await syncToken(alice);
  const path = { userId: alice.userId, roomId, type: "org.example.note" };
  await alice.call("setAccountDataPerRoom", { path, body: { note: "warp" } });
  const body = await syncUntil(
    alice,
    "the room's account data",
    (seen) => roomAccountData(seen, roomId, "org.example.note")?.content["note"] === "warp",
    { since },
  );
  mustEqual(accountData(body, "org.example.note"), undefined, "the same outside of the room");
  mustEqual(await alice.call("getAccountDataPerRoom", { path }), { note: "warp" }, "content");
});

clause(
  clientApi("client-config"),
  "m.fully_read and m.push_rules cannot be set as account data",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const { userId } = alice;
    const set = (type: string) =>
      alice.request("setAccountData", { path: { userId, type }, body: {} });
    await mustFail(set("m.push_rules"), 405, "M_BAD_JSON");
    await mustFail(
      alice.request("setAccountDataPerRoom", {
        path: { userId, roomId, type: "m.fully_read" },
        body: {},
      }),
      405,
      "M_BAD_JSON",
    );
  },
);

clause(clientApi("room-tagging"), "tags can be added, listed, synced and removed", async () => {
  const { alice, roomId } = await roomOfTwo();
  const since = await syncToken(alice);
  const path = { userId: alice.userId, roomId };
  await alice.call("setRoomTag", { path: { ...path, tag: "m.favourite" }, body: { order: 0.25 } });
  await alice.call("setRoomTag", { path: { ...path, tag: "u.work" }, body: {} });
  const tags = { "m.favourite": { order: 0.25 }, "u.work": {} };
  mustEqual((await alice.call("getRoomTags", { path })).tags, tags, "tags");
  await syncUntil(
    alice,
    "both tags",
    (seen) => {
      const content = roomAccountData(seen, roomId, "m.tag")?.content;
      return Object.keys((content?.["tags"] ?? {}) as object).length === 2;
    },
    { since },
  );
  await alice.call("deleteRoomTag", { path: { ...path, tag: "m.favourite" } });
  mustEqual(
    (await alice.call("getRoomTags", { path })).tags,
    { "u.work": {} },
    "tags that are left",
  );
});

clause(
  clientApi("filtering"),
  "a filter can be stored and read by its user, and refused when it is none",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const path = { userId: alice.userId };
    const filter = { room: { timeline: { limit: 7, types: ["m.room.message"] } } };
    const { filter_id: filterId } = await alice.call("defineFilter", { path, body: filter });
    mustEqual(await alice.call("getFilter", { path: { ...path, filterId } }), filter, "filter");
    await mustBe403(bob.request("getFilter", { path: { ...path, filterId } }));
    await mustBe404(alice.request("getFilter", { path: { ...path, filterId: "12345678" } }));
    for (const wrong of [
      { room: { timeline: { limit: "many" } } },
      { room: [] },
      { presence: { types: "m.x" } },
    ]) {
      await mustFail(alice.request("defineFilter", { path, body: wrong }), 400);
    }
  },
);

clause(clientApi("ignoring-users"), "messages of ignored users are not told", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  await alice.call("setAccountData", {
    path: { userId: alice.userId, type: "m.ignored_user_list" },
    body: { ignored_users: { [bob.userId]: {} } },
  });
  const since = await syncToken(alice);
  await bob.send(roomId, "can you hear me?");
  const marker = await alice.send(roomId, "marker");
  const body = await syncUntil(
    alice,
    "the marker",
    (seen) => JSON.stringify(seen).includes(marker),
    {
      since,
    },
  );
  must(
    !JSON.stringify(body).includes("can you hear me?"),
    "the ignored user's message is in /sync",
  );
});
