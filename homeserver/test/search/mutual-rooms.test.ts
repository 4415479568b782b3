/** GET /mutual_rooms, on both of its paths. */
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
});
afterAll(() => server.close());

const path = (userId: string, more = "", base = "v1/mutual_rooms") =>
  `/../${base}?user_id=${encodeURIComponent(userId)}${more}`;

async function room(preset: string): Promise<string> {
  return (await alice.call("POST", "/createRoom", { preset, invite: [bob.userId] })).room_id;
}

test("rooms are listed that both are joined to, and no others", async () => {
  expect(await alice.call("GET", path(bob.userId))).toEqual({ joined: [], count: 0 });
  const [both, left, invited] = [
    await room("public_chat"),
    await room("private_chat"),
    await room("private_chat"),
  ];
  for (const roomId of [both, left]) {
    await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  }
  await bob.call("POST", `/rooms/${encodeURIComponent(left)}/leave`, {});
  const answer = await alice.call("GET", path(bob.userId));
  expect(answer).toEqual({ joined: [both], count: 1 });
  expect(answer.joined).not.toContain(invited);
  expect(createValidators().response("getMutualRooms", 200, answer)).toEqual([]);
  const unstable = path(alice.userId, "", "unstable/uk.half-shot.msc2666/user/mutual_rooms");
  expect(await bob.call("GET", unstable)).toEqual({ joined: [both], count: 1 });
});

test("somebody whom the server does not know shares no rooms", async () => {
  for (const userId of ["@nobody:elsewhere.example", `@nobody:${server.name}`]) {
    expect(await alice.call("GET", path(userId))).toEqual({ joined: [], count: 0 });
  }
});

test("oneself, what is no user id, none at all, and tokens of others are refused", async () => {
  const bad = [
    path(alice.userId),
    path("bob"),
    path(bob.userId, "&from=s1"),
    "/../v1/mutual_rooms",
  ];
  for (const each of bad) {
    const { status, body } = await alice.ask("GET", each);
    expect(status, each).toBe(400);
    expect(body.errcode).toMatch(/^M_(INVALID|MISSING)_PARAM$/);
  }
  const url = `${server.baseUrl}/_matrix/client/v3${path(bob.userId)}`;
  expect((await fetch(url)).status).toBe(401);
});

test("many rooms come in pages", async () => {
  const { sql } = server.database;
  const carol = await register(server, "carol");
  // Rooms as they are stored: to make so many one by one takes minutes.
  await sql`
    INSERT INTO rooms (room_nid, room_id, version, created_ts)
    SELECT n, '!many' || n || ':example.org', '11', 0 FROM generate_series(900001, 901100) n`;
  for (const { userId } of [alice, carol]) {
    await sql`
      INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
      SELECT n, ${userId}, ${server.name}, 'join', n, 0 FROM generate_series(900001, 901100) n`;
  }
  const found: string[] = [];
  let token: string | undefined;
  do {
    const page = await carol.call(
      "GET",
      path(alice.userId, token === undefined ? "" : `&from=${token}`),
    );
    expect(page.count).toBe(1100);
    expect(page.joined.length).toBeLessThanOrEqual(500);
    expect(page.next_batch_token).toBe(page.next_batch);
    found.push(...page.joined);
    token = page.next_batch;
  } while (token !== undefined);
  expect(new Set(found).size).toBe(1100);
});
