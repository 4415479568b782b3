/** What an upgraded room's successor keeps of its name, rules, power and aliases. */
import { describe, expect, test } from "vitest";
import type { RoomAlias, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { alice, bob, content, create, hq } from "./one-server.ts";

describe("upgrade", () => {
  test.each([
    ["1", "12"],
    ["10", "11"],
    ["12", "11"],
    ["12", "12"],
  ])("from version %s to %s keeps name, rules, power and aliases", async (from, to) => {
    const alias = `old${from}to${to}`;
    const oldId = await create({
      room_version: from,
      preset: "public_chat",
      visibility: "public",
      name: "Attic",
      room_alias_name: alias,
      creation_content: { type: "m.space" },
      power_level_content_override: {
        users: { ...(from === "12" ? {} : { [alice.userId]: 100 }), [bob.userId]: 40 },
      },
    });
    await hq.rooms.members.join({ by: bob, room: oldId });
    await expect(hq.rooms.create.upgrade(bob, oldId, to)).rejects.toMatchObject({ status: 403 });
    const newId = await hq.rooms.create.upgrade(alice, oldId, to);
    expect(await content(oldId, "m.room.tombstone")).toMatchObject({ replacement_room: newId });
    const made = await content(newId, "m.room.create");
    expect(made).toMatchObject({
      room_version: to,
      type: "m.space",
      predecessor: { room_id: oldId },
    });
    expect(await content(newId, "m.room.name")).toEqual({ name: "Attic" });
    expect(await content(newId, "m.room.join_rules")).toEqual({ join_rule: "public" });
    const levels = await content(newId, "m.room.power_levels");
    expect(levels.users).toEqual({
      ...(to === "12" ? {} : { [alice.userId]: 100 }),
      [bob.userId]: 40,
    });
    const found = await hq.rooms.directory.resolve(`#${alias}:hq.test` as RoomAlias);
    expect(found.roomId).toBe(newId);
    expect(await hq.rooms.directory.isPublished(newId)).toBe(true);
    expect(await hq.rooms.directory.isPublished(oldId)).toBe(false);
    await expect(
      hq.rooms.send.message({
        by: bob,
        roomId: oldId,
        type: "m.room.message",
        content: { body: "still here" },
      }),
    ).rejects.toMatchObject({ status: 403 });
  });

  /** An old room's `users`, who upgrades, and the new room's. */
  const ADA = "@ada:hq.test";
  const OWNER = "@alice:hq.test";
  async function upgraded(
    from: string,
    to: string,
    levels: JsonObject,
    by: Actor,
    creators: string[] = [],
  ): Promise<JsonObject> {
    const oldId = await create({
      ...{ room_version: from, preset: "public_chat", name: "Attic" },
      power_level_content_override: levels,
    });
    await hq.rooms.members.join({ by: bob, room: oldId });
    const newId = await hq.rooms.create.upgrade(by, oldId, to, creators);
    const state = await hq.rooms.history.stateEvent(by.userId, newId, "m.room.power_levels", "");
    const name = await hq.rooms.history.stateEvent(by.userId, newId, "m.room.name", "");
    expect(name.event.content).toEqual({ name: "Attic" });
    return state.event.content;
  }

  test("an admin who upgrades takes nothing from the owner", async () => {
    const users = { [OWNER]: 150, [bob.userId]: 120, [ADA]: 120 };
    const events = { "m.room.tombstone": 110, "m.room.power_levels": 150 };
    const levels = await upgraded("10", "11", { users, events, ban: 75 }, bob);
    expect(levels).toMatchObject({ users, events, ban: 75 });
    const twelve = await upgraded("10", "12", { users, events }, bob);
    // Creators of version 12 stand above all levels and in none.
    expect(twelve.users).toEqual({ [OWNER]: 150, [ADA]: 120 });
    expect(twelve.events).toEqual({ ...events, "m.room.tombstone": 150 });
  });

  test("a moderator who may upgrade remains one", async () => {
    const users = { [OWNER]: 100, [bob.userId]: 50 };
    const levels = await upgraded("9", "11", { users, events: { "m.room.tombstone": 50 } }, bob);
    expect(levels.users).toEqual(users);
  });

  test("levels that were digits become integers where only these count", async () => {
    const users = { [OWNER]: "100", [bob.userId]: " 50 " };
    const levels = await upgraded("9", "10", { users, invite: "25", kick: [] }, alice);
    expect(levels.users).toEqual({ [OWNER]: 100, [bob.userId]: 50 });
    expect(levels.invite).toBe(25);
    expect(levels).not.toHaveProperty("kick");
    // Fractions counted up to version 5 and can't be written from version 6 on.
    const six = await upgraded("5", "6", { users: { [OWNER]: 100 }, invite: 25.5 }, alice);
    expect(six.invite).toBe(25);
  });

  test("creators come above everybody in a version without them, and are set anew in one with them", async () => {
    const users = { [bob.userId]: 100 };
    const eleven = await upgraded("12", "11", { users }, alice);
    expect(eleven.users).toEqual({ [OWNER]: 150, [bob.userId]: 100 });
    expect(eleven.events).toMatchObject({ "m.room.tombstone": 150 });
    const twelve = await upgraded("12", "12", { users }, alice, [bob.userId]);
    expect(twelve.users).toEqual({});
  });

  test("a room that one never was in is not found, whether or not it exists", async () => {
    const closed = await create({});
    for (const roomId of [closed, "!nowhere:hq.test" as RoomId]) {
      await expect(hq.rooms.create.upgrade(bob, roomId, "12")).rejects.toMatchObject({
        errcode: "M_NOT_FOUND",
        status: 404,
      });
    }
  });
});
