import { clause, theSubject } from "../../harness/clause.ts";
import { must, mustBe403, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { stateTypes } from "../../harness/room-state.ts";

clause(
  "rooms/v12#event-format",
  "a version 12 room is named after its create event, and has no server part",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom({ room_version: "12" });
    const state = await stateTypes(alice, roomId);
    const create = state.get("m.room.create|");
    mustEqual(roomId, `!${create?.event_id.slice(1)}`, "room id");
    must(/^![A-Za-z0-9_-]{43}$/.test(roomId), `"${roomId}" is no hash`);
    // Clients are told the room id of the create event too, though the event itself has none.
    mustEqual(create?.room_id, roomId, "the create event's room_id for clients");
  },
);

clause(
  "rooms/v12#authorisation-rules",
  "creators of a version 12 room are above all levels and stand in no list",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const carol = await registerUser(theSubject(), "carol");
    const roomId = await alice.createRoom({
      room_version: "12",
      preset: "public_chat",
      creation_content: { additional_creators: [bob.userId] },
      power_level_content_override: { users: { [carol.userId]: 100 } },
    });
    await bob.join(roomId);
    await carol.join(roomId);
    const levels = await alice.getState(roomId, "m.room.power_levels");
    const users = (levels["users"] ?? {}) as Record<string, number>;
    mustEqual([users[alice.userId], users[bob.userId]], [undefined, undefined], "creators' levels");
    const setLevels = (user: User, more: Record<string, number>) =>
      user.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.room.power_levels", stateKey: "" },
        body: { ...levels, users: { ...users, ...more } },
      });
    await mustFail(setLevels(alice, { [bob.userId]: 50 }), [400, 403]);
    mustEqual(
      (await setLevels(bob, { [carol.userId]: 99 })).status,
      200,
      "a creator lowers another's level",
    );
    const kick = (user: User, victim: User) =>
      user.request("kick", { path: { roomId }, body: { user_id: victim.userId } });
    await mustBe403(kick(carol, bob));
    mustEqual((await kick(bob, carol)).status, 200, "a creator kicks");
  },
);

clause(
  "rooms/v12#authorisation-rules",
  "trusted_private_chat makes invitees creators of a version 12 room",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const make = (room_version: string) =>
      alice.createRoom({ preset: "trusted_private_chat", invite: [bob.userId], room_version });
    const twelve = await make("12");
    const create = await alice.getState(twelve, "m.room.create");
    mustEqual(create["additional_creators"], [bob.userId], "additional_creators");
    const eleven = await make("11");
    const levels = await alice.getState(eleven, "m.room.power_levels");
    mustMatch(
      levels,
      { users: { [alice.userId]: 100, [bob.userId]: 100 } },
      "levels in version 11",
    );
  },
);
