import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { asText } from "../../harness/json.ts";
import {
  must,
  mustBe403,
  mustEqual,
  mustEqualAsSets,
  mustFail,
  mustMatch,
} from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import {
  hasLeft,
  isInvited,
  isJoined,
  isMember,
  syncOnce,
  syncToken,
  syncUntil,
} from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";

const two = () =>
  Promise.all([registerUser(theSubject(), "alice"), registerUser(theSubject(), "bob")] as const);

function membership(user: User, roomId: string, of: User) {
  return user.getState(roomId, "m.room.member", of.userId);
}

clause(
  clientApi("post_matrixclientv3roomsroomidinvite"),
  "an invitation reaches the invitee with stripped state, and can be accepted",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom({ name: "Behind the door" });
    await alice.invite(roomId, bob.userId);
    const body = await syncUntil(bob, "the invitation", isInvited(roomId));
    const events = (body.rooms?.invite?.[roomId]?.invite_state?.events ??
      []) as unknown as ClientEvent[];
    const types = events.map((event) => event.type);
    for (const type of ["m.room.create", "m.room.join_rules", "m.room.member", "m.room.name"]) {
      must(types.includes(type), `invite_state lacks ${type}: ${types.join()}`);
    }
    const own = events.find((event) => event.state_key === bob.userId);
    mustMatch(
      own,
      { sender: alice.userId, content: { membership: "invite" } },
      "the invitee's own event",
    );
    mustEqual(await bob.join(roomId), roomId, "room_id of the answer");
    await syncUntil(bob, "the joined room", isJoined(roomId), { since: body.next_batch });
    mustMatch(await membership(alice, roomId, bob), { membership: "join" }, "bob's membership");
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidleave"),
  "an invitation can be declined",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    const { next_batch } = await syncUntil(bob, "the invitation", isInvited(roomId));
    await bob.leave(roomId);
    await syncUntil(bob, "the left room", hasLeft(roomId), { since: next_batch });
    mustMatch(await membership(alice, roomId, bob), { membership: "leave" }, "bob's membership");
    await mustBe403(bob.request("joinRoomById", { path: { roomId } }));
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidjoin"),
  "a private room cannot be entered without an invitation",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom();
    await mustBe403(bob.request("joinRoomById", { path: { roomId } }));
    await mustFail(
      bob.request("joinRoom", {
        path: { roomIdOrAlias: unique("#none") + `:${theSubject().serverName}` },
      }),
      404,
    );
  },
);

clause(
  clientApi("post_matrixclientv3joinroomidoralias"),
  "a public room can be joined by alias, and twice does no harm",
  async () => {
    const [alice, bob] = await two();
    const alias = unique("pub");
    const roomId = await alice.createRoom({ preset: "public_chat", room_alias_name: alias });
    mustEqual(await bob.join(`#${alias}:${theSubject().serverName}`), roomId, "room_id");
    mustEqual(await bob.join(roomId), roomId, "room_id the second time");
    const { joined_rooms } = await bob.call("getJoinedRooms");
    mustEqual(joined_rooms, [roomId], "joined_rooms");
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidkick"),
  "a kick removes, says why, and needs power",
  async () => {
    const [alice, bob] = await two();
    const carol = await registerUser(theSubject(), "carol");
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    await carol.join(roomId);
    const since = await syncToken(bob);
    const kick = (user: User, victim: User) =>
      user.request("kick", { path: { roomId }, body: { user_id: victim.userId, reason: "noise" } });
    await mustBe403(kick(bob, carol));
    mustEqual((await kick(alice, bob)).status, 200, "status");
    const body = await syncUntil(bob, "the left room", hasLeft(roomId), { since });
    must(isMember(roomId, bob.userId, "leave")(body), "the left room does not show the kick");
    mustMatch(
      await membership(alice, roomId, bob),
      { membership: "leave", reason: "noise" },
      "bob's membership",
    );
    await mustBe403(
      bob.request("sendMessage", {
        path: { roomId, eventType: "m.room.message", txnId: unique("t") },
        body: { msgtype: "m.text", body: "hi" },
      }),
    );
  },
);

clause(
  clientApi("banning-users-in-a-room"),
  "who is banned can neither join nor be invited until unbanned",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    const body = { user_id: bob.userId, reason: "spam" };
    await mustBe403(bob.request("ban", { path: { roomId }, body: { user_id: alice.userId } }));
    await alice.call("ban", { path: { roomId }, body });
    mustMatch(
      await membership(alice, roomId, bob),
      { membership: "ban", reason: "spam" },
      "membership",
    );
    const refused = ["M_FORBIDDEN", "M_BAD_STATE"];
    await mustFail(bob.request("joinRoomById", { path: { roomId } }), 403, refused);
    const invite = { path: { roomId }, body: { user_id: bob.userId } };
    await mustFail(alice.request("inviteUser", invite), 403, refused);
    await alice.call("unban", { path: { roomId }, body: { user_id: bob.userId } });
    mustMatch(await membership(alice, roomId, bob), { membership: "leave" }, "membership");
    await bob.join(roomId);
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidunban"),
  "only who is banned can be unbanned",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    await mustFail(
      alice.request("unban", { path: { roomId }, body: { user_id: bob.userId } }),
      [400, 403],
      ["M_BAD_STATE", "M_FORBIDDEN"],
    );
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidinvite"),
  "a member cannot be invited again, and a stranger invites nobody",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    const body = { user_id: alice.userId };
    await mustBe403(bob.request("inviteUser", { path: { roomId }, body }));
    await bob.join(roomId);
    await mustBe403(
      alice.request("inviteUser", { path: { roomId }, body: { user_id: bob.userId } }),
    );
  },
);

