/** POST /user_directory/search. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;

beforeAll(async () => {
  [one, two] = await Promise.all([
    startServer({ userDirectoryHidden: ["@_ghost_*:*"] }),
    startServer(),
  ]);
  alice = await register(one, "alice");
});
afterAll(() => Promise.all([one.close(), two.close()]));

interface Found {
  results: { user_id: string; display_name?: string; avatar_url?: string }[];
  limited: boolean;
}

const find = (by: TestUser, search_term: string, limit?: number): Promise<Found> =>
  by.call("POST", "/user_directory/search", { search_term, ...(limit !== undefined && { limit }) });
const idsFor = async (by: TestUser, term: string) =>
  (await find(by, term)).results.map((user) => user.user_id);

/** Waits until the term finds exactly these, in any order. */
async function finds(by: TestUser, term: string, users: readonly TestUser[]) {
  const wanted = users.map((user) => user.userId).toSorted();
  await eventually(`${term} finds ${wanted.join(" ")}`, async () => {
    const found = (await idsFor(by, term)).toSorted();
    return JSON.stringify(found) === JSON.stringify(wanted);
  });
}

async function room(by: TestUser, options: object = {}): Promise<string> {
  return (await by.call("POST", "/createRoom", options)).room_id;
}
const name = (user: TestUser, displayname: string) =>
  user.call("PUT", `/profile/${encodeURIComponent(user.userId)}/displayname`, { displayname });
const join = (user: TestUser, roomId: string, via = one.name) =>
  user.call("POST", `/join/${encodeURIComponent(roomId)}?via=${via}`, {});
async function invite(by: TestUser, roomId: string, user: TestUser) {
  const path = `/rooms/${encodeURIComponent(roomId)}/invite`;
  await by.call("POST", path, { user_id: user.userId });
}

