import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoomAlias, RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { ROOM_VERSION_IDS } from "../../../src/protocol/room-versions.ts";
import type { Actor, CreateRoomOptions } from "../../../src/rooms/index.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let hq: TestServer;
let alice: Actor;
let bob: Actor;

beforeAll(async () => {
  world = createWorld();
  hq = await world.server("hq.test");
  alice = hq.user("alice");
  bob = hq.user("bob");
});
afterAll(() => world.close());

const create = (options: CreateRoomOptions) => hq.rooms.create.room(alice, options);

async function content(roomId: RoomId, type: string, key = ""): Promise<Record<string, unknown>> {
  const stored = await hq.rooms.history.stateEvent(alice.userId, roomId, type, key);
  return stored.event.content;
}

async function types(roomId: RoomId): Promise<string[]> {
  const page = await hq.rooms.history.messages(alice, roomId, { dir: "f", limit: 100 });
  return page.chunk.map((text) => JSON.parse(text).type);
}

describe("createRoom", () => {
  test("invites so many, by its list and by initial_state together, and makes nothing for one more", async () => {
    const strangers = Array.from(
      { length: 201 },
      (_, at) => `@u${at}:made-up-${at}.test` as UserId,
    );
    const state = (user: UserId) => ({
      type: "m.room.member",
      state_key: user,
      content: { membership: "invite" },
    });
    for (const [listed, stated] of [
      [201, 0],
      [0, 201],
      [100, 101],
    ] as const) {
      const options = {
        room_alias_name: "crowd",
        invite: strangers.slice(0, listed),
        initial_state: strangers.slice(listed, listed + stated).map(state),
      };
      await expect(create(options)).rejects.toMatchObject({
        status: 400,
        errcode: "M_INVALID_PARAM",
      });
    }
    const alias = "#crowd:hq.test" as RoomAlias;
    await expect(hq.rooms.directory.resolve(alias)).rejects.toMatchObject({
      errcode: "M_NOT_FOUND",
    });
  });

  test("sends everything in the specification's order", async () => {
    const roomId = await create({
      room_alias_name: "attic",
      name: "Attic",
      topic: "dust",
      invite: [bob.userId],
      initial_state: [{ type: "org.example.a", state_key: "k", content: { x: 1 } }],
      creation_content: { "m.federate": false, type: "m.space", creator: "@eve:hq.test" },
    });
    expect(await types(roomId)).toEqual([
      "m.room.create",
      "m.room.member",
      "m.room.power_levels",
      "m.room.canonical_alias",
      "m.room.join_rules",
      "m.room.history_visibility",
      "m.room.guest_access",
      "org.example.a",
      "m.room.name",
      "m.room.topic",
      "m.room.member",
    ]);
    expect(await content(roomId, "m.room.create")).toEqual({
      room_version: "12",
      "m.federate": false,
      type: "m.space",
    });
    expect(await content(roomId, "m.room.canonical_alias")).toEqual({ alias: "#attic:hq.test" });
    const found = await hq.rooms.directory.resolve("#attic:hq.test" as RoomAlias);
    expect(found).toEqual({ roomId, servers: ["hq.test"] });
    await expect(create({ room_alias_name: "attic" })).rejects.toMatchObject({
      errcode: "M_ROOM_IN_USE",
      status: 400,
    });
  });

  test.each([
    ["private_chat", "invite", "can_join"],
    ["trusted_private_chat", "invite", "can_join"],
    ["public_chat", "public", undefined],
  ] as const)("%s sets join rule and guest access", async (preset, rule, guests) => {
    const roomId = await create({ preset });
    expect(await content(roomId, "m.room.join_rules")).toEqual({ join_rule: rule });
    // Without one guests stay out.
    if (guests === undefined) expect(await types(roomId)).not.toContain("m.room.guest_access");
    else expect(await content(roomId, "m.room.guest_access")).toEqual({ guest_access: guests });
    expect(await content(roomId, "m.room.history_visibility")).toEqual({
      history_visibility: "shared",
    });
  });

  test("derives the preset from the visibility, and lets initial state overrule it", async () => {
    const roomId = await create({
      visibility: "public",
      initial_state: [{ type: "m.room.guest_access", content: { guest_access: "can_join" } }],
    });
    expect(await content(roomId, "m.room.join_rules")).toEqual({ join_rule: "public" });
    expect(await content(roomId, "m.room.guest_access")).toEqual({ guest_access: "can_join" });
    expect(await hq.rooms.directory.isPublished(roomId)).toBe(true);
  });

  test.each(ROOM_VERSION_IDS)(
    "gives trusted invitees the creator's power in version %s",
    async (v) => {
      const roomId = await create({
        room_version: v,
        preset: "trusted_private_chat",
        invite: [bob.userId],
        is_direct: true,
      });
      await hq.rooms.members.join({ by: bob, room: roomId });
      await hq.rooms.send.state({
        by: bob,
        roomId,
        type: "m.room.server_acl",
        stateKey: "",
        content: { allow: ["*"] },
      });
      const invited = await content(roomId, "m.room.create");
      expect(invited.room_version).toBe(v);
      if (v === "12") expect(invited.additional_creators).toEqual([bob.userId]);
    },
  );

  test("overrides power levels key by key, and refuses a state that can't come about", async () => {
    const roomId = await create({ power_level_content_override: { events_default: 25 } });
    const levels = await content(roomId, "m.room.power_levels");
    expect(levels).toMatchObject({ events_default: 25, state_default: 50, users: {} });
    await expect(
      create({
        room_version: "11",
        name: "no",
        power_level_content_override: { users: { [alice.userId]: 10 } },
      }),
    ).rejects.toMatchObject({ errcode: "M_INVALID_ROOM_STATE", status: 400 });
    await expect(
      create({ power_level_content_override: { users: { [alice.userId]: 100 } } }),
    ).rejects.toMatchObject({ errcode: "M_INVALID_ROOM_STATE" });
  });

  test("refuses unknown versions, wrong invitees, wrong aliases and third-party invites", async () => {
    await expect(create({ room_version: "99" })).rejects.toMatchObject({
      errcode: "M_UNSUPPORTED_ROOM_VERSION",
      status: 400,
    });
    await expect(create({ invite: ["bob"] })).rejects.toMatchObject({ status: 400 });
    await expect(create({ room_alias_name: "a:b" })).rejects.toMatchObject({ status: 400 });
    await expect(create({ invite_3pid: [{}] })).rejects.toMatchObject({ status: 403 });
  });

  test("takes no second create event and no levels that the version forbids, whoever sends them", async () => {
    await expect(
      create({ initial_state: [{ type: "m.room.create", content: {} }] }),
    ).rejects.toMatchObject({ errcode: "M_INVALID_ROOM_STATE", status: 400 });
    const roomId = await create({});
    const state = (type: string, body: JsonObject) =>
      hq.rooms.send.state({ by: alice, roomId, type, stateKey: "", content: body });
    const bad = { errcode: "M_BAD_JSON", status: 400 };
    await expect(state("m.room.create", {})).rejects.toMatchObject(bad);
    const users = { [alice.userId]: 100 };
    await expect(state("m.room.power_levels", { users })).rejects.toMatchObject(bad);
    await expect(state("m.room.power_levels", { kick: "50" })).rejects.toMatchObject(bad);
    const asStranger = { by: bob, roomId, type: "m.room.power_levels", stateKey: "" };
    await expect(hq.rooms.send.state({ ...asStranger, content: { users } })).rejects.toMatchObject({
      errcode: "M_FORBIDDEN",
      status: 403,
    });
  });

  test("sends member events of the initial state as the operations would", async () => {
    const other = await world.server("other.test");
    const olga = other.user("olga");
    const member = (userId: string, body: JsonObject) => ({
      ...{ type: "m.room.member", state_key: userId, content: body },
    });
    const roomId = await create({
      initial_state: [
        member(olga.userId, { membership: "invite", displayname: "O" }),
        member("@eve:hq.test", { membership: "ban", third_party_invite: { signed: {} } }),
      ],
    });
    // The other server was asked, and knows.
    const there = await other.rooms.view.room(roomId);
    const row = await other.rooms.view.membership(there!.nid, olga.userId);
    expect(row?.membership).toBe("invite");
    const olgas = await content(roomId, "m.room.member", olga.userId);
    expect(olgas).toEqual({ membership: "invite", displayname: "O" });
    expect(await content(roomId, "m.room.member", "@eve:hq.test")).toEqual({ membership: "ban" });
  });

  test("leaves no alias behind when the room is refused", async () => {
    await expect(
      create({
        room_alias_name: "ghost",
        power_level_content_override: { users: { [alice.userId]: 1 } },
      }),
    ).rejects.toThrow();
    await create({ room_alias_name: "ghost" });
  });
});

describe("m.room.canonical_alias at creation", () => {
  const withAlias = (content: JsonObject) => ({
    room_alias_name: "loft",
    initial_state: [{ type: "m.room.canonical_alias", content }],
  });

  test("names the alias that is made along, and no other", async () => {
    await create({ room_alias_name: "taken" });
    for (const [content, errcode] of [
      [{ alias: "#taken:hq.test" }, "M_BAD_ALIAS"],
      [{ alias: "#loft:hq.test", alt_aliases: ["#nobody:hq.test"] }, "M_BAD_ALIAS"],
      [{ alias: "no alias" }, "M_INVALID_PARAM"],
      [{ alt_aliases: "#loft:hq.test" }, "M_INVALID_PARAM"],
    ] as const) {
      await expect(create(withAlias(content as JsonObject))).rejects.toMatchObject({
        ...{ errcode, status: 400 },
      });
    }
    const roomId = await create(withAlias({ alias: "#loft:hq.test" }));
    expect(await content(roomId, "m.room.canonical_alias")).toEqual({ alias: "#loft:hq.test" });
  });
});

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
