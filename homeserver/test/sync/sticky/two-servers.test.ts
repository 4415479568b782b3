/** Sticky events (MSC4354) between two servers. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";
import { bury, idsOf, join, stick, stickyIn, timelineIn } from "./sticky-api.ts";

let here: TestServer;
let there: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  [here, there] = await Promise.all([startServer(), startServer()]);
  alice = await register(here, "alice");
  bob = await register(there, "bob");
});

afterAll(() => Promise.all([here.close(), there.close()]));

async function newRoom(more: object = {}): Promise<string> {
  const body = { preset: "public_chat", ...more };
  return (await alice.call("POST", "/createRoom", body)).room_id;
}

/** What a client that begins is told of as sticky, or has in the timeline. */
async function known(user: TestUser, roomId: string): Promise<string[]> {
  const body = await user.sync();
  const sticky = [...stickyIn(body, roomId), ...timelineIn(body, roomId)];
  return idsOf(sticky.filter((event: Body) => event.msc4354_sticky !== undefined));
}

const path = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;

test("one is sent to the other server, and told of there although much is said after it", async () => {
  const roomId = await newRoom();
  await join(bob, roomId, here.name);
  const { next_batch: since } = await bob.sync();
  const id = await stick(alice, roomId, { n: 1 });
  await bury(alice, roomId);
  const last = await alice.send(roomId, "the last");
  await eventually("all has come", async () => {
    const { status } = await bob.ask("GET", `${path(roomId)}/event/${last}`);
    return status === 200;
  });
  const body = await bob.sync({ since });
  expect(idsOf(stickyIn(body, roomId))).toEqual([id]);
  const [event] = stickyIn(body, roomId);
  expect(event.unsigned.msc4354_sticky_duration_ttl_ms).toBeLessThanOrEqual(600_000);
});

test("a server that comes into the room later is sent those of the servers that were there", async () => {
  const roomId = await newRoom({
    initial_state: [
      { type: "m.room.history_visibility", content: { history_visibility: "joined" } },
    ],
  });
  const ids = [await stick(alice, roomId, { n: 1 }), await stick(alice, roomId, { n: 2 })];
  await bury(alice, roomId);
  await join(bob, roomId, here.name);
  await eventually("they have come", async () => {
    const told = await known(bob, roomId);
    return ids.every((id) => told.includes(id));
  });
  // What else was said before is not theirs to see.
  const body = await bob.sync();
  const shown = timelineIn(body, roomId).filter(({ type }) => type === "m.room.message");
  expect(shown).toEqual([]);
});

test("one that is soft-failed is told of once its sender is back, and not before", async () => {
  const roomId = await newRoom();
  await join(bob, roomId, here.name);
  await eventually("both know", async () => {
    const { body } = await alice.ask("GET", `${path(roomId)}/joined_members`);
    return body.joined?.[bob.userId];
  });
  // Alice puts Bob out, and his server does not learn of it before it has sent his event.
  await there.stop();
  await alice.call("POST", `${path(roomId)}/kick`, { user_id: bob.userId });
  await here.stop();
  await there.restart();
  const id = await stick(bob, roomId, { n: 1 });
  await here.restart();
  await eventually("it is here, soft-failed", async () => {
    const [row] = await here.database.sql<{ hasFailed: boolean }[]>`
      SELECT s.has_failed AS "hasFailed" FROM sticky_events s JOIN events e USING (event_nid)
      WHERE e.event_id = ${id}`;
    return row?.hasFailed;
  });
  const { next_batch: since } = await alice.sync();
  expect(await known(alice, roomId)).not.toContain(id);
  await eventually("Bob's server knows that he is out", async () => {
    const { body } = await bob.ask("GET", `${path(roomId)}/state/m.room.member/${bob.userId}`);
    return body.membership !== "join";
  });
  await join(bob, roomId, here.name);
  await alice.syncUntil(since, (body) => idsOf(stickyIn(body, roomId)).includes(id));
  expect(await known(alice, roomId)).toContain(id);
}, 120_000);

test("a server that was away for long is sent what is still sticky, besides the newest event", async () => {
  const roomId = await newRoom();
  await join(bob, roomId, here.name);
  await there.stop();
  const id = await stick(alice, roomId, { n: 1 });
  await bury(alice, roomId);
  await here.database.sql`UPDATE log_head SET position = position + 30000`;
  await here.stop();
  await here.restart();
  await alice.send(roomId, "the last");
  await there.restart();
  await eventually("it has come", async () => (await known(bob, roomId)).includes(id), {
    within: 90_000,
  });
}, 120_000);
