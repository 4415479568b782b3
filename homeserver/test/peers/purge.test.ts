/** An administrator's purges, and decisions about reports, over HTTP, with the server killed amid them. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { eventually } from "../support/wait.ts";

const SECRET = "purge-secret";
const MESSAGES = 3_000;

let network: Network;
let weft: WeftProcess;
let admin: TestUser;
let alice: TestUser;

beforeAll(async () => {
  network = await createNetwork();
  const settings = { WEFT_REGISTRATION_SHARED_SECRET: SECRET };
  weft = await startWeft(network, { name: "here", settings });
  [admin, alice] = [await administrator(), await register(weft, "alice")];
}, 120_000);

afterAll(async () => {
  await weft?.stop();
  await network?.close();
}, 180_000);

async function administrator(): Promise<TestUser> {
  const url = `${weft.baseUrl}/_synapse/admin/v1/register`;
  const { nonce } = (await (await fetch(url)).json()) as Body;
  const [username, password] = ["root", "Root-Secret-1"];
  const mac = createHmac("sha1", SECRET)
    .update([nonce, username, password, "admin"].join("\0"))
    .digest("hex");
  const body = JSON.stringify({ nonce, username, password, admin: true, mac });
  return userOf(weft, (await (await fetch(url, { method: "POST", body })).json()) as Body);
}

const ask = (user: TestUser, method: string, path: string, body?: object) =>
  send(user, method, `/_synapse/admin${path}`, body);

async function send(user: TestUser, method: string, path: string, body?: object) {
  const answer = await fetch(`${weft.baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${user.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

/** A room with many messages; the ids of them. */
async function longRoom(): Promise<{ roomId: string; ids: string[] }> {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
  const ids: string[] = [];
  for (let i = 0; i < MESSAGES; i += 100) {
    const sending = Array.from({ length: 100 }, (_, n) => alice.send(roomId, `${i + n}`));
    ids.push(...(await Promise.all(sending)));
  }
  return { roomId, ids };
}

const done = (path: string) =>
  eventually("the purge is complete", async () => {
    const { body } = await ask(admin, "GET", path);
    return body.status === "complete" || undefined;
  });

test("a purge of history that a kill cuts off is completed after the restart", async () => {
  const { roomId, ids } = await longRoom();
  const room = encodeURIComponent(roomId);
  const path = `/v1/purge_history/${room}/${encodeURIComponent(ids.at(-1)!)}`;
  const wish = { delete_local_events: true };
  expect((await ask(alice, "POST", path, wish)).status).toBe(403);
  const begun = await ask(admin, "POST", path, wish);
  expect(begun.status).toBe(200);
  await weft.kill();
  await weft.start();
  await done(`/v1/purge_history_status/${begun.body.purge_id}`);
  const page = await alice.call("GET", `/rooms/${room}/messages?dir=b&limit=100`);
  expect(page.chunk.map((event: Body) => event.event_id)).toEqual([ids.at(-1)]);
  const beyond = await alice.call("GET", `/rooms/${room}/messages?dir=b&from=${page.end}`);
  expect(beyond).toEqual({ chunk: [], start: page.end });
  const { rooms, next_batch: since } = await alice.sync();
  expect(rooms.join[roomId].timeline.events.map((event: Body) => event.event_id)).toContain(
    ids.at(-1),
  );
  const after = await alice.send(roomId, "after");
  const told = await alice.syncUntil(since, (body) => body.rooms?.join?.[roomId] !== undefined);
  expect(told.rooms.join[roomId].timeline.events[0].event_id).toBe(after);
  const none = await ask(admin, "POST", `/v1/purge_history/${room}`, {});
  expect(none.body.errcode).toBe("M_MISSING_PARAM");
}, 120_000);

