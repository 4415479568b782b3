/** Shadow bans: over the wire, with somebody who watches. */
import { describe, expect, test } from "vitest";
import type { Body, TestUser } from "../support/user.ts";
import {
  alice,
  bob,
  done,
  encoded,
  newcomer,
  other,
  refused,
  root,
  server,
  userPath,
  v1,
} from "./scene.ts";

const path = (userId: string) => v1(`/users/${encoded(userId)}/shadow_ban`);
const ban = (user: TestUser) => done("POST", path(user.userId));
const end = (user: TestUser) => done("DELETE", path(user.userId));

/** Somebody in a room with Alice. */
async function talker() {
  const user = await newcomer();
  const roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await user.call("POST", `/join/${encoded(roomId)}`, {});
  return { user, roomId, room: `/rooms/${encoded(roomId)}` };
}

/** What Alice is shown of the room, from the newest on. */
async function shown(room: string): Promise<Body[]> {
  return (await alice.call("GET", `${room}/messages?dir=b&limit=50`)).chunk;
}
const text = async (room: string) => JSON.stringify(await shown(room));

describe("who is shadow-banned", () => {
  test("is told that they said something, and nobody gets it, until it ends", async () => {
    const { user, roomId, room } = await talker();
    await user.send(roomId, "before");
    expect(await ban(user)).toEqual({});
    const send = `${room}/send/m.room.message/s1`;
    const first = await user.call("PUT", send, { msgtype: "m.text", body: "meanwhile" });
    expect(first.event_id).toMatch(/^\$[\w-]{43}$/);
    expect(await user.call("PUT", send, { msgtype: "m.text", body: "meanwhile" })).toEqual(first);
    const second = await user.send(roomId, "meanwhile, too");
    expect(second).not.toBe(first.event_id);
    const topic = await user.ask("PUT", `${room}/state/a.b`, { x: "meanwhile" });
    expect(topic.status).toBe(200);
    expect(await text(room)).not.toContain("meanwhile");
    expect(await end(user)).toEqual({});
    await user.send(roomId, "afterwards");
    const all = await text(room);
    expect([all.includes("before"), all.includes("afterwards")]).toEqual([true, true]);
    expect(all).not.toContain("meanwhile");
  });

  test("redacts nothing, types unseen, and shows no other name", async () => {
    const { user, roomId, room } = await talker();
    const said = await user.send(roomId, "stays");
    const { next_batch: since } = await alice.sync();
    await ban(user);
    await user.call("PUT", `${room}/redact/${encoded(said)}/r1`, {});
    await user.call("PUT", `${room}/typing/${encoded(user.userId)}`, {
      typing: true,
      timeout: 30_000,
    });
    const name = { displayname: "Other" };
    await user.call("PUT", `/profile/${encoded(user.userId)}/displayname`, name);
    const marker = await alice.send(roomId, "marker");
    const seen: string[] = [];
    await alice.syncUntil(since, (body) => {
      seen.push(JSON.stringify(body));
      return seen.at(-1)!.includes(marker);
    });
    expect(seen.join()).not.toMatch(/m\.room\.redaction|user_ids":\["@|Other/);
    expect(await text(room)).toContain("stays");
  });

  test("invites nobody, nor with a new room, which is otherwise made", async () => {
    const { user, room } = await talker();
    await ban(user);
    await user.call("POST", `${room}/invite`, { user_id: bob.userId });
    const invite = [bob.userId];
    const created = await user.call("POST", "/createRoom", { invite });
    expect((await user.call("GET", "/joined_rooms")).joined_rooms).toContain(created.room_id);
    const { memberships } = await done("GET", v1(`/users/${encoded(bob.userId)}/memberships`));
    expect(Object.values(memberships)).not.toContain("invite");
    const upgrade = `/rooms/${encoded(created.room_id)}/upgrade`;
    const answer = await user.ask("POST", upgrade, { new_version: "11" });
    expect([answer.status, answer.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
  });

  test("is refused what they may not do anyway, as ever", async () => {
    const { user } = await talker();
    await ban(user);
    const closed = (await alice.call("POST", "/createRoom", {})).room_id;
    const send = `/rooms/${encoded(closed)}/send/m.room.message/s1`;
    const answer = await user.ask("PUT", send, { msgtype: "m.text", body: "x" });
    expect([answer.status, answer.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    const nowhere = `/rooms/${encoded("!no:here.test")}/send/m.room.message/s1`;
    expect((await user.ask("PUT", nowhere, {})).status).toBeGreaterThanOrEqual(403);
  });

  test("is listed as such", async () => {
    const user = await newcomer();
    await ban(user);
    await ban(user);
    expect((await done("GET", userPath(user.userId))).shadow_banned).toBe(true);
    const list = await done("GET", "/_synapse/admin/v3/users?shadow_banned=true&limit=1000");
    expect(list.users.map((one: Body) => one.name)).toContain(user.userId);
    await end(user);
    expect((await done("GET", userPath(user.userId))).shadow_banned).toBe(false);
  });
});

test.each([
  ["of another server", "@x:elsewhere.test", 400, "M_INVALID_PARAM"],
  ["who is not there", "@nobody:{server}", 404, "M_NOT_FOUND"],
  ["who is another administrator", "@other:{server}", 403, "M_FORBIDDEN"],
  ["who asks", "@root:{server}", 403, "M_FORBIDDEN"],
])("nobody bans a user %s", async (_who, given, status, errcode) => {
  const userId = given.replace("{server}", server.name);
  expect([other.userId, root.userId]).toHaveLength(2);
  for (const method of ["POST", "DELETE"]) {
    expect(await refused(method, path(userId))).toEqual([status, errcode]);
  }
});
