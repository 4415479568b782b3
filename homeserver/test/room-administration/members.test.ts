import { describe, expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import { admin, alice, ask, at, bob, done, join, room, set } from "./scene.ts";

const own = (roomId: string, rest = "") =>
  `/_weft/admin/rooms/${encodeURIComponent(roomId)}/members${rest}`;
const of = (roomId: string, userId: string, rest = "") =>
  own(roomId, `/${encodeURIComponent(userId)}${rest}`);
const joinPath = (roomId: string) => `/_synapse/admin/v1/join/${encodeURIComponent(roomId)}`;
const membership = async (roomId: string, userId: string) => {
  const { state } = await done("GET", at(roomId, "/state?type=m.room.member"));
  return state.find((one: Body) => one.state_key === userId)?.content.membership;
};
const NOBODY = { status: 400, body: { errcode: "M_UNKNOWN" } };

describe("making users join", () => {
  test("a public room, by its identifier or alias, and a private one by an invite", async () => {
    const open = await room(alice, { preset: "public_chat", room_alias_name: "joinme" });
    const shut = await room(alice, { preset: "private_chat" });
    const here = alice.userId.split(":").slice(1).join(":");
    for (const [path, roomId] of [
      [`#joinme:${here}`, open],
      [shut, shut],
    ] as const) {
      const body = { user_id: bob.userId };
      expect(await done("POST", joinPath(path), { body })).toEqual({ room_id: roomId });
      expect(await membership(roomId, bob.userId)).toBe("join");
    }
  });

  test("is refused for other servers' users, unknown ones, and rooms that nobody can open", async () => {
    const roomId = await room(alice, { preset: "private_chat", room_version: "10" });
    await set(alice, roomId, "m.room.power_levels", {
      invite: 100,
      users: { [alice.userId]: 100 },
    });
    await alice.call("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
    const refusals = [
      [roomId, { user_id: "@x:elsewhere.test" }, 400, "M_UNKNOWN"],
      [roomId, { user_id: bob.userId.replace("bob", "nobody") }, 404, "M_NOT_FOUND"],
      [roomId, { user_id: bob.userId }, 403, "M_FORBIDDEN"],
      [roomId, {}, 400, "M_MISSING_PARAM"],
      ["nothing", { user_id: bob.userId }, 400, "M_INVALID_PARAM"],
    ] as const;
    for (const [path, body, status, errcode] of refusals) {
      const answer = await ask("POST", joinPath(path), { body });
      expect(answer, JSON.stringify([path, body])).toMatchObject({ status, body: { errcode } });
    }
  });
});

describe("power in a room", () => {
  test.each(["10", "12"])(
    "is given to an administrator of the server (version %s)",
    async (version) => {
      const roomId = await room(alice, { preset: "private_chat", room_version: version });
      await done("POST", at(roomId, "/make_room_admin"), { body: {} });
      expect(await membership(roomId, admin.userId)).toBe("invite");
      await join(admin, roomId);
      const { members } = await done("GET", own(roomId));
      expect(members).toMatchObject([
        { user_id: alice.userId, power_level: version === "12" ? null : 100 },
        { user_id: admin.userId, power_level: 100, is_creator: false },
      ]);
      // Who has it already keeps it.
      await done("POST", at(roomId, "/make_room_admin"), { body: { user_id: alice.userId } });
    },
  );

  test("is set, unless nobody here may, or the user made the room", async () => {
    const roomId = await room(alice, { preset: "public_chat", room_version: "12" });
    await join(bob, roomId);
    await done("PUT", of(roomId, bob.userId), { body: { power_level: 50 } });
    expect((await done("GET", own(roomId))).members[1]).toMatchObject({
      ...{ user_id: bob.userId, power_level: 50, is_local: true },
    });
    const made = await ask("PUT", of(roomId, alice.userId), { body: { power_level: 0 } });
    expect(made).toMatchObject(NOBODY);
    await alice.call("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
    const answer = await ask("PUT", of(roomId, bob.userId), { body: { power_level: 60 } });
    expect(answer).toMatchObject(NOBODY);
    expect(await ask("POST", at(roomId, "/make_room_admin"), { body: {} })).toMatchObject(NOBODY);
    expect((await ask("POST", at("!none:a.test", "/make_room_admin"), { body: {} })).status).toBe(
      404,
    );
  });

  test("orders the members, who are found by name, membership and server, page by page", async () => {
    const roomId = await room(alice, { preset: "public_chat" });
    await join(bob, roomId);
    await join(admin, roomId);
    await done("PUT", of(roomId, bob.userId), { body: { power_level: -5 } });
    const ids = async (query: string): Promise<string[]> =>
      (await done("GET", own(roomId, query))).members.map((one: Body) => one.user_id);
    expect(await ids("?limit=1")).toEqual([alice.userId]);
    expect(await done("GET", own(roomId, "?limit=1&from=1"))).toMatchObject({
      ...{ total: 3, next_batch: 2, members: [{ user_id: bob.userId, power_level: -5 }] },
    });
    expect(await ids("?search_term=oo")).toEqual([admin.userId]);
    expect(await ids("?local=false")).toEqual([]);
    await done("POST", of(roomId, bob.userId, "/remove"), { body: { reason: "out" } });
    expect(await ids("?membership=leave")).toEqual([bob.userId]);
    expect((await ask("GET", own("!none:a.test"))).status).toBe(404);
  });
});

test("somebody is removed, or banned by who may; nobody is removed twice", async () => {
  const roomId = await room(alice, { preset: "public_chat" });
  await join(bob, roomId);
  await done("POST", of(roomId, bob.userId, "/remove"), { body: {} });
  expect(await membership(roomId, bob.userId)).toBe("leave");
  expect((await ask("POST", of(roomId, bob.userId, "/remove"), { body: {} })).status).toBe(404);
  await done("POST", of(roomId, bob.userId, "/remove"), { body: { ban: true } });
  expect(await membership(roomId, bob.userId)).toBe("ban");
  // She may leave, but nobody is more powerful than she is.
  const ban = await ask("POST", of(roomId, alice.userId, "/remove"), { body: { ban: true } });
  expect(ban).toMatchObject(NOBODY);
  await done("POST", of(roomId, alice.userId, "/remove"), { body: {} });
  expect(await membership(roomId, alice.userId)).toBe("leave");
});
