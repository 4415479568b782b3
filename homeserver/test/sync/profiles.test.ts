/** GET /sync tells of profiles. (MSC4429.) */
import { createValidators } from "@weft/spec/validators";
import { expect, test } from "vitest";
import { hasRedis, startRedis } from "../support/redis.ts";
import { startServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { createSyncWorld } from "./support.ts";
import { alice, bob, path, publicRoom, server } from "./whole-server.ts";

const USERS = "org.matrix.msc4429.users";
const wanting = (ids: string[], more: object = {}) =>
  JSON.stringify({ "org.matrix.msc4429.profile_fields": { ids }, ...more });
const STATUS = wanting(["m.status", "displayname"]);
const LAZY = wanting(["m.status"], { room: { state: { lazy_load_members: true } } });

const set = (user: TestUser, field: string, value: unknown) =>
  user.call("PUT", `/profile/${encodeURIComponent(user.userId)}/${field}`, { [field]: value });
const remove = (user: TestUser, field: string) =>
  user.call("DELETE", `/profile/${encodeURIComponent(user.userId)}/${field}`);
const updates = (body: Body, user: TestUser): Body => body[USERS]?.[user.userId]?.profile_updates;

/** Two who share a room with nobody else. */
let pairs = 0;
async function pair() {
  pairs += 1;
  const [one, other] = [
    await register(server, `one${pairs}`),
    await register(server, `other${pairs}`),
  ];
  const roomId = await publicRoom(one);
  await other.call("POST", path(roomId, "/join"), {});
  return { one, other, roomId };
}

test("who shares a room is told of fields that were set and removed, and woken for it", async () => {
  const { one, other } = await pair();
  const stranger = await register(server, `stranger${pairs}`);
  const { next_batch: since } = await one.sync({ filter: STATUS });
  const { next_batch: elsewhere } = await stranger.sync({ filter: STATUS });
  const waiting = one.sync({ filter: STATUS, since, timeout: "20000" });
  await set(other, "m.status", { text: "swimming", emoji: "🏊" });
  const told = await waiting;
  expect(updates(told, other)).toEqual({ "m.status": { text: "swimming", emoji: "🏊" } });
  expect(createValidators().response("sync", 200, told)).toEqual([]);
  await set(other, "m.tz", "Europe/Berlin");
  await set(other, "m.status", "dry");
  await set(other, "displayname", "Otto");
  const next = await one.sync({ filter: STATUS, since: told.next_batch });
  expect(updates(next, other)).toEqual({ "m.status": "dry", displayname: "Otto" });
  await remove(other, "m.status");
  const last = await one.sync({ filter: STATUS, since: next.next_batch });
  expect(updates(last, other)).toEqual({ "m.status": null });
  // What is set to what it was is no change.
  await set(other, "displayname", "Otto");
  const quiet = await one.sync({ filter: STATUS, since: last.next_batch });
  expect(quiet[USERS]).toBe(undefined);
  expect((await stranger.sync({ filter: STATUS, since: elsewhere }))[USERS]).toBe(undefined);
});

test("one's other devices are told, and nobody who did not ask", async () => {
  const { one, other } = await pair();
  const { next_batch: since } = await one.sync({ filter: STATUS });
  const { next_batch: plain } = await other.sync();
  await set(one, "m.status", "mine");
  expect(updates(await one.sync({ filter: STATUS, since }), one)).toEqual({ "m.status": "mine" });
  expect((await other.sync({ since: plain }))[USERS]).toBe(undefined);
  // Who asks later is told what changed since the token.
  expect(updates(await other.sync({ filter: STATUS, since: plain }), one)).toEqual({
    "m.status": "mine",
  });
});

test("without a token all of the members' profiles come, or those of who is met", async () => {
  const { one, other, roomId } = await pair();
  const third = await register(server, `third${pairs}`);
  await third.call("POST", path(roomId, "/join"), {});
  for (const [user, text] of [
    [one, "1"],
    [other, "2"],
    [third, "3"],
  ] as const) {
    await set(user, "m.status", text);
    await set(user, "m.tz", "UTC");
  }
  const all = await one.sync({ filter: STATUS });
  expect(Object.keys(all[USERS]).toSorted()).toEqual(
    [one, other, third].map(({ userId }) => userId).toSorted(),
  );
  expect(updates(all, third)).toMatchObject({ "m.status": "3" });
  expect(updates(all, third)["m.tz"]).toBe(undefined);
  for (let n = 0; n < 10; n += 1) await other.send(roomId, `${n}`);
  await one.call("PUT", path(roomId, "/state/m.room.name/"), { name: "Named" });
  for (let n = 0; n < 10; n += 1) await other.send(roomId, `${n}`);
  const lazy = await one.sync({ filter: LAZY });
  expect(Object.keys(lazy[USERS]).toSorted()).toEqual([one.userId, other.userId].toSorted());
  await third.send(roomId, "here");
  const met = await one.sync({ filter: LAZY, since: lazy.next_batch });
  expect(met[USERS]).toEqual({ [third.userId]: { profile_updates: { "m.status": "3" } } });
  await third.send(roomId, "and again");
  expect((await one.sync({ filter: LAZY, since: met.next_batch }))[USERS]).toBe(undefined);
});

test("a newcomer's profile comes with the join, and none of who left", async () => {
  const { one, roomId } = await pair();
  const guest = await register(server, `guest${pairs}`);
  await set(guest, "m.status", "new here");
  const { next_batch: since } = await one.sync({ filter: LAZY });
  await guest.call("POST", path(roomId, "/join"), {});
  const came = await one.sync({ filter: LAZY, since });
  expect(updates(came, guest)).toEqual({ "m.status": "new here" });
  await guest.call("POST", path(roomId, "/leave"), {});
  const left = await one.sync({ filter: LAZY, since: came.next_batch });
  expect(left[USERS]).toEqual({ [guest.userId]: { profile_updates: null } });
  await set(guest, "m.status", "gone");
  const after = await one.sync({ filter: LAZY, since: left.next_batch });
  expect(after[USERS]).toBe(undefined);
});

test("a change is told once, whatever is said around it", async () => {
  const { one, other, roomId } = await pair();
  let { next_batch: since } = await one.sync({ filter: LAZY });
  const seen: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    await Promise.all([other.send(roomId, `${n}`), set(other, "m.status", `${n}`)]);
    await other.send(roomId, `after ${n}`);
    // While it is looked up whom it concerns, what came before may be told alone.
    for (let turns = 0; seen.at(-1) !== `${n}` && turns < 5; turns += 1) {
      const answer = await one.sync({ filter: LAZY, since, timeout: "10000" });
      since = answer.next_batch;
      if (answer[USERS] !== undefined) seen.push(updates(answer, other)["m.status"]);
    }
  }
  expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
});

