/** What administrators read about users besides their accounts: over the wire. */
import { describe, expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import {
  alice,
  bob,
  done,
  encoded,
  idOf,
  newcomer,
  newName,
  refused,
  server,
  userPath,
  v1,
} from "./scene.ts";

const of = (userId: string, rest: string) => v1(`/users/${encoded(userId)}/${rest}`);

describe("rooms of a user", () => {
  test("are listed, with those that they have left or are invited to", async () => {
    const user = await newcomer();
    const since = Date.now();
    const [own, left] = [
      (await user.call("POST", "/createRoom", {})).room_id,
      (await user.call("POST", "/createRoom", {})).room_id,
    ];
    const invited = (await bob.call("POST", "/createRoom", { invite: [user.userId] })).room_id;
    await user.call("POST", `/rooms/${encoded(left)}/leave`, {});
    expect(await done("GET", of(user.userId, "joined_rooms"))).toEqual({
      ...{ joined_rooms: [own], total: 1 },
    });
    expect((await done("GET", of(user.userId, "memberships"))).memberships).toEqual({
      ...{ [own]: "join", [left]: "leave", [invited]: "invite" },
    });
    const count = (path: string, ts: number) =>
      done("GET", of(user.userId, `${path}?from_ts=${ts}`));
    expect(await count("cumulative_joined_room_count", 0)).toEqual({
      cumulative_joined_room_count: 2,
    });
    expect(await count("cumulative_joined_room_count", since - 1)).toEqual({
      cumulative_joined_room_count: 2,
    });
    expect(await count("cumulative_joined_room_count", Date.now() + 60_000)).toEqual({
      cumulative_joined_room_count: 0,
    });
  });

  test("and the invites that they have sent are counted", async () => {
    const user = await newcomer();
    const invite = [alice.userId, bob.userId];
    const roomId = (await user.call("POST", "/createRoom", { invite })).room_id;
    await user.call("POST", `/rooms/${encoded(roomId)}/kick`, { user_id: bob.userId });
    const path = of(user.userId, "sent_invite_count");
    expect(await done("GET", `${path}?from_ts=0`)).toEqual({ invite_count: 2 });
    const later = Date.now() + 60_000;
    expect(await done("GET", `${path}?from_ts=${later}`)).toEqual({ invite_count: 0 });
    expect(await refused("GET", path)).toEqual([400, "M_MISSING_PARAM"]);
    expect(await refused("GET", `${path}?from_ts=-1`)).toEqual([400, "M_INVALID_PARAM"]);
  });

  test("are none of somebody who is not known", async () => {
    expect(await done("GET", of("@x:elsewhere.test", "joined_rooms"))).toEqual({
      ...{ joined_rooms: [], total: 0 },
    });
    expect(await done("GET", of(idOf("nobody"), "memberships"))).toEqual({ memberships: {} });
    expect(await refused("GET", of("nobody", "joined_rooms"))).toEqual([400, "M_INVALID_PARAM"]);
  });
});

describe("data of a user", () => {
  test("are account data of all kinds", async () => {
    const user = await newcomer();
    const roomId = (await user.call("POST", "/createRoom", {})).room_id;
    const path = `/user/${encoded(user.userId)}`;
    await user.call("PUT", `${path}/account_data/a.b`, { x: 1 });
    await user.call("PUT", `${path}/account_data/__proto__`, { y: 2 });
    await user.call("PUT", `${path}/rooms/${encoded(roomId)}/account_data/c.d`, { z: 3 });
    const { account_data: data } = await done("GET", of(user.userId, "accountdata"));
    expect(data.global["a.b"]).toEqual({ x: 1 });
    expect(Object.keys(data.global)).toContain("__proto__");
    expect(data.global).toHaveProperty(["m.push_rules"]);
    expect(data.rooms).toEqual({ [roomId]: { "c.d": { z: 3 } } });
  });

  test("are pushers", async () => {
    const user = await newcomer();
    expect(await done("GET", of(user.userId, "pushers"))).toEqual({ pushers: [], total: 0 });
    const pusher = {
      ...{ kind: "http", app_id: "app", pushkey: "key", lang: "en" },
      ...{ app_display_name: "App", device_display_name: "Phone" },
      data: { url: "https://push.test/_matrix/push/v1/notify" },
    };
    await user.call("POST", "/pushers/set", pusher);
    expect(await done("GET", of(user.userId, "pushers"))).toEqual({ pushers: [pusher], total: 1 });
  });

  test("and what they come to in bytes", async () => {
    const user = await newcomer();
    const before = await done("GET", `/_weft/admin/v1/users/${encoded(user.userId)}/storage`);
    expect(before).toMatchObject({
      uploads: { count: 0, bytes: 0, limit: 10 * 1024 ** 3 },
      ...{ key_backups: { bytes: 0 }, waiting_messages: { bytes: 0 } },
      devices: { count: 1, limit: 200 },
    });
    await fetch(`${server.baseUrl}/_matrix/media/v3/upload`, {
      method: "POST",
      headers: { authorization: `Bearer ${user.token}` },
      body: "twelve bytes",
    });
    const path = `/user/${encoded(user.userId)}/account_data/a.b`;
    await user.call("PUT", path, { text: "x".repeat(1000) });
    const messages = { [user.userId]: { [user.deviceId]: { text: "y".repeat(1000) } } };
    await user.call("PUT", "/sendToDevice/a.b/1", { messages });
    const after = await done("GET", `/_weft/admin/v1/users/${encoded(user.userId)}/storage`);
    expect(after.uploads).toMatchObject({ count: 1, bytes: 12 });
    expect(after.account_data.bytes - before.account_data.bytes).toBeGreaterThan(1000);
    expect(after.waiting_messages.bytes).toBeGreaterThan(1000);
  });

  test("are features of proposals that are on for everybody, or not there", async () => {
    const path = v1(`/experimental_features/${encoded(alice.userId)}`);
    const { features } = await done("GET", path);
    expect(features).toEqual({ msc3881: false, msc3575: true, msc4222: true });
    expect(await done("PUT", path, { features })).toEqual({});
    for (const wrong of [{ msc3575: false }, { msc3881: true }, { cats: true }]) {
      expect(await refused("PUT", path, { features: wrong })).toEqual([400, "M_INVALID_PARAM"]);
    }
  });

  test.each([
    ["of another server", "@x:elsewhere.test", 400, "M_INVALID_PARAM"],
    ["who is not there", "@nobody:{server}", 404, "M_NOT_FOUND"],
  ])("are not those of a user %s", async (_who, given, status, errcode) => {
    const userId = given.replace("{server}", server.name);
    const feature = v1(`/experimental_features/${encoded(userId)}`);
    const all = [
      await refused("GET", of(userId, "accountdata")),
      await refused("GET", of(userId, "pushers")),
      await refused("GET", feature),
      await refused("PUT", feature, { features: {} }),
      await refused("GET", `/_weft/admin/v1/users/${encoded(userId)}/storage`),
      await refused("POST", of(userId, "_allow_cross_signing_replacement_without_uia")),
      await refused("GET", v1(`/whois/${encoded(userId)}`)),
    ];
    expect(all).toEqual(all.map(() => [status, errcode]));
  });

  test("are the devices by which they are signed in, by the older path, too", async () => {
    const { devices } = await done("GET", v1(`/whois/${encoded(alice.userId)}`));
    expect(Object.keys(devices)).toEqual([alice.deviceId]);
  });
});

describe("finding a user", () => {
  test("by an address or an account elsewhere", async () => {
    const name = newName("found");
    await done("PUT", userPath(idOf(name)), {
      threepids: [{ medium: "email", address: `${name}@example.org` }],
      external_ids: [{ auth_provider: "corp/x", external_id: `sub:${name}/1` }],
    });
    const found = { user_id: idOf(name) };
    const email = encoded(`${name.toUpperCase()}@Example.org`);
    expect(await done("GET", v1(`/threepid/email/users/${email}`))).toEqual(found);
    const link = v1(`/auth_providers/${encoded("corp/x")}/users/${encoded(`sub:${name}/1`)}`);
    expect(await done("GET", link)).toEqual(found);
    for (const path of [
      "/threepid/email/users/nobody%40example.org",
      "/threepid/pigeon/users/x",
      "/threepid/email/users/x",
      "/auth_providers/corp/users/nobody",
    ]) {
      expect(await refused("GET", v1(path))).toEqual([404, "M_NOT_FOUND"]);
    }
  });

  test("by a name that is free or not", async () => {
    const path = (name: string) => v1(`/username_available?username=${encoded(name)}`);
    expect(await done("GET", path("nobody.yet"))).toEqual({ available: true });
    expect(await refused("GET", path("alice"))).toEqual([400, "M_USER_IN_USE"]);
    expect(await refused("GET", path("a b"))).toEqual([400, "M_INVALID_USERNAME"]);
    expect(await refused("GET", v1("/username_available"))).toEqual([400, "M_MISSING_PARAM"]);
  });
});

describe("uploads by user", () => {
  test("are listed by any order, of any time", async () => {
    const [first, second] = [await newcomer("media"), await newcomer("media")];
    const upload = (user: { token: string }, body: string) =>
      fetch(`${server.baseUrl}/_matrix/media/v3/upload`, {
        method: "POST",
        headers: { authorization: `Bearer ${user.token}` },
        body,
      });
    await upload(first, "a".repeat(10));
    await upload(first, "b".repeat(10));
    await upload(second, "c".repeat(100));
    await done("PUT", userPath(second.userId), { displayname: "A name" });
    const list = async (query = "") => {
      const body = await done("GET", v1(`/statistics/users/media?search_term=MEDIA${query}`));
      return { ...body, users: body.users.map((user: Body) => user.user_id) };
    };
    const both = [first.userId, second.userId];
    expect(await list()).toEqual({ users: both, total: 2 });
    expect((await list("&order_by=media_length&dir=b")).users).toEqual(both.toReversed());
    expect((await list("&order_by=media_count&dir=b")).users).toEqual(both);
    expect((await list("&order_by=displayname")).users).toEqual(both.toReversed());
    expect(await list("&limit=1")).toEqual({ users: [first.userId], total: 2, next_token: 1 });
    expect(await list("&limit=1&from=1")).toEqual({ users: [second.userId], total: 2 });
    expect(await list("&from=9")).toEqual({ users: [], total: 2 });
    const later = Date.now() + 60_000;
    expect(await list(`&from_ts=${later}`)).toEqual({ users: [], total: 0 });
    expect((await list(`&until_ts=${later}`)).total).toBe(2);
    const named = await done("GET", v1("/statistics/users/media?search_term=a%20NAME"));
    expect(named.users).toEqual([
      ...[{ user_id: second.userId, displayname: "A name", media_count: 1, media_length: 100 }],
    ]);
  });

  test.each([["from_ts=5&until_ts=5"], ["search_term="], ["order_by=size"], ["limit=0"]])(
    "refuse ?%s",
    async (query) => {
      const path = v1(`/statistics/users/media?${query}`);
      expect(await refused("GET", path)).toEqual([400, "M_INVALID_PARAM"]);
    },
  );
});

test("a user may replace their cross-signing keys once without a password, if they are let", async () => {
  const user = await newcomer();
  const path = of(user.userId, "_allow_cross_signing_replacement_without_uia");
  expect(await refused("POST", path)).toEqual([404, "M_NOT_FOUND"]);
  const upload = (key: string) => {
    const keys = { [`ed25519:${key}`]: key };
    const master_key = { user_id: user.userId, usage: ["master"], keys };
    return user.ask("POST", "/keys/device_signing/upload", { master_key });
  };
  const key = (letter: string) => letter.repeat(42) + "A";
  expect((await upload(key("a"))).status).toBe(200);
  expect((await upload(key("b"))).status).toBe(401);
  const { updatable_without_uia_before_ms: until } = await done("POST", path, {});
  expect(Math.abs(until - Date.now() - 600_000)).toBeLessThan(120_000);
  expect((await upload(key("c"))).status).toBe(200);
  expect((await upload(key("d"))).status).toBe(401);
});
