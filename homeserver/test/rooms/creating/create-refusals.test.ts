/** Rooms that are not made, and what is refused in those that are. */
import { describe, expect, test } from "vitest";
import type { RoomAlias, UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { alice, bob, content, create, hq } from "./one-server.ts";

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

  test("refuses unknown versions, wrong invitees and wrong aliases", async () => {
    await expect(create({ room_version: "99" })).rejects.toMatchObject({
      errcode: "M_UNSUPPORTED_ROOM_VERSION",
      status: 400,
    });
    await expect(create({ invite: ["bob"] })).rejects.toMatchObject({ status: 400 });
    await expect(create({ room_alias_name: "a:b" })).rejects.toMatchObject({ status: 400 });
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
