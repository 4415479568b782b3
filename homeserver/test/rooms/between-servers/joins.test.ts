import { describe, expect, test } from "vitest";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import { RemoteError } from "../../../src/federation-client/requests/remote-error.ts";
import { membershipIn } from "../../../src/storage/rooms/members.ts";
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

  // The server that let somebody in sends at once; the room is built from its answer later.
  test.each([
    ["to the server that joins", false],
    ["to another replica of it", true],
  ])("what is sent before the room is built is taken in after it: %s", async (_, isOther) => {
    const receiver = isOther ? await world.replica(b) : b;
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await say(a, alice, roomId, "one");
    world.pretend(a, "sendJoin", async (honest) => {
      const meanwhile = await say(a, alice, roomId, "meanwhile");
      const answer = await honest();
      const pdu = JSON.parse(await a.rooms.federation.event(b.name, meanwhile));
      const results = await receiver.rooms.federation.receive(a.name, [pdu]);
      expect(results).toEqual({ [meanwhile]: {} });
      return answer;
    });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    world.reset();
    await expect.poll(() => bodies(b, bob, roomId)).toEqual(["one", "meanwhile"]);
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
  });

  test("an invitation that is withdrawn while its join fails is gone", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "private_chat" });
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    world.pretend(a, "sendJoin", async () => {
      await a.rooms.members.kick({ by: alice, roomId, userId: bob.userId });
      const withdrawn = await a.rooms.history.stateEvent(
        alice.userId,
        roomId,
        "m.room.member",
        bob.userId,
      );
      const pdu = JSON.parse(withdrawn.event.json());
      await b.rooms.federation.receive(a.name, [pdu]);
      throw new RemoteError(a.name, 403, "M_FORBIDDEN", "no");
    });
    const join = b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await expect(join).rejects.toMatchObject({ status: 403 });
    world.reset();
    const membership = async () => {
      const room = await b.rooms.view.room(roomId);
      return (await membershipIn(b.db.sql, room!.nid, bob.userId))?.membership;
    };
    await expect.poll(membership).toBe("leave");
    expect(await b.db.sql`SELECT FROM staged_events`).toHaveLength(0);
  });
});
