import { describe, expect, test } from "vitest";
import type { RoomAlias, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { ROOM_VERSION_IDS } from "../../../src/protocol/room-versions.ts";
import { alice, bob, content, create, hq, world } from "./one-server.ts";

async function types(roomId: RoomId): Promise<string[]> {
  const page = await hq.rooms.history.messages(alice, roomId, { dir: "f", limit: 100 });
  return page.chunk.map((text) => JSON.parse(text).type);
}

describe("createRoom", () => {
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
