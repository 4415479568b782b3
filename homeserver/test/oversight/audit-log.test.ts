/** What administrators did is noted, all of it, over the wire. */
import { type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import { expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createAuditLog } from "../../src/oversight/audit-log.ts";
import { insertAuditEntry } from "../../src/storage/oversight/audit-log.ts";
import { freshDatabase } from "../support/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { startServer } from "../support/server.ts";
import type { Body } from "../support/user.ts";
import { until } from "../support/wait.ts";
import { administrator, alice, ask, get, root, segment, server } from "./one-server.ts";

const AUDIT = "/_weft/admin/audit";
const blockOf = (roomId: string) => `/_synapse/admin/v1/rooms/${segment(roomId)}/block`;
const newest = async (query = "") => (await get(`${AUDIT}?limit=1${query}`)).entries[0];

type Row = [OperationId, OperationRow];
const noted = (Object.entries(operations) as Row[]).filter(([, row]) => row.audit !== null);

test("all operations are noted that administrators change something by, but those that say they change nothing", () => {
  const others = (Object.entries(operations) as Row[]).filter(
    ([id, row]) =>
      row.auth === "administrator" &&
      row.method !== "GET" &&
      !noted.some(([other]) => other === id),
  );
  expect(others.map(([id]) => id)).toEqual([]);
  expect(noted.length).toBeGreaterThan(15);
  expect(noted.filter(([, row]) => row.auth !== "administrator")).toEqual([]);
});

test("an entry says who did when what to what, from where and with which outcome", async () => {
  const roomId = "!noted:here.test";
  const before = Date.now();
  await ask("PUT", blockOf(roomId), { body: { block: true } });
  const entry = await newest();
  expect(entry).toEqual({
    id: expect.any(Number),
    ts: expect.any(Number),
    user_id: root.userId,
    device_id: root.deviceId,
    operation: "setRoomBlock",
    method: "PUT",
    path: operations.setRoomBlock.path,
    parameters: { roomId, block: true },
    ip: "127.0.0.1",
    outcome: "done",
    status: 200,
    ended_ts: expect.any(Number),
  });
  expect(entry.ts).toBeGreaterThanOrEqual(before);
  expect(entry.ended_ts).toBeGreaterThanOrEqual(entry.ts);
});

test("what was refused is noted with its error", async () => {
  const path = "/_synapse/admin/v1/media/localhost:1/nothing";
  expect((await ask("DELETE", path)).status).toBe(400);
  expect(await newest()).toMatchObject({
    ...{ operation: "deleteMedia", outcome: "refused", status: 400, errcode: "M_INVALID_PARAM" },
    parameters: { serverName: "localhost:1", mediaId: "nothing" },
  });
});

test("what is asked alone is not noted, nor what somebody else tries, nor what has the wrong shape", async () => {
  const { id } = await newest();
  await get("/_synapse/admin/v1/rooms/!a:b/block");
  expect((await ask("PUT", blockOf("!a:b"), { body: { block: true }, by: alice })).status).toBe(
    403,
  );
  expect((await ask("PUT", blockOf("!a:b"), { body: { block: "yes" } })).status).toBe(400);
  expect((await newest()).id).toBe(id);
});

test("an access token in the query is not noted, and parameters that the contract knows are", async () => {
  const query = `before_ts=1600000000000&access_token=${root.token}&secret=x`;
  const response = await fetch(`${server.baseUrl}/_synapse/admin/v1/purge_media_cache?${query}`, {
    method: "POST",
  });
  expect(response.status).toBe(200);
  const entry = await newest();
  expect(entry.parameters).toEqual({ before_ts: 1_600_000_000_000 });
  expect(JSON.stringify(entry)).not.toContain(root.token);
});

test("a registration token in the path is not noted, but for the beginning of a long one", async () => {
  const path = "/_synapse/admin/v1/registration_tokens/";
  for (const [token, noted] of [
    ["short-one", "…"],
    ["a-longer-one-of-them", "a-lo…"],
  ]) {
    expect((await ask("POST", `${path}new`, { body: { token } })).status).toBe(200);
    expect(JSON.stringify(await newest())).not.toContain(token);
    expect((await ask("DELETE", `${path}${token}`)).status).toBe(200);
    expect((await newest()).parameters).toEqual({ token: noted });
  }
});

test("of a body only what the contract names is noted, and long texts are cut", async () => {
  const content = { msgtype: "m.text", body: "between us" };
  const notice = { user_id: alice.userId, content, password: "hidden" };
  await ask("POST", "/_synapse/admin/v1/send_server_notice", { body: notice });
  expect((await newest()).parameters).toEqual({ user_id: alice.userId });
  const body = { message: `\0${"long".repeat(1000)}` };
  expect((await ask("DELETE", "/_synapse/admin/v2/rooms/!none:a.test", { body })).status).toBe(404);
  const { operation, parameters } = await newest();
  expect(operation).toBe("deleteRoom");
  expect(parameters.message.length).toBeLessThan(400);
});

test("entries are found by administrator, operation, target, outcome and time, page by page", async () => {
  const other = await administrator(server, "other");
  const roomIds = ["!one:a.test", "!two:a.test", "!three:a.test"];
  for (const roomId of roomIds) {
    await ask("PUT", blockOf(roomId), { body: { block: true }, by: other });
  }
  const ofOther = await get(`${AUDIT}?user_id=${segment(other.userId)}`);
  expect(ofOther.entries.map((entry: Body) => entry.parameters.roomId)).toEqual([
    ...["!three:a.test", "!two:a.test", "!one:a.test"],
  ]);
  expect(ofOther.next_token).toBeUndefined();
  const [third, second, first] = ofOther.entries;
  const page = await get(`${AUDIT}?user_id=${segment(other.userId)}&limit=2`);
  expect(page.entries).toEqual([third, second]);
  const next = `${AUDIT}?user_id=${segment(other.userId)}&limit=2&from=${page.next_token}`;
  expect(await get(next)).toEqual({ entries: [first] });
  expect((await get(`${AUDIT}?target=${segment("!two:a.test")}`)).entries).toEqual([second]);
  expect((await get(`${AUDIT}?target=${segment("!two")}`)).entries).toEqual([]);
  expect((await get(`${AUDIT}?operation=deleteUserMedia`)).entries).toEqual([]);
  expect(await get(`${AUDIT}?operation=setRoomBlock&outcome=refused`)).toEqual({ entries: [] });
  expect((await get(`${AUDIT}?outcome=done&limit=1`)).entries).toEqual([third]);
  const span = `from_ts=${second.ts}&to_ts=${third.ts}`;
  const within = await get(`${AUDIT}?user_id=${segment(other.userId)}&${span}`);
  const expected = [second, first].filter(({ ts }) => ts >= second.ts && ts < third.ts);
  expect(within.entries).toEqual(expected);
});

test.each([
  "limit=0",
  "from=x",
  "from=0",
  "outcome=maybe",
  "user_id=alice",
  "from_ts=-1",
  "target=%00",
  "operation=%00",
])("?%s is refused", async (query) => {
  const { status, body } = await ask("GET", `${AUDIT}?${query}`);
  expect([status, body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
});

test("what the server was stopped amid is there, and its outcome is unknown", async () => {
  const mortal = await startServer({}, { mortal: true });
  try {
    const admin = await administrator(mortal, "root");
    const { sql } = mortal.database;
    // The operation waits for a row that somebody holds, and the server dies meanwhile.
    await sql.begin(async (tx) => {
      await tx`LOCK TABLE blocked_rooms IN ACCESS EXCLUSIVE MODE`;
      const asked = ask("PUT", blockOf("!x:y"), { body: { block: true }, by: admin, on: mortal });
      asked.catch(() => undefined);
      await until(async () => (await sql`SELECT 1 FROM audit_log`).length === 1);
      await mortal.kill();
      await asked.catch(() => undefined);
    });
    await mortal.restart();
    const answer = await ask("GET", `${AUDIT}?outcome=unknown`, { by: admin, on: mortal });
    expect(answer.body.entries).toEqual([
      expect.objectContaining({ outcome: "unknown", status: null, ended_ts: null }),
    ]);
  } finally {
    await mortal.close();
  }
}, 60_000);

test("nothing is done that cannot be noted", async () => {
  const { sql } = server.database;
  await sql`ALTER TABLE audit_log RENAME TO audit_log_away`;
  try {
    expect((await ask("PUT", blockOf("!z:y"), { body: { block: true } })).status).toBe(500);
  } finally {
    await sql`ALTER TABLE audit_log_away RENAME TO audit_log`;
  }
  expect(await get(blockOf("!z:y"))).toEqual({ block: false });
});

test("entries go when they are too old, and the oldest when they are too many", async () => {
  const database = await freshDatabase();
  const { sql } = database;
  await migrate(sql);
  const clock = createManualClock();
  let lifetime: number | undefined = 1000;
  const log = createAuditLog({
    ...{ sql, clock, logger: silentLogger(), lifetimeMs: () => lifetime, max: 3 },
  });
  const noteAt = (ts: number) =>
    insertAuditEntry(sql, {
      ...{ ts, userId: "@a:b", deviceId: "D", operation: "setRoomBlock", ip: "::1" },
      ...{ parameters: "{}", targets: [] },
    });
  const now = clock.now();
  const times = async () => (await log.list({}, 100)).map(({ ts }) => now - ts);
  try {
    for (const age of [1500, 900, 800]) await noteAt(now - age);
    // What is too old is not shown, though it is not deleted yet.
    expect(await times()).toEqual([800, 900]);
    await log.tidy();
    lifetime = undefined;
    expect(await times()).toEqual([800, 900]);
    for (const age of [700, 600]) await noteAt(now - age);
    await log.tidy();
    expect(await times()).toEqual([600, 700, 800]);
  } finally {
    await log.stop();
    await database.close();
  }
});