test("a closed account's profile is told no more", async () => {
  const { one, other } = await pair();
  await set(other, "m.status", "still here");
  const { next_batch: since } = await one.sync({ filter: LAZY });
  const auth = {
    ...{ type: "m.login.password", password: `other${pairs}-Secret-1` },
    identifier: { type: "m.id.user", user: other.userId },
  };
  await other.call("POST", "/account/deactivate", { auth });
  const told = await one.syncUntil(since, (body) => body.device_lists?.left?.length > 0);
  expect(told.device_lists.left).toEqual([other.userId]);
  const fresh = await one.sync({ filter: STATUS });
  expect(updates(fresh, other)).toBe(undefined);
});

test("the server says that it can do this, and a filter that is none is refused", async () => {
  const response = await fetch(`${server.baseUrl}/_matrix/client/versions`);
  const { unstable_features: flags } = (await response.json()) as Body;
  expect([flags["org.matrix.msc4429"], flags["org.matrix.msc4262"]]).toEqual([true, true]);
  const wrong = JSON.stringify({ "org.matrix.msc4429.profile_fields": { ids: "m.status" } });
  const answer = await alice.ask("GET", `/sync?filter=${encodeURIComponent(wrong)}`);
  expect(answer).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
  expect(bob.userId).not.toBe(alice.userId);
});

test("after many changes of strangers, those who share a room are still found", async () => {
  const world = await createSyncWorld();
  const [one, other] = [world.user("one"), world.user("other")];
  const roomId = await world.rooms.create.room(one.by, { preset: "public_chat" });
  await world.rooms.members.join({ by: other.by, room: roomId });
  const ids = { filter: { "org.matrix.msc4429.profile_fields": { ids: ["m.status"] } } };
  const { next_batch: since } = await one.sync(undefined, ids);
  await world.database.sql`
    INSERT INTO profiles (user_id, fields) VALUES (${other.userId}, '{"m.status":"found"}')`;
  const field = (userId: string) => ({ kind: "profile_field", userId, field: "m.status" }) as const;
  const strangers = Array.from({ length: 1_200 }, (_, n) => field(`@s${n}:test.example`));
  await world.log.append({ records: [...strangers, field(other.userId)] });
  const told = await one.sync(since, ids);
  expect(told[USERS]).toEqual({ [other.userId]: { profile_updates: { "m.status": "found" } } });
  await world.close();
});

test("of one user's fields the newest changes are remembered", async () => {
  const world = await createSyncWorld();
  const userId = "@many:test.example";
  const change = async (from: number, to: number) => {
    const records = Array.from({ length: to - from }, (_, n) => ({
      ...({ kind: "profile_field", userId, field: `m.f${from + n}` } as const),
    }));
    await world.log.append({ records });
  };
  for (const [from, to] of [
    [0, 600],
    [600, 1_200],
    [0, 2],
  ] as const)
    await change(from, to);
  const { sql } = world.database;
  const [row] = await sql`SELECT count(*)::int AS count FROM profile_changes`;
  expect(row!.count).toBeLessThanOrEqual(1_002);
  const kept =
    await sql`SELECT field FROM profile_changes WHERE field IN ('m.f0', 'm.f2', 'm.f1199')`;
  expect(kept.map(({ field }) => field as string).toSorted()).toEqual(["m.f0", "m.f1199"]);
  await world.close();
});

test.skipIf(!hasRedis)(
  "a sync that waits on another replica is told",
  { timeout: 120_000 },
  async () => {
    const redis = await startRedis();
    const first = await startServer({ redisUrl: `redis+unix://${redis.path}` });
    const second = await first.replica();
    const [one, other] = [await register(first, "one"), await register(first, "other")];
    const roomId = await publicRoom(one);
    await other.call("POST", path(roomId, "/join"), {});
    const sync = async (since?: string): Promise<Body> => {
      const query = new URLSearchParams({
        filter: LAZY,
        timeout: "20000",
        ...(since && { since }),
      });
      const url = `${second.baseUrl}/_matrix/client/v3/sync?${query.toString()}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${one.token}` } });
      return response.json();
    };
    let { next_batch: since } = await sync();
    for (let n = 0; n < 5; n += 1) {
      const waiting = sync(since);
      await set(other, "m.status", `${n}`);
      const told = await waiting;
      expect(updates(told, other)).toEqual({ "m.status": `${n}` });
      since = told.next_batch;
    }
    await second.stop();
    await first.close();
    await redis.stop();
  },
);
