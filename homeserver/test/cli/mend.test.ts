import { afterAll, beforeAll, expect, test } from "vitest";
import { checkOneRoom, keysOf } from "../../src/cli/check-rooms.ts";
import { mendRoomsIn } from "../../src/cli/mend-rooms.ts";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { replaceInStates } from "../rooms/integrity/damage.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let mallory: TestUser;
let roomId: RoomId;

beforeAll(async () => {
  server = await startServer();
  [alice, mallory] = [await register(server, "alice"), await register(server, "mallory")];
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await mallory.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  const user_id = mallory.userId;
  await alice.call("POST", `/rooms/${encodeURIComponent(roomId)}/ban`, { user_id });
  for (let i = 0; i < 12; i++) await alice.send(roomId, "gone");
});
afterAll(() => server.close());

/** As another process: what it prints. */
async function mend(): Promise<{ isWell: boolean; lines: string[] }> {
  const lines: string[] = [];
  const sql = server.database.connect({ max: 1, applicationName: "weft doctor" });
  try {
    const print = (line: string) => lines.push(line);
    return { isWell: await mendRoomsIn(sql, server.config, { rooms: true }, print), lines };
  } finally {
    await sql.end();
  }
}

async function isWell(): Promise<boolean> {
  const { sql } = server.database;
  return checkOneRoom(sql, roomId, keysOf(server.config, sql), undefined, () => {});
}

/** The ban is gone from all that is derived from the events, and the join is there again. */
async function loseBan(): Promise<void> {
  const { sql } = server.database;
  const [ban, join] = await sql<{ nid: number; room: number }[]>`
    SELECT event_nid AS nid, room_nid AS room FROM events
    WHERE state_key = ${mallory.userId} ORDER BY depth DESC`;
  await replaceInStates(sql, ban!.room, ban!.nid, join!.nid);
  await sql`
    UPDATE current_state SET event_nid = ${join!.nid}
    WHERE room_nid = ${ban!.room} AND state_key = ${mallory.userId}`;
  await sql`
    UPDATE memberships SET event_nid = ${join!.nid}, membership = 'join'
    WHERE room_nid = ${ban!.room} AND user_id = ${mallory.userId}`;
}

const LAZY = JSON.stringify({ room: { state: { lazy_load_members: true } } });

test("a ban that was lost is back after mending, and clients hear of it", async () => {
  await server.stop();
  await loseBan();
  await server.restart();
  expect(await isWell()).toBe(false);
  const since = (await alice.sync()).next_batch as string;
  const lazily = (await alice.sync({ filter: LAZY })).next_batch as string;
  const ofMallory = (await mallory.sync()).next_batch as string;

  // A server that runs would go on with what it has in memory.
  await expect(mend()).rejects.toThrow(
    /servers have the database open \(\d+ connections\): stop every replica first/,
  );
  expect(await isWell()).toBe(false);
  await server.stop();
  const mended = await mend();
  expect(mended.lines.join("\n")).toContain(`MENDED ${roomId}: `);
  expect(mended.isWell).toBe(true);
  await server.restart();
  expect(await isWell()).toBe(true);

  const membership = (events: { type: string; state_key?: string; content: object }[]) =>
    events.findLast((event) => event.state_key === mallory.userId)?.content;
  // Clients hear of it along with the next event.
  await alice.send(roomId, "on");
  const queries: Record<string, string>[] = [{ since }, { since: lazily, filter: LAZY }];
  for (const query of queries) {
    const { rooms } = await alice.sync(query);
    expect(membership(rooms.join[roomId].state.events)).toMatchObject({ membership: "ban" });
  }
  const left = await mallory.sync({ since: ofMallory });
  expect(Object.keys(left.rooms.leave)).toEqual([roomId]);
  const again = await mallory.ask("POST", `/join/${encodeURIComponent(roomId)}`, {});
  expect(again).toMatchObject({ status: 403 });
  expect(await isWell()).toBe(true);
});

test("what is whole is left alone, and a process that dies in the middle leaves it as it was", async () => {
  await server.stop();
  const before = await server.database.sql`SELECT position FROM log_head`;
  expect((await mend()).isWell).toBe(true);
  expect(await server.database.sql`SELECT position FROM log_head`).toEqual(before);
  await loseBan();
  const sql = server.database.connect({ max: 1 });
  const dies = sql.begin(async (tx) => {
    const { mendRoom } = await import("../../src/rooms/integrity/mend/index.ts");
    await mendRoom(tx, roomId, { now: 0, epoch: 1, left: () => {} });
    throw new Error("killed");
  });
  await expect(dies).rejects.toThrow("killed");
  expect(await isWell()).toBe(false);
  expect((await mend()).isWell).toBe(true);
  expect(await isWell()).toBe(true);
});
