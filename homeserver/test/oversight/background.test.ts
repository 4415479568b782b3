/** Work in the background, over the wire. */
import { expect, test } from "vitest";
import { register } from "../support/user.ts";
import { type Body } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { alice, ask, get, segment, server } from "./one-server.ts";

const UPDATES = "/_synapse/admin/v1/background_updates";
const TASKS = "/_synapse/admin/v1/scheduled_tasks";
const WORK = "/_weft/admin/background";

const works = async (kind: string): Promise<Body> =>
  (await get(WORK)).work.find((each: Body) => each.kind === kind);

test("what follows the log is listed", async () => {
  const { followers } = await get(WORK);
  const names = followers.map(({ name }: Body) => name);
  expect(names).toEqual(expect.arrayContaining(["sender", "searchable-events", "user-directory"]));
  // How far what was there before is looked through is no place in the log.
  expect(names.join()).not.toMatch(/built|media-references/);
  await until(async () => {
    const now = (await get(WORK)).followers;
    return now.every(({ behind }: Body) => behind === 0);
  });
});

test("a deleted room is a task, found by its filters", async () => {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
  const path = `/_synapse/admin/v2/rooms/${segment(roomId)}`;
  const { body } = await ask("DELETE", path, { body: { purge: true } });
  const done = await eventually("it is deleted", async () => {
    const found = await works("delete_room");
    return found?.state === "complete" ? found : undefined;
  });
  expect(done).toMatchObject({
    ...{ id: body.delete_id, room_id: roomId, done: 1, total: 1 },
    ...{ started_ts: expect.any(Number), ended_ts: expect.any(Number) },
  });
  const task = {
    ...{ id: body.delete_id, action: "shutdown_and_purge_room", status: "complete" },
    ...{ timestamp_ms: done.ended_ts, resource_id: roomId, error: null },
    result: expect.objectContaining({ kicked_users: [alice.userId], new_room_id: null }),
  };
  const tasks = async (query: string) => (await get(`${TASKS}?${query}`)).scheduled_tasks;
  expect(await tasks("")).toEqual([task]);
  const fitting = `action_name=shutdown_and_purge_room&resource_id=${segment(roomId)}&status=complete`;
  expect(await tasks(`${fitting}&max_timestamp=${done.ended_ts + 1}`)).toEqual([task]);
  for (const other of [
    "action_name=purge_history",
    "resource_id=x",
    "status=failed",
    "job_status=active",
    `max_timestamp=${done.ended_ts}`,
  ]) {
    expect(await tasks(other)).toEqual([]);
  }
  expect((await ask("GET", `${TASKS}?status=odd`)).status).toBe(400);
});

test("the index of people is written anew, unless that is halted", async () => {
  const { sql } = server.database;
  const finds = async (name: string): Promise<boolean> => {
    const { results } = await alice.call("POST", "/user_directory/search", { search_term: name });
    return results.length > 0;
  };
  const bob = await register(server, "bob");
  await bob.call("POST", "/createRoom", { preset: "public_chat" });
  await until(() => finds("bob"));
  await until(async () => (await works("index_people")) === undefined);
  expect(await get(`${UPDATES}/status`)).toMatchObject({ enabled: true });
  expect((await ask("POST", `${UPDATES}/enabled`, { body: { enabled: false } })).body).toEqual({
    enabled: false,
  });
  expect(await get(`${UPDATES}/enabled`)).toEqual({ enabled: false });
  await sql`DELETE FROM user_directory`;
  const job = { job_name: "regenerate_directory" };
  expect(await ask("POST", `${UPDATES}/start_job`, { body: job })).toEqual({
    status: 200,
    body: {},
  });
  // Twice is refused: it is under way.
  const again = await ask("POST", `${UPDATES}/start_job`, { body: job });
  expect([again.status, again.body.errcode]).toEqual([400, "M_UNKNOWN"]);
  expect(await works("index_people")).toMatchObject({ state: "halted", done: null });
  const { enabled, current_updates: updates } = await get(`${UPDATES}/status`);
  expect([enabled, updates.index_people.name]).toEqual([false, "index_people"]);
  // Something happens, and the halt is waited for.
  await register(server, "newcomer");
  expect(await works("index_people")).toMatchObject({ state: "halted" });
  expect(await finds("bob")).toBe(false);
  expect((await ask("POST", `${UPDATES}/enabled`, { body: {} })).body).toEqual({ enabled: true });
  await until(() => finds("bob"));
  await until(async () => (await works("index_people")) === undefined);
  expect((await get(`${UPDATES}/status`)).current_updates.index_people).toBeUndefined();
}, 60_000);

test("a redaction of all that a user has sent is a task, too", async () => {
  const carol = await register(server, "carol");
  const { room_id: roomId } = await carol.call("POST", "/createRoom", {});
  await carol.send(roomId, "to be redacted");
  const path = `/_synapse/admin/v1/user/${segment(carol.userId)}/redact`;
  const { body } = await ask("POST", path, { body: { rooms: [roomId] } });
  const done = await eventually("it is redacted", async () => {
    const found = await works("redact_user");
    return found?.state === "complete" ? found : undefined;
  });
  expect(done).toMatchObject({ id: body.redact_id, user_id: carol.userId, done: 1, total: 1 });
  const query = `action_name=redact_all_events&resource_id=${segment(carol.userId)}`;
  expect((await get(`${TASKS}?${query}`)).scheduled_tasks).toEqual([
    {
      ...{ id: body.redact_id, action: "redact_all_events", status: "complete", error: null },
      ...{ timestamp_ms: done.ended_ts, resource_id: carol.userId },
      result: { failed_redactions: {} },
    },
  ]);
});

test("a job that there is not is refused", async () => {
  const { status, body } = await ask("POST", `${UPDATES}/start_job`, { body: { job_name: "x" } });
  expect([status, body.errcode]).toEqual([400, "M_UNKNOWN"]);
  expect((await ask("POST", `${UPDATES}/enabled`, { body: { enabled: "no" } })).status).toBe(400);
});

test("older messages that are being indexed are told with how far that is", async () => {
  const { sql } = server.database;
  await until(async () => (await works("index_messages")) === undefined);
  await alice.call("POST", "/createRoom", {});
  await sql`UPDATE cursors SET position = 3 WHERE name = 'searchable-events-built'`;
  try {
    const found = await works("index_messages");
    expect(found).toMatchObject({ state: "running", done: 3 });
    expect(found.total).toBeGreaterThan(3);
  } finally {
    await sql`UPDATE cursors SET position = ${Number.MAX_SAFE_INTEGER} WHERE name = 'searchable-events-built'`;
  }
});

test("a room whose state is not complete is told", async () => {
  const { sql } = server.database;
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
  await sql`
    INSERT INTO partial_rooms (room_nid, join_nid, servers, fetched, complete, position, next_try)
    SELECT room_nid, 1, '{}', true, false, 1, ${Date.now() + 3_600_000} FROM rooms WHERE room_id = ${roomId}`;
  try {
    expect(await works("complete_room")).toMatchObject({ room_id: roomId, done: 1, total: 2 });
  } finally {
    await sql`DELETE FROM partial_rooms`;
  }
});