clause(
  clientApi("post_matrixclientv3roomsroomidforget"),
  "a room can be forgotten after leaving only, and is gone then",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    await bob.send(roomId, "before leaving");
    await mustFail(bob.request("forgetRoom", { path: { roomId } }), 400, "M_UNKNOWN");
    await bob.leave(roomId);
    await bob.call("getRoomEvents", { path: { roomId }, query: { dir: "b" } });
    await bob.call("forgetRoom", { path: { roomId } });
    await mustBe403(bob.request("getRoomEvents", { path: { roomId }, query: { dir: "b" } }));
    const filter = JSON.stringify({ room: { include_leave: true } });
    const body = await syncOnce(bob, { filter });
    mustEqual(body.rooms?.leave?.[roomId], undefined, "the forgotten room in /sync");
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmembers"),
  "members can be listed whole, by membership, and as joined profiles",
  async () => {
    const [alice, bob] = await two();
    const carol = await registerUser(theSubject(), "carol");
    const roomId = await alice.createRoom({ preset: "public_chat", invite: [carol.userId] });
    await bob.call("setProfileField", {
      path: { userId: bob.userId, keyName: "displayname" },
      body: { displayname: "Bob the Builder" },
    });
    await bob.join(roomId);
    const members = async (query = {}) =>
      (
        (await alice.call("getMembersByRoom", { path: { roomId }, query }))
          .chunk as unknown as ClientEvent[]
      ).map((event) => `${event.state_key} ${asText(event.content["membership"])}`);
    const joined = [`${alice.userId} join`, `${bob.userId} join`];
    const invited = `${carol.userId} invite`;
    mustEqualAsSets(await members(), [...joined, invited], "all members");
    mustEqualAsSets(await members({ membership: "join" }), joined, "joined members");
    mustEqualAsSets(
      await members({ not_membership: "join" }),
      [invited],
      "members who are not joined",
    );
    const profiles = await alice.call("getJoinedMembersByRoom", { path: { roomId } });
    mustEqualAsSets(
      Object.keys(profiles.joined ?? {}),
      [alice.userId, bob.userId],
      "joined_members",
    );
    mustEqual(profiles.joined?.[bob.userId]?.display_name, "Bob the Builder", "display_name");
    await mustBe403(carol.request("getJoinedMembersByRoom", { path: { roomId } }));
  },
);

clause(
  clientApi("get_matrixclientv3roomsroomidmembers"),
  "who has left may list the members as they were then",
  async () => {
    const [alice, bob] = await two();
    const carol = await registerUser(theSubject(), "carol");
    const roomId = await alice.createRoom({ preset: "public_chat" });
    await bob.join(roomId);
    await bob.leave(roomId);
    await carol.join(roomId);
    const { chunk } = await bob.call("getMembersByRoom", { path: { roomId } });
    const members = (chunk as unknown as ClientEvent[]).map((event) => String(event.state_key));
    mustEqualAsSets(members, [alice.userId, bob.userId], "members when bob left");
  },
);

clause(
  clientApi("room-membership"),
  "a room that nobody knows can be neither read nor left",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = `!${unique("none")}:${theSubject().serverName}`;
    await mustFail(alice.request("getRoomState", { path: { roomId } }), [403, 404]);
    await mustFail(alice.request("leaveRoom", { path: { roomId } }), [403, 404]);
    await mustFail(alice.request("joinRoomById", { path: { roomId } }), [400, 403, 404]);
  },
);

clause(
  clientApi("restricted-rooms"),
  "members of another room may enter a restricted one, others may not",
  async () => {
    const [alice, bob] = await two();
    const carol = await registerUser(theSubject(), "carol");
    const hall = await alice.createRoom({ preset: "public_chat" });
    const roomId = await alice.createRoom({
      room_version: "11",
      initial_state: [
        {
          type: "m.room.join_rules",
          content: {
            join_rule: "restricted",
            allow: [{ type: "m.room_membership", room_id: hall }],
          },
        },
      ],
    });
    await bob.join(hall);
    await bob.join(roomId);
    mustMatch(
      await membership(alice, roomId, bob),
      { membership: "join", join_authorised_via_users_server: alice.userId },
      "bob's membership",
    );
    await mustBe403(carol.request("joinRoomById", { path: { roomId } }));
  },
);
