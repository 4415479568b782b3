import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { must, mustBe403, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import {
  hasLeft,
  isInvited,
  isMember,
  joinedRoom,
  syncOnce,
  syncToken,
  syncUntil,
  timelineOf,
  untilEvent,
} from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

const setMember = (user: User, roomId: string, stateKey: string, body: object) =>
  user.request("setRoomStateWithKey", {
    path: { roomId, eventType: "m.room.member", stateKey },
    body,
  });

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
  clientApi("room-membership"),
  "a name for one room only can be set in the member event",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await setMember(bob, roomId, bob.userId, { membership: "join", displayname: "Robert" });
    mustMatch(
      await alice.getState(roomId, "m.room.member", bob.userId),
      { displayname: "Robert" },
      "member",
    );
    const profile = (await alice.call("getUserProfile", { path: { userId: bob.userId } })) as {
      displayname?: string;
    };
    must(profile.displayname !== "Robert", "the profile has changed too");
  },
);

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
  clientApi("post_matrixclientv3accountdeactivate"),
  "who deactivates their account leaves their rooms",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    const { session } = await mustFail(bob.request("deactivateAccount", { body: {} }), 401);
    const identifier = { type: "m.id.user", user: bob.userId };
    const auth = { type: "m.login.password", identifier, password: bob.password, session };
    await bob.call("deactivateAccount", { body: { auth } });
    await syncUntil(alice, "bob's leave", isMember(roomId, bob.userId, "leave"), { since });
  },
);

clause(clientApi("profiles"), "a new name is told in every room that the user is in", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const second = await alice.createRoom({ preset: "public_chat" });
  await bob.join(second);
  const since = await syncToken(alice);
  await bob.call("setProfileField", {
    path: { userId: bob.userId, keyName: "displayname" },
    body: { displayname: "Bobby" },
  });
  const seen = new Set<string>();
  await syncUntil(
    alice,
    "the new name in both rooms",
    (body) => {
      for (const room of [roomId, second]) {
        const events = timelineOf(body, room);
        if (events.some((event) => event.content["displayname"] === "Bobby")) seen.add(room);
      }
      return seen.size === 2;
    },
    { since },
  );
});

clause(
  clientApi("get_matrixclientv3sync"),
  "unread counts of a thread stand by themselves for who asks for them",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const root = await alice.send(roomId, "the root");
    await bob.call("postReceipt", {
      path: { roomId, receiptType: "m.read", eventId: root },
      body: {},
    });
    await alice.send(roomId, {
      msgtype: "m.text",
      body: "in the thread",
      "m.relates_to": { rel_type: "m.thread", event_id: root },
    });
    await alice.send(roomId, "in the room");
    const filter = JSON.stringify({ room: { timeline: { unread_thread_notifications: true } } });
    const room = joinedRoom(
      await syncUntil(
        bob,
        "the thread's count",
        (body) =>
          joinedRoom(body, roomId)?.unread_thread_notifications?.[root]?.notification_count === 1,
        { query: { filter } },
      ),
      roomId,
    );
    mustEqual(room?.unread_notifications?.notification_count, 1, "the room's own count");
    const whole = joinedRoom(await syncOnce(bob), roomId);
    mustEqual(whole?.unread_notifications?.notification_count, 2, "the count without the filter");
  },
);

clause(
  clientApi("receiving-notifications"),
  "one's own message does not count, and an invitation does",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await bob.send(roomId, "my own words");
    const own = joinedRoom(await syncOnce(bob), roomId);
    mustEqual(own?.unread_notifications?.notification_count ?? 0, 0, "count of one's own message");
    const other = await alice.createRoom({ invite: [bob.userId] });
    const body = await syncUntil(bob, "the invitation", isInvited(other));
    must(body.rooms?.invite?.[other]?.invite_state, "no invite_state");
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
