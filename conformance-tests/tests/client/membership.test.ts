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
import { hasLeft, isMember, syncOnce, syncToken, syncUntil } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { membership, two } from "./members.ts";

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
