import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { must, mustBe403, mustEqual, mustFail } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { hasLeft, isInvited, syncOnce, syncUntil, untilEvent } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";
import { setMember } from "../../harness/room-state.ts";

clause(clientApi("room-membership"), "memberships set as state follow the same rules", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const carol = await registerUser(theSubject(), "carol");
  await mustBe403(setMember(bob, roomId, carol.userId, { membership: "join" }));
  await mustBe403(setMember(bob, roomId, alice.userId, { membership: "ban" }));
  mustEqual(
    (await setMember(alice, roomId, carol.userId, { membership: "invite" })).status,
    200,
    "an invitation",
  );
  await syncUntil(carol, "the invitation", isInvited(roomId));
  mustEqual(
    (await setMember(bob, roomId, bob.userId, { membership: "leave" })).status,
    200,
    "leaving",
  );
  await mustFail(setMember(alice, roomId, alice.userId, { membership: "dancing" }), [400, 403]);
});

clause(
  clientApi("post_matrixclientv3roomsroomidkick"),
  "an invitation that is taken back is told to the invitee",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    const { next_batch } = await syncUntil(bob, "the invitation", isInvited(roomId));
    await alice.call("kick", { path: { roomId }, body: { user_id: bob.userId } });
    await syncUntil(bob, "the end of the invitation", hasLeft(roomId), { since: next_batch });
    const again = await syncOnce(bob);
    mustEqual(again.rooms?.invite?.[roomId], undefined, "the invitation in a first sync");
  },
);

clause(
  clientApi("permissions"),
  "levels decide who speaks, invites, kicks and redacts",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({
      room_version: "11",
      power_level_content_override: {
        events_default: 10,
        invite: 20,
        events: { "org.example.free": 0, "org.example.dear": 30 },
      },
    });
    const send = (eventType: string) =>
      bob.request("sendMessage", {
        path: { roomId, eventType, txnId: unique("txn") },
        body: { msgtype: "m.text", body: "?" },
      });
    await mustBe403(send("m.room.message"));
    mustEqual((await send("org.example.free")).status, 200, "an event of level 0");
    const carol = await registerUser(theSubject(), "carol");
    await mustBe403(
      bob.request("inviteUser", { path: { roomId }, body: { user_id: carol.userId } }),
    );
    const levels = await alice.getState(roomId, "m.room.power_levels");
    const users = { ...(levels["users"] as object), [bob.userId]: 20 };
    await alice.setState(roomId, "m.room.power_levels", { ...levels, users });
    mustEqual((await send("m.room.message")).status, 200, "a message with level 20");
    await bob.invite(roomId, carol.userId);
    await mustBe403(send("org.example.dear"));
  },
);

clause(
  clientApi("size-limits"),
  "types and state keys of more than 255 bytes are refused",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const long = "x".repeat(256);
    await mustFail(
      alice.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.x", stateKey: long },
        body: {},
      }),
      [400, 413],
    );
    await mustFail(
      alice.request("sendMessage", {
        path: { roomId, eventType: long, txnId: unique("txn") },
        body: {},
      }),
      [400, 413],
    );
    const umlauts = "ü".repeat(128);
    await mustFail(
      alice.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.x", stateKey: umlauts },
        body: {},
      }),
      [400, 413],
    );
  },
);

clause(
  clientApi("event-annotations-and-reactions"),
  "the same reaction twice is M_DUPLICATE_ANNOTATION",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const event_id = await alice.send(roomId, "react to me");
    const react = (key: string) =>
      bob.request("sendMessage", {
        path: { roomId, eventType: "m.reaction", txnId: unique("txn") },
        body: { "m.relates_to": { rel_type: "m.annotation", event_id, key } },
      });
    mustEqual((await react("👍")).status, 200, "the first");
    await mustFail(react("👍"), 400, "M_DUPLICATE_ANNOTATION");
    mustEqual((await react("🎉")).status, 200, "another");
  },
);

clause(
  clientApi("get_matrixclientv3sync"),
  "a sync that says so makes its user offline, or leaves them as they are",
  async () => {
    const { alice, bob } = await roomOfTwo();
    await bob.call("sync", { query: { timeout: 0, set_presence: "online" } });
    const status = await alice.call("getPresence", { path: { userId: bob.userId } });
    mustEqual(status.presence, "online", "presence after a sync");
  },
);

clause(
  clientApi("redactions"),
  "a redacted state event is no longer what the room is called",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const eventId = await alice.setState(roomId, "m.room.name", { name: "an embarrassing name" });
    const redaction = await alice.call("redactEvent", {
      path: { roomId, eventId, txnId: unique("txn") },
      body: {},
    });
    await untilEvent(alice, roomId, redaction.event_id);
    mustEqual(await bob.getState(roomId, "m.room.name"), {}, "content");
    const { chunk } = (await bob.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "b", limit: 20 },
    })) as unknown as { chunk: ClientEvent[] };
    must(!JSON.stringify(chunk).includes("an embarrassing name"), "/messages still tells the name");
  },
);
