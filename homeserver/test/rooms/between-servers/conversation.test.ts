import { describe, expect, test } from "vitest";
import { ROOM_VERSION_IDS } from "../../../src/protocol/room-versions.ts";
import { publicRoom } from "../support/servers.ts";
import { eventually } from "../../support/wait.ts";
import { a, alice, b, bob, bodies, say, world } from "./two-servers.ts";
import { stateAt } from "../support/what-it-has.ts";

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
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
  });

  test("fetch what was lost on the way", async () => {
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
    world.reset();
    await world.lose(() => say(a, alice, roomId, "lost 1"));
    await world.lose(() => say(a, alice, roomId, "lost 2"));
    await say(a, alice, roomId, "arrived");
    await world.flush();
    expect(world.calls.get("missingEvents")).toBe(1);
    expect(await bodies(b, bob, roomId)).toEqual(["lost 1", "lost 2", "arrived"]);
  });

  test("place an event after a gap by the state that is told, and fill the gap on the way back", async () => {
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
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
    // The server answers a transaction before it has fetched all that it lacks, if that takes long.
    await eventually(
      "it has arrived",
      async () => (await bodies(b, bob, roomId)).at(-1) === "arrived",
    );
    expect(world.calls.get("stateIds")).toBeGreaterThan(0);
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
    expect(await bodies(b, bob, roomId)).toEqual(await bodies(a, alice, roomId));
  });

  test("read what was said while away, in its place, after coming back", async () => {
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
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
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
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
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
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
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
    const member = await a.rooms.history.stateEvent(
      alice.userId,
      roomId,
      "m.room.member",
      bob.userId,
    );
    expect(member.event.content.membership).toBe("ban");
    await say(a, alice, roomId, "after");
    await world.flush();
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
  });
});
