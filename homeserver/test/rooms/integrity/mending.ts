/** A room on two servers that is damaged and mended, and what it has to hold then. */
import { beforeEach, expect } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { checkRoom } from "../../../src/rooms/integrity/index.ts";
import { mendRoom } from "../../../src/rooms/integrity/mend/index.ts";
import type { MendReport } from "../../../src/rooms/integrity/mend/index.ts";
import { rootOfBytes } from "../../../src/rooms/records/events.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import { holdLog } from "../../../src/storage/rooms/mend-rooms.ts";
import { startServers } from "../support/servers.ts";
import type { TestServer } from "../support/world.ts";

const started = await startServers("a.test", "b.test");
export const [world] = started;
/** Each is replaced by another process of its server where one begins anew. */
export let [, a, b] = started;
export const [alice, bob, mallory] = [a.user("alice"), b.user("bob"), b.user("mallory")];
export let roomId: RoomId;

/** A new room of alice's, in which bob has as much power. */
export async function openRoom(): Promise<void> {
  world.reset();
  roomId = await a.rooms.create.room(alice, {
    preset: "public_chat",
    power_level_content_override: { users: { [bob.userId]: 100 } },
  });
}

export async function joinBob(): Promise<void> {
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
}

/** A room on both servers, with a fork, a ban and a few notes. */
beforeEach(async () => {
  await openRoom();
  await joinBob();
  await ban();
  await world.flush();
  world.cut(a, b);
  for (let i = 0; i < 3; i++) {
    await note(a, alice, `n${i}`);
    await note(b, bob, `n${i + 1}`);
  }
  world.heal();
  await world.flush();
  for (let i = 0; i < 3; i++) await say(a, alice);
  await world.flush();
});

export function note(server: TestServer, by: Actor, stateKey: string) {
  const content = { at: `${Math.random()}` };
  return server.rooms.send.state({ by, roomId, type: "org.example.note", stateKey, content });
}

export function ban() {
  const content = { membership: "ban" };
  const stateKey = mallory.userId;
  return a.rooms.send.state({ by: alice, roomId, type: "m.room.member", stateKey, content });
}

export function say(server: TestServer, by: Actor) {
  const content = { msgtype: "m.text", body: "hello" };
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content });
}

export async function findings(server: TestServer, notes: string[] = []): Promise<string[]> {
  const found: string[] = [];
  const sql = server.db.connect({ max: 1 });
  await checkRoom(sql, roomId, {
    key: async (name) => [a, b].find((one) => one.name === name)?.verifyKey,
    found: ({ what, eventId }) => found.push(`${eventId ?? ""} ${what}`),
    note: (what, eventId) => notes.push(`${eventId ?? ""} ${what}`),
  });
  await sql.end();
  return found;
}

interface Mended {
  readonly report: MendReport;
  readonly left: readonly string[];
}

export async function mend(server: TestServer): Promise<Mended> {
  const left: string[] = [];
  const sql = server.db.connect({ max: 1 });
  const report = await sql.begin(async (tx) =>
    mendRoom(tx, roomId, {
      now: 0,
      epoch: await holdLog(tx),
      left: (what, eventId) => left.push(`${eventId ?? ""} ${what}`),
    }),
  );
  await sql.end();
  return { report: report as unknown as MendReport, left };
}

/** Every state as event ids, the current one, the members and the ends of the graph. */
async function contents(server: TestServer) {
  const { sql } = server.db;
  const store = createRoomStore(sql);
  const rows = await sql<
    { id: string; status: number; before: Buffer | null; after: Buffer | null }[]
  >`
    SELECT event_id AS id, status, state_before AS before, state_after AS after FROM events
    WHERE room_nid = ${await nidOfRoom(server)} AND (position IS NOT NULL OR state_after IS NOT NULL)
    ORDER BY event_id`;
  const state = async (root: Buffer | null) =>
    (await store.state.all(rootOfBytes(root))).map(({ event }) => event.eventId).toSorted();
  const states = new Map<string, unknown>();
  for (const { id, status, before, after } of rows) {
    states.set(id, { status, before: await state(before), after: await state(after) });
  }
  const current = await sql`
    SELECT c.type, c.state_key, e.event_id FROM current_state c JOIN events e USING (event_nid)
    WHERE c.room_nid = ${await nidOfRoom(server)} ORDER BY c.type, c.state_key`;
  const members = await sql`
    SELECT m.user_id, m.membership, e.event_id FROM memberships m JOIN events e USING (event_nid)
    WHERE m.room_nid = ${await nidOfRoom(server)} ORDER BY m.user_id`;
  const [head] = await sql<{ root: Buffer | null; ends: string[] }[]>`
    SELECT state_root AS root, ARRAY(
      SELECT event_id FROM events WHERE event_nid = ANY (extremities) ORDER BY event_id) AS ends
    FROM room_heads WHERE room_nid = ${await nidOfRoom(server)}`;
  return {
    ...{ states, current: [...current], members: [...members] },
    head: { root: await state(head!.root), ends: head!.ends },
  };
}

export async function nidOfRoom(server: TestServer): Promise<number> {
  const [row] = await server.db.sql<{ nid: number }[]>`
    SELECT room_nid AS nid FROM rooms WHERE room_id = ${roomId}`;
  return row!.nid;
}

export async function nidOf(server: TestServer, eventId: string): Promise<number> {
  const [row] = await server.db.sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM events WHERE event_id = ${eventId}`;
  return row!.nid;
}

/** Damages the server's room, and expects that mending makes it what it was. */
export async function expectMended(
  server: TestServer,
  damage: (server: TestServer, nid: number) => Promise<unknown>,
): Promise<Mended> {
  expect(await findings(server)).toEqual([]);
  const before = await contents(server);
  await damage(server, await nidOfRoom(server));
  expect(await findings(server)).not.toEqual([]);
  const mended = await mend(server);
  expect(await findings(server)).toEqual([]);
  expect(await contents(server)).toEqual(before);
  // A second time there is nothing to do.
  const { report } = await mend(server);
  expect(Object.values(report).every((count) => count === 0)).toBe(true);
  await expectAlive(server);
  return mended;
}

/** The room goes on between both servers, as a process sees it that starts now; who is banned stays out. */
export async function expectAlive(server: TestServer): Promise<void> {
  await expectGoesOn(server);
  expect(await findings(server)).toEqual([]);
  const join = b.rooms.members.join({ by: mallory, room: roomId });
  await expect(join).rejects.toThrow("banned");
}

export async function expectGoesOn(server: TestServer): Promise<void> {
  const replica = await world.replica(server, { isInstead: true });
  if (server === a) a = replica;
  else b = replica;
  await world.flush();
  await say(a, alice);
  await world.flush();
  await say(b, bob);
  await world.flush();
}

export const banNid = async (server: TestServer): Promise<number> => {
  const [row] = await server.db.sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM current_state
    WHERE room_nid = ${await nidOfRoom(server)} AND state_key = ${mallory.userId}`;
  return row!.nid;
};
