import { describe, expect, test } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { startServers } from "../support/servers.ts";
import { membershipAt } from "../support/what-it-has.ts";

const [world, hq] = await startServers("hq.test");
const [alice, bob] = [hq.user("alice"), hq.user("bob")];

const membershipOf = (user: Actor, roomId: RoomId) => membershipAt(hq, roomId, user.userId);

describe("membership", () => {
  test("an invite names the room and the member's profile, and can be rejected", async () => {
    const roomId = await hq.rooms.create.room(alice, {});
    await hq.rooms.members.invite({ by: alice, roomId, userId: bob.userId, isDirect: true });
    const room = await hq.rooms.view.room(roomId);
    const stripped = await hq.rooms.view.strippedState(room!.nid, bob.userId);
    expect(stripped).toContainEqual({
      type: "m.room.member",
      state_key: bob.userId,
      sender: alice.userId,
      content: { membership: "invite", displayname: "bob", is_direct: true },
    });
    await hq.rooms.members.leave({ by: bob, roomId });
    expect(await membershipOf(bob, roomId)).toBe("leave");
    await hq.rooms.members.leave({ by: bob, roomId });
  });

  test("join is refused without an invite, and done once", async () => {
    const roomId = await hq.rooms.create.room(alice, {});
    const join = { by: bob, room: roomId };
    await expect(hq.rooms.members.join(join)).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
    await hq.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    await hq.rooms.members.join(join);
    const before = hq.log.position;
    await hq.rooms.members.join(join);
    expect(hq.log.position).toBe(before);
  });

  test("kick, ban and unban check who is in, and who may", async () => {
    const roomId = await hq.rooms.create.room(alice, { preset: "public_chat" });
    const onBob = { by: alice, roomId, userId: bob.userId, reason: "enough" };
    const forbidden = { errcode: "M_FORBIDDEN" };
    await expect(hq.rooms.members.kick(onBob)).rejects.toMatchObject(forbidden);
    await hq.rooms.members.join({ by: bob, room: roomId });
    await expect(hq.rooms.members.unban(onBob)).rejects.toMatchObject(forbidden);
    await expect(
      hq.rooms.members.kick({ by: bob, roomId, userId: alice.userId }),
    ).rejects.toMatchObject(forbidden);
    await hq.rooms.members.ban(onBob);
    const member = await hq.rooms.history.stateEvent(
      alice.userId,
      roomId,
      "m.room.member",
      bob.userId,
    );
    expect(member.event.content).toMatchObject({ membership: "ban", reason: "enough" });
    await expect(hq.rooms.members.join({ by: bob, room: roomId })).rejects.toMatchObject(forbidden);
    await hq.rooms.members.unban(onBob);
    await hq.rooms.members.join({ by: bob, room: roomId });
    await hq.rooms.members.kick(onBob);
    expect(await membershipOf(bob, roomId)).toBe("leave");
  });

  test("forget is for rooms that one has left", async () => {
    const roomId = await hq.rooms.create.room(alice, { preset: "public_chat" });
    await hq.rooms.members.join({ by: bob, room: roomId });
    await expect(hq.rooms.members.forget(bob, roomId)).rejects.toMatchObject({ status: 400 });
    await hq.rooms.members.leave({ by: bob, roomId });
    await hq.rooms.members.forget(bob, roomId);
    const rows = await hq.rooms.view.membershipsOf(bob.userId);
    const room = await hq.rooms.view.room(roomId);
    expect(rows.some((row) => row.roomNid === room!.nid)).toBe(false);
    await expect(hq.rooms.history.state(bob.userId, roomId)).rejects.toMatchObject({ status: 403 });
    await hq.rooms.members.join({ by: bob, room: roomId });
    const again = await hq.rooms.view.membershipsOf(bob.userId);
    expect(again.find((row) => row.roomNid === room!.nid)?.forgotten).toBe(false);
  });

  test("who left a room that nobody else is in can come back", async () => {
    const roomId = await hq.rooms.create.room(alice, { preset: "public_chat" });
    await hq.rooms.members.leave({ by: alice, roomId });
    await hq.rooms.members.join({ by: alice, room: roomId });
    expect(await membershipOf(alice, roomId)).toBe("join");
  });

  test("a new name goes to every joined room", async () => {
    const names = new Map<string, string>();
    const other = await world.server("names.test", {
      profiles: { get: async (userId) => ({ displayname: names.get(userId) ?? "old" }) },
    });
    const dora = other.user("dora");
    const rooms = await Promise.all([1, 2].map(() => other.rooms.create.room(dora, {})));
    names.set(dora.userId, "new");
    await other.rooms.members.profileChanged(dora.userId);
    for (const roomId of rooms) {
      const members = await other.rooms.history.joinedMembers(dora.userId, roomId);
      expect(members.get(dora.userId)).toEqual({ display_name: "new", avatar_url: null });
    }
  });

  test("a knock is taken where the rule lets one, and taken back", async () => {
    const closed = await hq.rooms.create.room(alice, {});
    await expect(hq.rooms.members.knock({ by: bob, room: closed })).rejects.toMatchObject({
      errcode: "M_FORBIDDEN",
    });
    const roomId = await hq.rooms.create.room(alice, {
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    await hq.rooms.members.knock({ by: bob, room: roomId, reason: "please" });
    expect(await membershipOf(bob, roomId)).toBe("knock");
    await hq.rooms.members.leave({ by: bob, roomId });
    expect(await membershipOf(bob, roomId)).toBe("leave");
  });

  test("a restricted room lets members of the named room in, and nobody else", async () => {
    const lobby = await hq.rooms.create.room(alice, { preset: "public_chat" });
    const roomId = await hq.rooms.create.room(alice, {
      initial_state: [
        {
          type: "m.room.join_rules",
          content: {
            join_rule: "restricted",
            allow: [{ type: "m.room_membership", room_id: lobby }],
          },
        },
      ],
    });
    await expect(hq.rooms.members.join({ by: bob, room: roomId })).rejects.toMatchObject({
      errcode: "M_FORBIDDEN",
    });
    await hq.rooms.members.join({ by: bob, room: lobby });
    await hq.rooms.members.join({ by: bob, room: roomId });
    expect(await membershipOf(bob, roomId)).toBe("join");
  });
});
