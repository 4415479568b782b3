import type { JsonObject } from "../../harness/json.ts";
import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { eventually, mustBe403, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { hasLeft, isInvited, syncToken, syncUntil } from "../../harness/sync.ts";
import { registerUser, type User } from "../../harness/users.ts";

const KNOCK = clientApi("post_matrixclientv3knockroomidoralias");
const UPGRADE = clientApi("post_matrixclientv3roomsroomidupgrade");

const two = () =>
  Promise.all([registerUser(theSubject(), "alice"), registerUser(theSubject(), "bob")] as const);

function roomWhereOneKnocks(alice: User, more: object = {}): Promise<string> {
  return alice.createRoom({
    name: "Behind the door",
    initial_state: [{ type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } }],
    ...more,
  });
}

const knock = (user: User, roomIdOrAlias: string, body: object = {}) =>
  user.request("knockRoom", { path: { roomIdOrAlias }, body });

clause(
  KNOCK,
  "who knocks is seen with their reason, told what the room shows, and can be let in",
  async () => {
    const [alice, bob] = await two();
    const roomId = await roomWhereOneKnocks(alice);
    const answer = await knock(bob, roomId, { reason: "it rains" });
    mustMatch(answer, { status: 200, body: { room_id: roomId } }, "the answer");
    const seen = await alice.getState(roomId, "m.room.member", bob.userId);
    mustMatch(seen, { membership: "knock", reason: "it rains" }, "what alice sees");
    const body = await syncUntil(
      bob,
      "the knock",
      ({ rooms }) => rooms?.knock?.[roomId] !== undefined,
    );
    const shown = body.rooms?.knock?.[roomId]?.knock_state?.events ?? [];
    mustEqual(
      shown.some(({ type }) => type === "m.room.name"),
      true,
      "the name is shown",
    );
    await alice.invite(roomId, bob.userId);
    await syncUntil(bob, "the invite", isInvited(roomId), { since: body.next_batch });
    mustEqual(await bob.join(roomId), roomId, "room_id");
  },
);

clause(KNOCK, "a knock can be taken back, and turned down", async () => {
  const [alice, bob] = await two();
  const roomId = await roomWhereOneKnocks(alice);
  await knock(bob, roomId);
  await bob.leave(roomId);
  mustMatch(
    await alice.getState(roomId, "m.room.member", bob.userId),
    { membership: "leave" },
    "the knock that was taken back",
  );
  await knock(bob, roomId);
  const since = await syncToken(bob);
  await alice.call("kick", { path: { roomId }, body: { user_id: bob.userId } });
  await syncUntil(bob, "that it was turned down", hasLeft(roomId), { since });
});

clause(KNOCK, "where nobody may knock, or not this user, it is M_FORBIDDEN", async () => {
  const [alice, bob] = await two();
  const closed = await alice.createRoom({ preset: "private_chat" });
  await mustBe403(knock(bob, closed));
  const open = await roomWhereOneKnocks(alice);
  await alice.call("ban", { path: { roomId: open }, body: { user_id: bob.userId } });
  await mustBe403(knock(bob, open));
  const old = await roomWhereOneKnocks(alice, { room_version: "6" });
  await mustBe403(knock(bob, old));
});

clause(UPGRADE, "an upgraded room points to a new one that has what it had", async () => {
  const [alice, bob] = await two();
  const roomId = await alice.createRoom({
    preset: "public_chat",
    room_version: "10",
    name: "Moving",
    topic: "boxes",
  });
  await bob.join(roomId);
  const { replacement_room: next } = await alice.call("upgradeRoom", {
    path: { roomId },
    body: { new_version: "11" },
  });
  const pointer = await bob.getState(roomId, "m.room.tombstone");
  mustMatch(pointer, { replacement_room: next }, "the pointer");
  mustEqual(await bob.join(next), next, "room_id");
  const created = await bob.getState(next, "m.room.create");
  mustMatch(created, { room_version: "11", predecessor: { room_id: roomId } }, "the create event");
  for (const type of ["m.room.name", "m.room.topic", "m.room.join_rules", "m.room.power_levels"]) {
    const [before, after] = [await alice.getState(roomId, type), await alice.getState(next, type)];
    if (type !== "m.room.power_levels") mustEqual(after, before, type);
    else mustEqual(after["users"], before["users"], "the levels of users");
  }
  await mustBe403(
    bob.request("sendMessage", {
      path: { roomId, eventType: "m.room.message", txnId: "late" },
      body: { msgtype: "m.text", body: "too late" },
    }),
  );
});

clause(
  UPGRADE,
  "who follows an upgrade finds their tags, push rules and direct chats moved along",
  async () => {
    const [alice, bob] = await two();
    const roomId = await alice.createRoom({ preset: "public_chat", room_version: "10" });
    await bob.join(roomId);
    for (const user of [alice, bob]) {
      const tag = { userId: user.userId, roomId, tag: "m.favourite" };
      await user.call("setRoomTag", { path: tag, body: { order: 0.5 } });
      const rule = { kind: "room" as const, ruleId: roomId };
      await user.call("setPushRule", { path: rule, body: { actions: [] } });
      const direct = { userId: user.userId, type: "m.direct" };
      await user.call("setAccountData", { path: direct, body: { [alice.userId]: [roomId] } });
    }
    const { replacement_room: next } = await alice.call("upgradeRoom", {
      path: { roomId },
      body: { new_version: "11" },
    });
    await bob.join(next);
    for (const user of [alice, bob]) {
      await eventually(`what ${user.userId} has set for the room`, async () => {
        const path = { userId: user.userId, roomId: next };
        const { tags } = await user.call("getRoomTags", { path });
        const { actions } = await user.call("getPushRule", {
          path: { kind: "room", ruleId: next },
        });
        const direct = { userId: user.userId, type: "m.direct" };
        const chats: JsonObject = await user.call("getAccountData", { path: direct });
        const isChat = (chats[alice.userId] as string[]).includes(next);
        return tags?.["m.favourite"]?.order === 0.5 && actions.length === 0 && isChat;
      });
    }
  },
);

clause(UPGRADE, "versions that are not known are refused, and who may not", async () => {
  const [alice, bob] = await two();
  const roomId = await alice.createRoom({ preset: "public_chat" });
  await bob.join(roomId);
  const upgrade = (user: User, version: string) =>
    user.request("upgradeRoom", { path: { roomId }, body: { new_version: version } });
  await mustFail(upgrade(alice, "none.such"), 400, "M_UNSUPPORTED_ROOM_VERSION");
  await mustBe403(upgrade(bob, "11"));
});

clause(
  UPGRADE,
  "levels move along as they are: who upgrades takes nothing from the owner",
  async () => {
    const [alice, bob] = await two();
    const users = { [alice.userId]: 150, [bob.userId]: 60 };
    const roomId = await alice.createRoom({
      ...{ room_version: "10", preset: "public_chat" },
      power_level_content_override: { users, events: { "m.room.tombstone": 60 } },
    });
    await bob.join(roomId);
    const answer = await bob.request("upgradeRoom", {
      path: { roomId },
      body: { new_version: "11" },
    });
    mustEqual(answer.status, 200, "status");
    const { replacement_room: next } = answer.body as { replacement_room: string };
    const levels = await bob.getState(next, "m.room.power_levels");
    mustEqual(levels["users"], users, "users");
  },
);
