/** Redacting what users have sent: over the wire, also across a crash. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";

const encoded = encodeURIComponent;
let server: TestServer;
let peer: TestServer;
let root: TestUser;
let owner: TestUser;
let remote: TestUser;

beforeAll(async () => {
  [server, peer] = await Promise.all([startServer({}, { mortal: true }), startServer()]);
  root = await register(server, "root");
  owner = await register(server, "owner");
  remote = await register(peer, "remote");
  await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${root.userId}`;
}, 120_000);
afterAll(() => Promise.all([server.close(), peer.close()]));

async function ask(method: string, path: string, body?: object, at: { baseUrl: string } = server) {
  const response = await fetch(`${at.baseUrl}/_synapse/admin/v1/user${path}`, {
    method,
    headers: { authorization: `Bearer ${root.token}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

async function begin(userId: string, wish: object): Promise<string> {
  const { status, body } = await ask("POST", `/${encoded(userId)}/redact`, wish);
  expect([status, body]).toEqual([200, { redact_id: expect.any(String) }]);
  return body.redact_id;
}

async function ended(redactId: string): Promise<Body> {
  return eventually(`the end of ${redactId}`, async () => {
    const { body } = await ask("GET", `/redact_status/${redactId}`);
    return body.status === "complete" || body.status === "failed" ? body : undefined;
  });
}

const redact = async (userId: string, wish: object) => ended(await begin(userId, wish));

let made = 0;
/** Somebody who has written to a room of the owner's; ids of the events. */
async function writer(count = 3) {
  const user = await register(server, `writer${++made}`);
  const roomId = (await owner.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await user.call("POST", `/join/${encoded(roomId)}`, {});
  const sent: string[] = [];
  for (let i = 0; i < count; i += 1) sent.push(await user.send(roomId, `message ${i}`));
  return { user, roomId, sent };
}

const look = (roomId: string, eventId: string): Promise<Body> =>
  owner.call("GET", `/rooms/${encoded(roomId)}/event/${encoded(eventId)}`);
/** Which of the events are redacted, in their order. */
async function redacted(roomId: string, eventIds: readonly string[]): Promise<boolean[]> {
  const all = await Promise.all(eventIds.map((eventId) => look(roomId, eventId)));
  return all.map((event) => event.unsigned?.redacted_because !== undefined);
}

describe("what a user has sent", () => {
  test("is redacted in all rooms that they are in, in their own name and with the reason", async () => {
    const { user, roomId, sent } = await writer();
    const own = (await user.call("POST", "/createRoom", {})).room_id;
    const there = await user.send(own, "elsewhere");
    const theirs = await owner.send(roomId, "not theirs");
    const body = await redact(user.userId, { rooms: [], reason: "spam" });
    expect(body).toEqual({ status: "complete", failed_redactions: {} });
    expect(await redacted(roomId, sent)).toEqual([true, true, true]);
    expect(await redacted(roomId, [theirs])).toEqual([false]);
    const event = await look(roomId, sent[0]!);
    expect(event.unsigned.redacted_because).toMatchObject({
      ...{ sender: user.userId, content: { reason: "spam" } },
    });
    const elsewhere = await user.call("GET", `/rooms/${encoded(own)}/event/${encoded(there)}`);
    expect(elsewhere.unsigned.redacted_because.sender).toBe(user.userId);
  });

  test("is redacted in the rooms alone that are named, the newest, and of a time", async () => {
    const { user, roomId, sent } = await writer(4);
    const own = (await user.call("POST", "/createRoom", {})).room_id;
    const there = await user.send(own, "elsewhere");
    await redact(user.userId, { rooms: [roomId], limit: 2 });
    expect(await redacted(roomId, sent)).toEqual([false, false, true, true]);
    await redact(user.userId, { rooms: [roomId], after_ts: Date.now() + 60_000 });
    await redact(user.userId, { rooms: [roomId], before_ts: 1 });
    expect(await redacted(roomId, sent)).toEqual([false, false, true, true]);
    const { origin_server_ts: ts } = await look(roomId, sent[0]!);
    await redact(user.userId, { rooms: [roomId], before_ts: ts, after_ts: ts });
    expect((await redacted(roomId, sent))[0]).toBe(true);
    const event = await user.call("GET", `/rooms/${encoded(own)}/event/${encoded(there)}`);
    expect(event.unsigned?.redacted_because).toBeUndefined();
  });

  test("is redacted of whoever was banned, by somebody who may", async () => {
    const { user, roomId, sent } = await writer();
    await owner.call("POST", `/rooms/${encoded(roomId)}/ban`, { user_id: user.userId });
    expect((await redact(user.userId, { rooms: [] })).failed_redactions).toEqual({});
    expect(await redacted(roomId, sent)).toEqual([true, true, true]);
    expect((await look(roomId, sent[0]!)).unsigned.redacted_because.sender).toBe(owner.userId);
  });

  test("on another server is redacted by somebody here who may", async () => {
    const roomId = (await owner.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
    await remote.call("POST", `/join/${encoded(roomId)}?server_name=${server.name}`, {});
    const sent = await remote.send(roomId, "from afar");
    await owner.syncUntil(undefined, (body) => JSON.stringify(body).includes(sent));
    await redact(remote.userId, { rooms: [roomId] });
    expect(await redacted(roomId, [sent])).toEqual([true]);
  });

  test("is told of where it could not be redacted", async () => {
    const { user, roomId, sent } = await writer(2);
    const body = await redact(user.userId, { rooms: [roomId], use_admin: true });
    expect(body.status).toBe("complete");
    expect(Object.keys(body.failed_redactions)).toEqual(expect.arrayContaining(sent));
    expect(await redacted(roomId, sent)).toEqual([false, false]);
    await root.call("POST", `/join/${encoded(roomId)}`, {});
    const levels = { users: { [root.userId]: 100 } };
    await owner.call("PUT", `/rooms/${encoded(roomId)}/state/m.room.power_levels`, levels);
    const again = await redact(user.userId, { rooms: [roomId], use_admin: true });
    expect(again.failed_redactions).toEqual({});
    expect((await look(roomId, sent[0]!)).unsigned.redacted_because.sender).toBe(root.userId);
  });

  test("is redacted to the end, once each, although the server is killed amid it", async () => {
    const { user, roomId, sent } = await writer(40);
    const id = await begin(user.userId, { rooms: [roomId] });
    await eventually("some are redacted", async () => (await redacted(roomId, [sent.at(-1)!]))[0]);
    await server.kill();
    await server.restart();
    expect(await ended(id)).toEqual({ status: "complete", failed_redactions: {} });
    expect(new Set(await redacted(roomId, sent))).toEqual(new Set([true]));
    const rows = await server.database.sql<{ n: number }[]>`
      SELECT count(*)::integer AS n FROM events e JOIN rooms r USING (room_nid)
      WHERE r.room_id = ${roomId} AND e.type = 'm.room.redaction'`;
    // The messages, and the join.
    expect(rows[0]!.n).toBe(41);
  });

  test.each([
    [{}, "M_MISSING_PARAM"],
    [{ rooms: ["x"] }, "M_BAD_JSON"],
    [{ rooms: [], limit: 0 }, "M_BAD_JSON"],
    [{ rooms: [], use_admin: "yes" }, "M_BAD_JSON"],
  ])("is not redacted by %j", async (wish, errcode) => {
    const answer = await ask("POST", `/${encoded(owner.userId)}/redact`, wish);
    expect([answer.status, answer.body.errcode]).toEqual([400, errcode]);
  });

  test("of nobody is nothing", async () => {
    expect(await redact("@x:elsewhere.test", { rooms: [] })).toEqual({
      ...{ status: "complete", failed_redactions: {} },
    });
    const none = await ask("GET", "/redact_status/none");
    expect([none.status, none.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    const bad = await ask("POST", "/nobody/redact", { rooms: [] });
    expect([bad.status, bad.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  });
});

describe.skipIf(!hasRedis)("with two replicas", () => {
  let redis: TestRedis;
  let both: TestServer;
  let other: { readonly baseUrl: string; stop(): Promise<void> };
  beforeAll(async () => {
    redis = await startRedis();
    both = await startServer({ redisUrl: redis.path });
    other = await both.replica();
  }, 120_000);
  afterAll(async () => {
    await other.stop();
    await both.close();
    await redis.stop();
  });

  test("it is done whichever is asked, and both tell of it", async () => {
    const admin = await register(both, "root");
    await both.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${admin.userId}`;
    const roomId = (await admin.call("POST", "/createRoom", {})).room_id;
    const sent = await admin.send(roomId, "gone soon");
    const headers = { authorization: `Bearer ${admin.token}` };
    const base = (at: { baseUrl: string }) => `${at.baseUrl}/_synapse/admin/v1/user`;
    for (const [asked, told] of [
      [both, other],
      [other, both],
    ] as const) {
      const url = `${base(asked)}/${encoded(admin.userId)}/redact`;
      const body = JSON.stringify({ rooms: [roomId] });
      const begun = (await (await fetch(url, { method: "POST", headers, body })).json()) as Body;
      await eventually("the end", async () => {
        const answer = await fetch(`${base(told)}/redact_status/${begun.redact_id}`, { headers });
        return ((await answer.json()) as Body).status === "complete";
      });
    }
    const event = await admin.call("GET", `/rooms/${encoded(roomId)}/event/${encoded(sent)}`);
    expect(event.unsigned.redacted_because.sender).toBe(admin.userId);
  });
});
