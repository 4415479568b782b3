/** Relations, threads and jumping to a date over HTTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let room: string;
let root: string;
let reply: string;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  const created = await alice.call("POST", "/createRoom", {});
  room = `/rooms/${encodeURIComponent(created.room_id)}`;
  root = await alice.send(created.room_id, "root");
  const content = {
    msgtype: "m.text",
    body: "reply",
    "m.relates_to": { rel_type: "m.thread", event_id: root },
  };
  reply = (await alice.call("PUT", `${room}/send/m.room.message/reply`, content)).event_id;
});
afterAll(() => server.close());

async function get(path: string): Promise<{ status: number; body: Body }> {
  const answer = await fetch(`${server.baseUrl}/_matrix/client/v1${room}${path}`, {
    headers: { authorization: `Bearer ${alice.token}` },
  });
  return { status: answer.status, body: await answer.json() };
}

test.each(["", "/m.thread", "/m.thread/m.room.message"])(
  "relations are served at …/{eventId}%s",
  async (rest) => {
    const { status, body } = await get(
      `/relations/${encodeURIComponent(root)}${rest}?recurse=true`,
    );
    expect(status).toBe(200);
    expect(body.chunk.map((event: Body) => event.event_id)).toEqual([reply]);
    expect(body.recursion_depth).toBe(3);
    expect(body).not.toHaveProperty("next_batch");
  },
);

test("threads are listed with their newest reply", async () => {
  const { status, body } = await get("/threads?include=participated&limit=5");
  expect(status).toBe(200);
  expect(body.chunk).toHaveLength(1);
  expect(body.chunk[0]).toMatchObject({
    event_id: root,
    unsigned: { "m.relations": { "m.thread": { count: 1, latest_event: { event_id: reply } } } },
  });
  expect(await get("/threads?from=nonsense")).toMatchObject({
    status: 400,
    body: { errcode: "M_INVALID_PARAM" },
  });
});

test("the event closest to a moment is named with its time", async () => {
  const { status, body } = await get("/timestamp_to_event?ts=99999999999999&dir=b");
  expect(status).toBe(200);
  expect(body.event_id).toBe(reply);
  expect(body.origin_server_ts).toBeTypeOf("number");
  expect((await get("/timestamp_to_event?ts=1&dir=b")).body.errcode).toBe("M_NOT_FOUND");
  expect((await get("/timestamp_to_event?ts=1&dir=up")).status).toBe(400);
  expect((await get("/timestamp_to_event?dir=b")).body.errcode).toBe("M_MISSING_PARAM");
});

test("the paths from before they were stable, which clients still call, answer the same", async () => {
  const ask = async (path: string) => {
    const headers = { authorization: `Bearer ${alice.token}` };
    const answer = await fetch(`${server.baseUrl}/_matrix/client${path}`, { headers });
    return { status: answer.status, body: (await answer.json()) as Body };
  };
  for (const rest of ["", "/m.thread", "/m.thread/m.room.message"]) {
    const relations = `${room}/relations/${encodeURIComponent(root)}${rest}`;
    const old = await ask(`/unstable${relations}`);
    expect(old.status).toBe(200);
    expect(old.body.chunk.map((event: Body) => event.event_id)).toEqual([reply]);
  }
  expect(await ask(`/unstable/org.matrix.msc2432${room}/aliases`)).toEqual({
    status: 200,
    body: { aliases: [] },
  });
});

test("a timeline filtered by what is related holds only that", async () => {
  const filter = (timeline: object) =>
    encodeURIComponent(JSON.stringify({ room: { timeline, state: { types: [] } } }));
  const roomId = decodeURIComponent(room.slice("/rooms/".length));
  const shown = async (timeline: object) => {
    const body = await alice.call("GET", `/sync?filter=${filter(timeline)}`);
    return body.rooms.join[roomId].timeline.events.map((event: Body) => event.event_id);
  };
  expect(await shown({ related_by_rel_types: ["m.thread"] })).toEqual([root]);
  expect(await shown({ related_by_senders: [alice.userId] })).toEqual([root]);
  expect(await shown({ related_by_senders: ["@bob:elsewhere.test"] })).toEqual([]);
  expect(await shown({ types: ["m.room.message"] })).toEqual([root, reply]);
});
