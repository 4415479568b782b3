import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { ROOM_VERSION_IDS } from "../../../src/protocol/room-versions.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let alice: Actor;
let bob: Actor;

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  b = await world.server("b.test");
  alice = a.user("alice");
  bob = b.user("bob");
});
beforeEach(() => world.reset());
afterAll(() => world.close());

async function say(server: TestServer, by: Actor, roomId: RoomId, body: string): Promise<EventId> {
  const content = { msgtype: "m.text", body };
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content });
}

async function bodies(server: TestServer, by: Actor, roomId: RoomId): Promise<string[]> {
  const page = await server.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  return page.chunk
    .map((text) => JSON.parse(text))
    .filter((event) => event.type === "m.room.message")
    .map((event) => event.content.body)
    .toReversed();
}

/** State as sorted lines, to compare servers. */
async function stateOf(server: TestServer, roomId: RoomId): Promise<string[]> {
  const room = await server.rooms.view.room(roomId);
  const state = await server.rooms.view.currentState(room!.nid);
  return state.map(({ event }) => `${event.type} ${event.stateKey} ${event.eventId}`).toSorted();
}

describe("two servers", () => {
  test.each(ROOM_VERSION_IDS)("converse in a room of version %s", async (version) => {
    const roomId = await a.rooms.create.room(alice, {
      preset: "public_chat",
      room_version: version,
    });
    await say(a, alice, roomId, "before");
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    await say(b, bob, roomId, "from b");
    await world.flush();
    await say(a, alice, roomId, "from a");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toEqual(["before", "from b", "from a"]);
    expect(await bodies(b, bob, roomId)).toEqual(["before", "from b", "from a"]);
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
  });

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
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
    await say(b, bob, roomId, "thanks");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toEqual(["thanks"]);
  });

  test("reject an invite, and hear that an invite is taken back", async () => {
    const first = await a.rooms.create.room(alice, { invite: [bob.userId] });
    await b.rooms.members.leave({ by: bob, roomId: first });
    const room = await b.rooms.view.room(first);
    expect((await b.rooms.view.membership(room!.nid, bob.userId))?.membership).toBe("leave");
    const atA = await a.rooms.view.room(first);
    expect((await a.rooms.view.membership(atA!.nid, bob.userId))?.membership).toBe("leave");

    const second = await a.rooms.create.room(alice, { invite: [bob.userId] });
    await a.rooms.members.kick({ by: alice, roomId: second, userId: bob.userId });
    await world.flush();
    const other = await b.rooms.view.room(second);
    expect((await b.rooms.view.membership(other!.nid, bob.userId))?.membership).toBe("leave");
  });

  test("leave an invited room although its server is dead", async () => {
    const roomId = await a.rooms.create.room(alice, { invite: [bob.userId] });
    world.cut(a, b);
    await b.rooms.members.leave({ by: bob, roomId });
    const room = await b.rooms.view.room(roomId);
    expect((await b.rooms.view.membership(room!.nid, bob.userId))?.membership).toBe("leave");
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
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
    expect(await bodies(a, alice, roomId)).toEqual(["back"]);
  });

  test("join by another server when the first is dead", async () => {
    const c = await world.server("c.test");
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
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
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
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
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
    await say(b, bob, roomId, "still here");
    await say(b, ben, roomId, "me too");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toEqual(["still here", "me too"]);
  });

  test("knock and are let in", async () => {
    const roomId = await a.rooms.create.room(alice, {
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    await b.rooms.members.knock({ by: bob, room: roomId, via: [a.name] });
    const atB = await b.rooms.view.room(roomId);
    expect((await b.rooms.view.membership(atB!.nid, bob.userId))?.membership).toBe("knock");
    await a.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    await b.rooms.members.join({ by: bob, room: roomId });
    await world.flush();
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
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
      const atA = await a.rooms.view.room(roomId);
      expect((await a.rooms.view.membership(atA!.nid, bob.userId))?.membership).toBe("leave");
    }
  });

  test("fetch what was lost on the way", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    world.reset();
    await world.lose(() => say(a, alice, roomId, "lost 1"));
    await world.lose(() => say(a, alice, roomId, "lost 2"));
    await say(a, alice, roomId, "arrived");
    await world.flush();
    expect(world.calls.get("missingEvents")).toBe(1);
    expect(await bodies(b, bob, roomId)).toEqual(["lost 1", "lost 2", "arrived"]);
  });

  test("place an event after a gap by the state that is told, and fill the gap on the way back", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    for (let i = 0; i < 60; i++) await world.lose(() => say(a, alice, roomId, `lost ${i}`));
    await world.lose(() =>
      a.rooms.send.state({
        by: alice,
        roomId,
        type: "m.room.topic",
        stateKey: "",
        content: { topic: "lost too" },
      }),
    );
    for (let i = 60; i < 90; i++) await world.lose(() => say(a, alice, roomId, `lost ${i}`));
    await say(a, alice, roomId, "arrived");
    await world.flush();
    expect(world.calls.get("stateIds")).toBeGreaterThan(0);
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
    expect(await bodies(b, bob, roomId)).toEqual(await bodies(a, alice, roomId));
  });

  test("read what was said while away, in its place, after coming back", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    await say(a, alice, roomId, "one");
    await world.flush();
    await b.rooms.members.leave({ by: bob, roomId });
    await world.flush();
    for (let i = 0; i < 120; i++) await world.lose(() => say(a, alice, roomId, `away ${i}`));
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    await say(a, alice, roomId, "two");
    await world.flush();
    const all: string[] = [];
    let from: string | undefined;
    do {
      const page = await b.rooms.history.messages(bob, roomId, { dir: "b", limit: 20, from });
      all.push(...page.chunk.flatMap((text) => JSON.parse(text).content.body ?? []));
      from = page.end;
    } while (from !== undefined);
    const away = Array.from({ length: 120 }, (_, i) => `away ${i}`);
    expect(all.toReversed()).toEqual(["one", ...away, "two"]);
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
  });

  test("hide what the history visibility hides, also when it is fetched later", async () => {
    const roomId = await a.rooms.create.room(alice, {
      preset: "public_chat",
      initial_state: [
        { type: "m.room.history_visibility", content: { history_visibility: "joined" } },
      ],
    });
    await say(a, alice, roomId, "hidden");
    await a.rooms.send.state({
      by: alice,
      roomId,
      type: "m.room.history_visibility",
      stateKey: "",
      content: { history_visibility: "shared" },
    });
    await say(a, alice, roomId, "shown");
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    expect(await bodies(b, bob, roomId)).toEqual(["shown"]);
  });

  test("agree after a fork in which both changed power and banned one another", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    const levels = await a.rooms.history.stateEvent(
      alice.userId,
      roomId,
      "m.room.power_levels",
      "",
    );
    const power = (users: Record<string, number>) => ({
      roomId,
      type: "m.room.power_levels",
      stateKey: "",
      content: { ...levels.event.content, users },
    });
    await a.rooms.send.state({ by: alice, ...power({ [bob.userId]: 100 }) });
    await world.flush();
    world.cut(a, b);
    await a.rooms.send.state({ by: alice, ...power({ [bob.userId]: 50 }) });
    await a.rooms.members.ban({ by: alice, roomId, userId: bob.userId });
    await say(a, alice, roomId, "a alone");
    await b.rooms.send.state({ by: bob, ...power({ [bob.userId]: 100, "@eve:b.test": 50 }) });
    await expect(
      b.rooms.members.ban({ by: bob, roomId, userId: alice.userId }),
    ).rejects.toMatchObject({ status: 403 });
    await say(b, bob, roomId, "b alone");
    world.heal();
    await world.flush();
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
    const member = await a.rooms.history.stateEvent(
      alice.userId,
      roomId,
      "m.room.member",
      bob.userId,
    );
    expect(member.event.content.membership).toBe("ban");
    await say(a, alice, roomId, "after");
    await world.flush();
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
  });
});
