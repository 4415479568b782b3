/** Rooms that this server is known to by an invite or a knock alone: whom it asks about them. */
import { beforeEach, expect, test } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { membershipAt } from "../support/what-it-has.ts";
import { startServers } from "../support/servers.ts";

const [world, a, b, c] = await startServers("a.test", "b.test", "c.test");
const [alice, bob, carol] = [a.user("alice"), b.user("bob"), c.user("carol")];
beforeEach(() => world.reset());

/** A room of alice's that carol is in. */
async function shared(version: string, rule: string): Promise<RoomId> {
  const roomId = await a.rooms.create.room(alice, {
    ...{ room_version: version, invite: [carol.userId] },
    initial_state: [{ type: "m.room.join_rules", content: { join_rule: rule } }],
  });
  await c.rooms.members.join({ by: carol, room: roomId });
  await world.flush();
  return roomId;
}

test.each(["10", "12"])(
  "an invite is accepted although the server that sent it is gone, in version %s",
  async (version) => {
    const roomId = await shared(version, "invite");
    await c.rooms.members.invite({ by: carol, roomId, userId: bob.userId });
    await world.flush();
    world.cut(b, c);
    await b.rooms.members.join({ by: bob, room: roomId });
    await world.flush();
    expect(await membershipAt(a, roomId, bob.userId)).toBe("join");
    expect(await membershipAt(b, roomId, bob.userId)).toBe("join");
  },
);

test.each(["10", "12"])(
  "a knock is taken back where it was taken, although the room's maker is gone, in version %s",
  async (version) => {
    const roomId = await shared(version, "knock");
    await b.rooms.members.knock({ by: bob, room: roomId, via: [c.name] });
    await world.flush();
    expect(await membershipAt(a, roomId, bob.userId)).toBe("knock");
    world.cut(a, b);
    await b.rooms.members.leave({ by: bob, roomId });
    world.heal();
    await world.flush();
    expect(await membershipAt(a, roomId, bob.userId)).toBe("leave");
    expect(await membershipAt(c, roomId, bob.userId)).toBe("leave");
  },
);
