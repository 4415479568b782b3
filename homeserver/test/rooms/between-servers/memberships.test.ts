import { describe, expect, test } from "vitest";
import { a, alice, b, bob, bodies, say, world } from "./two-servers.ts";
import { membershipAt, stateAt } from "../support/what-it-has.ts";

describe("two servers", () => {
  test("invite across, accept, and see the room before accepting", async () => {
    const roomId = await a.rooms.create.room(alice, { name: "Attic", invite: [bob.userId] });
    const bRoom = await b.rooms.view.room(roomId);
    const row = await b.rooms.view.membership(bRoom!.nid, bob.userId);
    expect(row?.membership).toBe("invite");
    const stripped = await b.rooms.view.strippedState(bRoom!.nid, bob.userId);
    expect(stripped).toContainEqual(
      expect.objectContaining({ type: "m.room.name", content: { name: "Attic" } }),
    );
    expect(stripped.at(-1)).toMatchObject({ type: "m.room.member", state_key: bob.userId });
    await b.rooms.members.join({ by: bob, room: roomId });
    await world.flush();
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
    await say(b, bob, roomId, "thanks");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toEqual(["thanks"]);
  });

  test("reject an invite, and hear that an invite is taken back", async () => {
    const first = await a.rooms.create.room(alice, { invite: [bob.userId] });
    await b.rooms.members.leave({ by: bob, roomId: first });
    expect(await membershipAt(b, first, bob.userId)).toBe("leave");
    expect(await membershipAt(a, first, bob.userId)).toBe("leave");

    const second = await a.rooms.create.room(alice, { invite: [bob.userId] });
    await a.rooms.members.kick({ by: alice, roomId: second, userId: bob.userId });
    await world.flush();
    expect(await membershipAt(b, second, bob.userId)).toBe("leave");
  });

  test("leave an invited room although its server is dead", async () => {
    const roomId = await a.rooms.create.room(alice, { invite: [bob.userId] });
    world.cut(a, b);
    await b.rooms.members.leave({ by: bob, roomId });
    expect(await membershipAt(b, roomId, bob.userId)).toBe("leave");
  });

  test("kick, ban, unban and come back", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    const change = { by: alice, roomId, userId: bob.userId };
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    await a.rooms.members.kick(change);
    await world.flush();
    await expect(say(b, bob, roomId, "still here?")).rejects.toMatchObject({ status: 403 });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    await say(b, bob, roomId, "back");
    await world.flush();
    await a.rooms.members.ban(change);
    await world.flush();
    await expect(
      b.rooms.members.join({ by: bob, room: roomId, via: [a.name] }),
    ).rejects.toMatchObject({ status: 403 });
    await a.rooms.members.unban(change);
    await world.flush();
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
    expect(await bodies(a, alice, roomId)).toEqual(["back"]);
  });

  test("knock and are let in", async () => {
    const roomId = await a.rooms.create.room(alice, {
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    await b.rooms.members.knock({ by: bob, room: roomId, via: [a.name] });
    expect(await membershipAt(b, roomId, bob.userId)).toBe("knock");
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    await b.rooms.members.join({ by: bob, room: roomId });
    await world.flush();
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
  });

  test("take a knock back, also where the room's identifier names no server", async () => {
    for (const roomVersion of ["11", "12"]) {
      const roomId = await a.rooms.create.room(alice, {
        room_version: roomVersion,
        initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
      });
      await b.rooms.members.knock({ by: bob, room: roomId, via: [a.name] });
      await b.rooms.members.leave({ by: bob, roomId });
      await world.flush();
      expect(await membershipAt(a, roomId, bob.userId)).toBe("leave");
    }
  });
});
