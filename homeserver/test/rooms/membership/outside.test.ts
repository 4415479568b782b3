import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import type { RoomId, ServerName, UserId } from "../../../src/protocol/identifiers.ts";
import { parseLoose, type JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createServersApart, membershipAt } from "../support/three-servers.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let c: TestServer;
let alice: Actor;
let bob: Actor;
let ben: Actor;

beforeAll(async () => {
  const made = await createServersApart();
  [a, b, c] = made.servers;
  ({ world, alice, bob } = made);
  ben = b.user("ben");
});
beforeEach(() => world.reset());
afterAll(() => world.close());

/** A member event of the server's, in a room of which it need know nothing. */
function forged(
  from: TestServer,
  version: string,
  roomId: RoomId,
  target: UserId,
  membership: string,
) {
  return buildEvent(
    {
      roomId,
      ...{ type: "m.room.member", stateKey: target, sender: from.user("mallory").userId },
      ...{ content: { membership }, depth: 5, originServerTs: Date.now() },
      ...{ prevEventIds: [], authEventIds: [] },
    },
    roomVersion(version)!,
    from.name,
    from.key,
  );
}

function invite(
  from: TestServer,
  version: string,
  roomId: RoomId,
  target: UserId,
  inviteRoomState: JsonObject[] = [],
) {
  const event = forged(from, version, roomId, target, "invite");
  const body = { event: event.pdu, roomVersion: version, inviteRoomState };
  return b.rooms.federation.invite(from.name, roomId, event.eventId, body);
}

describe("the version of a room that this server is not in", () => {
  test("is a claim: a forged invite of another shuts nobody out", async () => {
    for (const version of ["10", "3", "1"]) {
      const roomId = await a.rooms.create.room(alice, {
        ...{ preset: "public_chat", room_version: version },
      });
      const lie = version === "10" ? "9" : "10";
      await invite(c, lie, roomId, ben.userId);
      expect(await membershipAt(b, roomId, ben.userId)).toBe("invite");
      // An honest invite is taken beside it, and so is a join.
      await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
      expect(await membershipAt(b, roomId, bob.userId)).toBe("invite");
      await b.rooms.members.join({ by: bob, room: roomId });
      await world.flush();
      expect((await b.rooms.view.room(roomId))!.version.id).toBe(version);
      await b.rooms.send.message({
        by: bob,
        roomId,
        type: "m.room.message",
        content: { body: "hi" },
      });
      await world.flush();
      const room = await a.rooms.view.room(roomId);
      expect(await a.rooms.view.joinedMembers(room!.nid)).toContain(bob.userId);
      // The forged one can be declined still, and a lie is refused by now.
      await b.rooms.members.leave({ by: ben, roomId });
      expect(await membershipAt(b, roomId, ben.userId)).toBe("leave");
      await expect(invite(c, lie, roomId, ben.userId)).rejects.toMatchObject({
        errcode: "M_INCOMPATIBLE_ROOM_VERSION",
      });
    }
  });

  test("is not believed of who lets in, when what it tells is of another", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat", room_version: "10" });
    await c.rooms.members.join({ by: c.user("carol"), room: roomId, via: [a.name] });
    world.pretend(c, "makeJoin", async (honest) => ({ ...(await honest()), room_version: "9" }));
    await expect(
      b.rooms.members.join({ by: bob, room: roomId, via: [c.name] }),
    ).rejects.toMatchObject({ status: 502 });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    const room = (await b.rooms.view.room(roomId))!;
    expect(room.version.id).toBe("10");
    // What the lie brought is read by the room's version as well.
    for (const stored of await b.rooms.view.currentState(room.nid)) {
      expect(stored.event.version.id).toBe("10");
    }
    // A known version is not argued about either: the next server is asked.
    await b.rooms.members.leave({ by: bob, roomId });
    await world.flush();
    await b.rooms.members.join({ by: bob, room: roomId, via: [c.name, a.name] });
    expect(await membershipAt(b, roomId, bob.userId)).toBe("join");
  });
});

