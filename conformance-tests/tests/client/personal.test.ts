import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail } from "../../harness/must.ts";
import { syncToken, syncUntil, accountData, roomAccountData } from "../../harness/sync.ts";
import { logIn, registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

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
