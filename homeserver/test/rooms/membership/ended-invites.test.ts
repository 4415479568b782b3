/** How invites to rooms that this server is not in end. */
import { describe, expect, test } from "vitest";
import { membershipAt } from "../support/what-it-has.ts";
import { a, alice, b, bob, c, world } from "./outsiders.ts";

describe("an invite that is quicker than the answer before it", () => {
  test("is not undone by the knock that it answers", async () => {
    const roomId = await a.rooms.create.room(alice, {
      ...{ room_version: "10" },
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    world.pretend(a, "sendKnock", async (honest) => {
      const answer = await honest();
      await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
      return answer;
    });
    await b.rooms.members.knock({ by: bob, room: roomId, via: [a.name] });
    expect(await membershipAt(b, roomId, bob.userId)).toBe("invite");
    await b.rooms.members.join({ by: bob, room: roomId });
  });

  test("nor by the leave after which it was sent", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    const about = { by: alice, roomId, userId: bob.userId };
    await a.rooms.members.invite(about);
    world.pretend(a, "sendLeave", async (honest) => {
      const answer = await honest();
      await a.rooms.members.invite(about);
      return answer;
    });
    await b.rooms.members.leave({ by: bob, roomId });
    expect(await membershipAt(b, roomId, bob.userId)).toBe("invite");
    world.reset();
    await b.rooms.members.leave({ by: bob, roomId });
    expect(await membershipAt(b, roomId, bob.userId)).toBe("leave");
    expect(await membershipAt(a, roomId, bob.userId)).toBe("leave");
  });
});

describe("the end of an invite", () => {
  test("of another server's user concerns nobody who has left the room", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    const { userId } = c.user("dora");
    await a.rooms.members.invite({ by: alice, roomId, userId });
    await world.flush();
    await b.rooms.members.leave({ by: bob, roomId });
    await world.flush();
    await a.rooms.members.kick({ by: alice, roomId, userId });
    const there = (await a.rooms.view.room(roomId))!;
    const end = (await a.rooms.view.currentStateEvent(there.nid, "m.room.member", userId))!;
    const pdu = JSON.parse(end.event.json());
    const results = await b.rooms.federation.receive(a.name, [pdu]);
    expect(results[end.event.eventId]).toHaveProperty("error");
    expect(await membershipAt(b, roomId, userId)).toBe("invite");
  });

  test("is believed of who invited, and of nobody else on that server", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    const ann = a.user("ann");
    await a.rooms.members.invite({ by: alice, roomId, userId: ann.userId });
    await a.rooms.members.join({ by: ann, room: roomId });
    const about = { roomId, userId: bob.userId };
    await a.rooms.members.invite({ by: ann, ...about });
    await a.rooms.members.kick({ by: alice, ...about });
    await world.flush();
    expect(await membershipAt(b, roomId, bob.userId)).toBe("invite");
    await a.rooms.members.invite({ by: alice, ...about });
    await a.rooms.members.kick({ by: alice, ...about });
    await world.flush();
    expect(await membershipAt(b, roomId, bob.userId)).toBe("leave");
  });

  test("that comes after the next invite ends that one no more", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    const about = { by: alice, roomId, userId: bob.userId };
    await a.rooms.members.invite(about);
    // It waits in a's queue, and an invite does not.
    await a.rooms.members.kick(about);
    await a.rooms.members.invite(about);
    await world.flush();
    expect(await membershipAt(b, roomId, bob.userId)).toBe("invite");
    await a.rooms.members.kick(about);
    await world.flush();
    expect(await membershipAt(b, roomId, bob.userId)).toBe("leave");
  });
});