describe("what an invite shows of a room", () => {
  const unknown = "!unknown:c.test" as RoomId;
  const shown = async (roomId: RoomId) => {
    const room = await b.rooms.view.room(roomId);
    return b.rooms.view.strippedState(room!.nid, bob.userId);
  };
  const state = (type: string, content: JsonObject, state_key = "") => ({
    ...{ type, content, state_key, sender: "@mallory:c.test" },
  });

  test("is of the known types, one each, and bounded", async () => {
    const big = "x".repeat(70_000);
    await invite(c, "11", unknown, bob.userId, [
      state("m.room.name", { name: "first" }),
      state("m.room.name", { name: "second" }),
      state("org.example.other", { a: 1 }),
      state("m.room.topic", { topic: big }),
      state("m.room.member", { membership: "join" }, "@mallory:c.test"),
      state("m.room.member", { membership: "join" }, "@other:c.test"),
      state("m.room.create", { room_version: "11" }),
      { junk: true },
    ]);
    const events = await shown(unknown);
    expect(events.map(({ type, state_key }) => [type, state_key])).toEqual([
      ["m.room.create", ""],
      ["m.room.member", "@mallory:c.test"],
      ["m.room.name", ""],
      ["m.room.member", bob.userId],
    ]);
    expect(events[2]!.content).toEqual({ name: "first" });
    const types = ["name", "canonical_alias", "join_rules", "encryption", "avatar", "topic"];
    await invite(c, "11", unknown, bob.userId, [
      ...types.map((type) => state(`m.room.${type}`, { big: big.slice(0, 60_000) })),
    ]);
    expect(JSON.stringify(await shown(unknown)).length).toBeLessThan(330_000);
  });

  test("is checked in version 12: PDUs of the room, signed, the create event among them", async () => {
    const roomId = await c.rooms.create.room(c.user("mallory"), { name: "Den" });
    const there = (await c.rooms.view.room(roomId))!;
    const pdus = (await c.rooms.view.currentState(there.nid)).map(({ event }) => event.pdu);
    const bad = { errcode: "M_INVALID_PARAM", status: 400 };
    const by = (entries: JsonObject[]) => invite(c, "12", roomId, bob.userId, entries);
    await expect(by([])).rejects.toMatchObject(bad);
    await expect(by(pdus.filter((pdu) => pdu.type !== "m.room.create"))).rejects.toMatchObject(bad);
    await expect(by([...pdus, state("m.room.name", { name: "x" })])).rejects.toMatchObject(bad);
    const create = pdus.find((pdu) => pdu.type === "m.room.create")!;
    const name = pdus.find((pdu) => pdu.type === "m.room.name")!;
    const changed = { ...name, content: { name: "Bank" } };
    await expect(by([create, changed])).rejects.toMatchObject(bad);
    const other = await c.rooms.create.room(c.user("mallory"), { name: "Bank" });
    const elsewhere = (await c.rooms.view.room(other))!;
    const foreign = (await c.rooms.view.currentState(elsewhere.nid)).map(({ event }) => event.pdu);
    await expect(by([create, ...foreign])).rejects.toMatchObject(bad);
    expect(await membershipAt(b, roomId, bob.userId)).toBeUndefined();
    await by(pdus);
    expect((await shown(roomId)).find(({ type }) => type === "m.room.name")?.content).toEqual({
      name: "Den",
    });
  });

  test("waits for an answer so often from one server, and no more", async () => {
    const room = (i: number) => `!room${i}:c.test` as RoomId;
    const zoe = b.user("zoe");
    for (let i = 0; i < 50; i++) await invite(c, "10", room(i), zoe.userId);
    const full = { errcode: "M_FORBIDDEN", status: 403 };
    await expect(invite(c, "10", room(50), zoe.userId)).rejects.toMatchObject(full);
    // The same room again, and other servers, are no more than before.
    await invite(c, "10", room(0), zoe.userId);
    await invite(a, "10", "!x:a.test" as RoomId, zoe.userId);
    await b.rooms.members.leave({ by: zoe, roomId: room(0) });
    await invite(c, "10", room(50), zoe.userId);
  });
});

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