describe("who is found", () => {
  test("those who share a room, and nobody else, as rooms are joined and left", async () => {
    const peter = await register(one, "peter");
    const roomId = await room(peter);
    expect(await find(alice, "peter")).toEqual({ results: [], limited: false });
    await invite(peter, roomId, alice);
    expect(await idsFor(alice, "peter")).toEqual([]);
    await join(alice, roomId);
    await finds(alice, "peter", [peter]);
    await alice.call("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
    expect(await idsFor(alice, "peter")).toEqual([]);
  });

  test("members of rooms that anybody may join or read, until these are shut", async () => {
    const olga = await register(one, "olga");
    const roomId = await room(olga, { preset: "public_chat" });
    await finds(alice, "olga", [olga]);
    const state = (type: string, content: object) =>
      olga.call("PUT", `/rooms/${encodeURIComponent(roomId)}/state/${type}/`, content);
    await state("m.room.join_rules", { join_rule: "invite" });
    await finds(alice, "olga", []);
    await state("m.room.history_visibility", { history_visibility: "world_readable" });
    await finds(alice, "olga", [olga]);
    await olga.call("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
    await finds(alice, "olga", []);
  });

  test("users of other servers, by the name that they have in the room", async () => {
    const remote = await register(two, "remote");
    await name(remote, "Fern Weh");
    const roomId = await room(alice, { preset: "public_chat" });
    await join(remote, roomId);
    await finds(alice, "fern", [remote]);
    expect((await find(alice, "weh")).results[0]).toEqual({
      user_id: remote.userId,
      display_name: "Fern Weh",
    });
    await name(remote, "Nah Bei");
    await finds(alice, "fern", []);
    await finds(alice, "nah", [remote]);
  });

  test("nobody whom one ignores, whose account is closed, or whom the server hides", async () => {
    const [ivan, ghost] = [await register(one, "ivan"), await register(one, "_ghost_ivan")];
    const igor = await register(one, "igor");
    for (const user of [ivan, ghost, igor]) await room(user, { preset: "public_chat" });
    await finds(alice, "iv", [ivan]);
    await finds(alice, "ig", [igor]);
    const path = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`;
    await alice.call("PUT", path, { ignored_users: { [ivan.userId]: {} } });
    expect(await idsFor(alice, "iv")).toEqual([]);
    const auth = { type: "m.login.password", user: "igor", password: "igor-Secret-1" };
    await igor.call("POST", "/account/deactivate", {
      auth: { ...auth, identifier: { type: "m.id.user", user: "igor" } },
    });
    expect(await idsFor(alice, "ig")).toEqual([]);
  });

  test("nobody without a token", async () => {
    const url = `${one.baseUrl}/_matrix/client/v3/user_directory/search`;
    const answer = await fetch(url, { method: "POST", body: '{"search_term":"a"}' });
    expect(answer.status).toBe(401);
  });
});

describe("by what one is found", () => {
  let zoe: TestUser;
  beforeAll(async () => {
    zoe = await register(one, "zz_anders-zoe");
    await name(zoe, "Zoë Müller 王小明 한국사람 Ελένη");
    await room(zoe, { preset: "public_chat" });
    await finds(alice, "zoe", [zoe]);
  });

  test.each([
    ["the beginning of a word of the name", "mül"],
    ["a word without its accents, in another case", "MULLER"],
    ["words in any order", "muller zoe"],
    ["Greek without accents", "ελενη"],
    ["any part of a Chinese name", "小明"],
    ["one character of it", "小"],
    ["any part of a Korean name", "국사"],
    ["a word of the localpart", "anders"],
    ["the localpart", "zz_anders-zoe"],
    ["a full-width form", "ＺＯＥ"],
  ])("%s: %s", async (_what, term) => {
    expect(await idsFor(alice, term)).toEqual([zoe.userId]);
  });

  test("the user id, whole or its beginning, and with its own server alone", async () => {
    for (const term of [zoe.userId, "@zz_anders", `@zz_anders-zoe:${one.name.slice(0, 5)}`]) {
      expect(await idsFor(alice, term), term).toEqual([zoe.userId]);
    }
    expect(await idsFor(alice, "@zz_anders-zoe:elsewhere.example")).toEqual([]);
  });

  test.each([
    "",
    "   ",
    "!?*",
    "'",
    "\\",
    "zoe & !x",
    "#open",
    "zoe:* | a",
    "oë",
    "明王",
    "x".repeat(4000),
  ])("nobody by %j that is not nobody's", async (term) => {
    const { results } = await find(alice, term);
    expect(results.filter((user) => user.user_id !== zoe.userId)).toEqual([]);
    if (!term.startsWith("zoe")) expect(results).toEqual([]);
  });
});

describe("in which order", () => {
  test("whole names before whole words before beginnings, and no more than is wanted", async () => {
    const names = { qa: "Quentin", qb: "Quentin Quax", qc: "Quentina", qd: "Anne Quentin" };
    const users: Record<string, TestUser> = {};
    for (const [local, displayname] of Object.entries(names)) {
      users[local] = await register(one, local);
      await name(users[local], displayname);
      await room(users[local], { preset: "public_chat" });
    }
    await finds(alice, "quentin", Object.values(users));
    const found = await find(alice, "quentin");
    expect(found.results.map((user) => user.display_name)).toEqual([
      ...["Quentin", "Quentin Quax", "Quentina", "Anne Quentin"],
    ]);
    expect(found.limited).toBe(false);
    const few = await find(alice, "quentin", 2);
    expect(few).toEqual({ results: found.results.slice(0, 2), limited: true });
    expect(await find(alice, "quentin", 0)).toEqual({ results: [], limited: true });
  });

  test.each([
    {},
    { search_term: 7 },
    { search_term: "a", limit: -1 },
    { search_term: "a", limit: "1" },
  ])("%j is refused", async (body) => {
    const answer = await alice.ask("POST", "/user_directory/search", body);
    expect(answer.status).toBe(400);
    expect(["M_BAD_JSON", "M_MISSING_PARAM"]).toContain(answer.body.errcode);
  });
});

describe("over time", () => {
  test("who was there before the directory was, is found once it is built", async () => {
    const early = await register(two, "early");
    await name(early, "Early Bird");
    await room(early, { preset: "public_chat" });
    await finds(early, "bird", [early]);
    await two.stop();
    await two.database.sql`DELETE FROM user_directory`;
    await two.database.sql`DELETE FROM open_rooms`;
    await two.database.sql`DELETE FROM cursors WHERE name LIKE 'user-directory%'`;
    await two.restart();
    await finds(early, "bird", [early]);
    const other = await register(two, "other");
    await finds(other, "bird", [early]);
  });
});
