import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { must, mustBe403, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { hasLeft, isInvited, isJoined, syncUntil } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { membership, two } from "./members.ts";

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
