import { describe, expect, test } from "vitest";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import { publicRoom } from "../support/servers.ts";
import { a, alice, b, bob, bodies, say, world } from "./two-servers.ts";
import { stateAt } from "../support/what-it-has.ts";

describe("two servers", () => {
  test("join by another server when the first is dead", async () => {
    const c = await world.server("c.test");
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
    world.cut(a, c);
    const carol = c.user("carol");
    await c.rooms.members.join({ by: carol, room: roomId, via: [a.name, b.name] });
    world.heal();
    await world.flush();
    await say(c, carol, roomId, "in");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toEqual(["in"]);
  });

  test("join a restricted room by a member who vouches", async () => {
    const lobby = await a.rooms.create.room(alice, { preset: "public_chat" });
    const roomId = await a.rooms.create.room(alice, {
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
    const join = { by: bob, room: roomId, via: [a.name] };
    await expect(b.rooms.members.join(join)).rejects.toMatchObject({ status: 403 });
    await b.rooms.members.join({ by: bob, room: lobby, via: [a.name] });
    await world.flush();
    await b.rooms.members.join(join);
    await world.flush();
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
    const member = await b.rooms.history.stateEvent(
      bob.userId,
      roomId,
      "m.room.member",
      bob.userId,
    );
    expect(member.event.content.join_authorised_via_users_server).toBe(alice.userId);
  });

  test("join a restricted room by another server when no user here can vouch", async () => {
    const lobby = await a.rooms.create.room(alice, { preset: "public_chat" });
    const roomId = await a.rooms.create.room(alice, {
      preset: "public_chat",
      power_level_content_override: { invite: 50 },
    });
    const ben = b.user("ben");
    await b.rooms.members.join({ by: ben, room: lobby, via: [a.name] });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await a.rooms.send.state({
      by: alice,
      roomId,
      type: "m.room.join_rules",
      stateKey: "",
      content: {
        join_rule: "restricted",
        allow: [{ type: "m.room_membership", room_id: lobby }],
      },
    });
    await world.flush();
    await b.rooms.members.join({ by: ben, room: roomId });
    await world.flush();
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
    await say(b, bob, roomId, "still here");
    await say(b, ben, roomId, "me too");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toEqual(["still here", "me too"]);
  });

  // The first of them is as deep as the join.
  test.each([
    ["one message", ["four"]],
    ["two messages", ["four", "five"]],
  ])("%s between make_join and send_join: who joins reads what was said", async (_, said) => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    for (const body of ["one", "two", "three"]) await say(a, alice, roomId, body);
    const meanwhile: EventId[] = [];
    world.pretend(a, "sendJoin", async (honest) => {
      for (const body of said) meanwhile.push(await say(a, alice, roomId, body));
      return honest();
    });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    world.reset();
    const newest = JSON.parse(await a.rooms.federation.event(b.name, meanwhile.at(-1)!));
    await b.rooms.federation.receive(a.name, [newest]);
    expect(await bodies(b, bob, roomId)).toEqual(["one", "two", "three", ...said]);
    await say(b, bob, roomId, "six");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toContain("six");
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
  });
});