test("the purge of a room that a kill cuts off is completed after the restart", async () => {
  const { roomId } = await longRoom();
  const room = encodeURIComponent(roomId);
  expect((await ask(alice, "DELETE", `/v2/rooms/${room}`, {})).status).toBe(403);
  const begun = await ask(admin, "DELETE", `/v2/rooms/${room}`, { block: true });
  expect(begun.status).toBe(200);
  await weft.kill();
  await weft.start();
  const path = `/v2/rooms/delete_status/${begun.body.delete_id}`;
  await done(path);
  const { body } = await ask(admin, "GET", path);
  expect(body).toMatchObject({ room_id: roomId, shutdown_room: { kicked_users: [alice.userId] } });
  expect((await ask(admin, "GET", `/v2/rooms/${room}/delete_status`)).body.results).toEqual([body]);
  expect((await alice.ask("GET", `/rooms/${room}/messages?dir=b`)).status).toBe(403);
  expect((await alice.call("GET", "/joined_rooms")).joined_rooms).not.toContain(roomId);
  const blocked = await ask(admin, "GET", `/v1/rooms/${room}/block`);
  expect(blocked.body).toEqual({ block: true, user_id: admin.userId });
  expect((await ask(admin, "PUT", `/v1/rooms/${room}/block`, { block: false })).body).toEqual({
    block: false,
  });
  expect((await ask(admin, "GET", "/v2/rooms/delete_status/nonsense")).status).toBe(404);
}, 120_000);

const REPORTS = "/_weft/admin/reports";
const REPORTED = 30;

/** Reports of messages of Alice's in a room of hers, by the messages' ids. */
async function reportedMessages(): Promise<{ roomId: string; reports: Map<string, number> }> {
  const bob = await register(weft, "bob");
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  for (let i = 0; i < REPORTED; i++) {
    const id = encodeURIComponent(await alice.send(roomId, `bad ${i}`));
    const path = `/rooms/${encodeURIComponent(roomId)}/report/${id}`;
    await bob.call("POST", path, { reason: `number ${i}` });
  }
  const { body } = await send(admin, "GET", `${REPORTS}?limit=100`);
  const reports = (body.reports as Body[]).filter((report) => report.room_id === roomId);
  return { roomId, reports: new Map(reports.map(({ event_id: event, id }) => [event, id])) };
}

test("decisions that a kill cuts off are whole or open, and can be made again", async () => {
  const { roomId, reports } = await reportedMessages();
  expect(reports.size).toBe(REPORTED);
  const decision = { decision: "remove_message", reason: "Noted: advertising" };
  const decide = (id: number) => send(admin, "POST", `${REPORTS}/${id}/decisions`, decision);
  /** Those whose decision was answered. */
  const answered = new Set<number>();
  const deciding = [...reports.values()].map(async (id) => {
    const { status } = await decide(id);
    if (status === 200) answered.add(id);
  });
  await Promise.any(deciding);
  await weft.kill();
  await Promise.allSettled(deciding);
  await weft.start();
  const room = encodeURIComponent(roomId);
  const isRemoved = async (event: string) => {
    const path = `/rooms/${room}/event/${encodeURIComponent(event)}`;
    return (await alice.call("GET", path)).content.body === undefined;
  };
  for (const [event, id] of reports) {
    const { body: report } = await send(admin, "GET", `${REPORTS}/${id}`);
    if (answered.has(id)) expect(report.state).toBe("decided");
    if (report.state === "decided") {
      expect(report.decisions.at(-1)).toMatchObject({ state: "done", by: admin.userId });
      expect(await isRemoved(event)).toBe(true);
      continue;
    }
    // What was begun is noted as begun, and nothing is said to be done.
    expect(report.decisions.map(({ state }: Body) => state)).not.toContain("done");
    expect((await decide(id)).status).toBe(200);
    expect(await isRemoved(event)).toBe(true);
  }
  const { body } = await send(admin, "GET", `${REPORTS}?state=open&limit=100`);
  expect(body.reports.filter((report: Body) => report.room_id === roomId)).toEqual([]);
  const { body: last } = await send(admin, "GET", `${REPORTS}/${[...reports.values()].at(-1)!}`);
  expect(last.decisions.at(-1)).toMatchObject({ reason: decision.reason, state: "done" });
}, 120_000);
