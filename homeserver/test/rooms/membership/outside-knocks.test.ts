/** Knocks, joins and leaves by way of other servers, in rooms that this one is not in. */
import { describe, expect, test } from "vitest";
import type { RoomId, ServerName } from "../../../src/protocol/identifiers.ts";
import { parseLoose, type JsonObject } from "../../../src/protocol/json.ts";
import { membershipAt } from "../support/what-it-has.ts";
import { a, alice, b, bob, c, forged, world } from "./outsiders.ts";

describe("a knock through another server", () => {
  async function knocked(version: string): Promise<RoomId> {
    const roomId = await a.rooms.create.room(alice, {
      ...{ room_version: version, name: "Den" },
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    await b.rooms.members.knock({ by: bob, room: roomId, via: [a.name] });
    return roomId;
  }

  test("is answered with PDUs, of which the bad ones are not shown in version 12", async () => {
    world.pretend(a, "sendKnock", async (honest) => {
      const { knock_room_state: entries } = (await honest()) as { knock_room_state: JsonObject[] };
      expect(entries.every((entry) => entry.signatures !== undefined)).toBe(true);
      expect(entries[0]!.type).toBe("m.room.create");
      const { signatures: _signatures, ...unsigned } = entries.find(
        (entry) => entry.type === "m.room.name",
      )!;
      return {
        knock_room_state: [...entries.filter(({ type }) => type !== unsigned.type), unsigned],
      };
    });
    for (const [version, isShown] of [
      ["12", false],
      ["11", true],
    ] as const) {
      const roomId = await knocked(version);
      const room = await b.rooms.view.room(roomId);
      const types = (await b.rooms.view.strippedState(room!.nid, bob.userId)).map(
        ({ type }) => type,
      );
      expect(types).toContain("m.room.create");
      expect(types.includes("m.room.name")).toBe(isShown);
    }
  });

  test("shows nothing of which the sender is nobody, or which no client could read", async () => {
    world.pretend(a, "sendKnock", async (honest) => {
      const { knock_room_state: entries } = (await honest()) as { knock_room_state: JsonObject[] };
      const name = entries.find(({ type }) => type === "m.room.name")!;
      const others = entries.filter(({ type }) => type !== "m.room.name");
      const topic = { ...name, type: "m.room.topic", sender: "somebody" };
      const unreadable = JSON.stringify({ ...name, content: { name: "half" } });
      const half = parseLoose(unreadable.replace("half", String.raw`\ud800`));
      return { knock_room_state: [topic, half as JsonObject, ...others] };
    });
    const roomId = await knocked("11");
    const room = await b.rooms.view.room(roomId);
    const shown = await b.rooms.view.strippedState(room!.nid, bob.userId);
    expect(shown.map(({ type }) => type as string).toSorted()).toEqual([
      ...["m.room.create", "m.room.join_rules", "m.room.member"],
    ]);
  });

  test("is ended by the server that took it, and by no other", async () => {
    const roomId = await knocked("10");
    await world.flush();
    const end = forged(c, "10", roomId, bob.userId, "leave");
    const results = await b.rooms.federation.receive(c.name, [end.pdu]);
    expect(results[end.eventId]).toHaveProperty("error");
    expect(await membershipAt(b, roomId, bob.userId)).toBe("knock");
    await a.rooms.members.kick({ by: alice, roomId, userId: bob.userId });
    await world.flush();
    expect(await membershipAt(b, roomId, bob.userId)).toBe("leave");
  });
});

describe("a knock that a third server's user ends", () => {
  test.each(["leave", "ban"])("is ended where it was made: %s", async (end) => {
    const roomId = await a.rooms.create.room(alice, {
      ...{ room_version: "10", invite: ["@carol:c.test"] },
      power_level_content_override: { users: { [alice.userId]: 100, "@carol:c.test": 60 } },
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    const carol = c.user("carol");
    await c.rooms.members.join({ by: carol, room: roomId });
    await world.flush();
    await b.rooms.members.knock({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    const about = { by: carol, roomId, userId: bob.userId };
    await (end === "ban" ? c.rooms.members.ban(about) : c.rooms.members.kick(about));
    await world.flush();
    expect(await membershipAt(b, roomId, bob.userId)).toBe(end);
  });
});

describe("what another server took", () => {
  test("is not sent again by this one: a join, and a join of a second user", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await c.rooms.members.join({ by: c.user("carol"), room: roomId, via: [a.name] });
    await world.flush();
    const sent: unknown[] = [];
    const unfollow = b.log.follow({
      phase: "readers",
      kinds: ["event"],
      take(records) {
        for (const { local, handedOver, event } of records) {
          if (local && !handedOver) sent.push(event);
        }
      },
    });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    unfollow();
    expect(sent).toEqual([]);
    await world.flush();
    for (const server of [a, c]) {
      expect(await membershipAt(server, roomId, bob.userId)).toBe("join");
    }
    // The database says the same to a sender that begins anew.
    const rows = await b.db.sql<{ handedOver: boolean }[]>`
      SELECT handed_over AS "handedOver" FROM events
      WHERE sender = ${bob.userId} AND position IS NOT NULL`;
    expect(rows.map((row) => row.handedOver)).toContain(true);
  });

  test("is known: a leave that nobody could be told of is told when it is asked for again", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    world.cut(a, b);
    await b.rooms.members.leave({ by: bob, roomId });
    await b.rooms.members.leave({ by: bob, roomId });
    expect(await membershipAt(a, roomId, bob.userId)).toBe("invite");
    world.heal();
    await b.rooms.members.leave({ by: bob, roomId });
    expect(await membershipAt(a, roomId, bob.userId)).toBe("leave");
    world.calls.clear();
    await b.rooms.members.leave({ by: bob, roomId });
    expect(world.calls.get("makeLeave" satisfies string as ServerName)).toBeUndefined();
  });

  test("is of the room's version: a leave by another server's template of another is none of ours", async () => {
    const roomId = await a.rooms.create.room(alice, { room_version: "11" });
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    world.pretend(a, "makeLeave", async (honest) => ({
      ...(await honest()),
      room_version: "9",
    }));
    world.calls.clear();
    await b.rooms.members.leave({ by: bob, roomId });
    expect(world.calls.get("sendLeave" satisfies string as ServerName)).toBeUndefined();
    expect(await membershipAt(b, roomId, bob.userId)).toBe("leave");
    const room = await b.rooms.view.room(roomId);
    const rows = await b.db.sql<{ version: string | null }[]>`
      SELECT version FROM events WHERE room_nid = ${room!.nid} AND version = '9'`;
    expect(rows).toEqual([]);
  });
});
