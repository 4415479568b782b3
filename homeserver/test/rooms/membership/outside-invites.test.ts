/** Invites to rooms that this server is not in: what is believed of them and shown, and how they end. */
import { describe, expect, test } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { type JsonObject } from "../../../src/protocol/json.ts";
import { membershipAt } from "../support/what-it-has.ts";
import { a, alice, b, ben, bob, c, invite, world } from "./outsiders.ts";

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
