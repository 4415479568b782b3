/** An upgrade that is killed after the old room was closed is completed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";
import { eventually, until } from "../../support/wait.ts";

let server: TestServer;
let alice: TestUser;
beforeAll(async () => {
  server = await startServer({}, { mortal: true });
  alice = await register(server, "alice");
}, 60_000);
afterAll(() => server?.close());

const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
/** Where a tombstone leads; undefined: there is none. */
const successorOf = async (roomId: string): Promise<string | undefined> => {
  const state = (await alice.call("GET", at(roomId, "/state"))) as unknown as Body[];
  return state.find(({ type }) => type === "m.room.tombstone")?.content.replacement_room;
};
const aliasesOf = async (roomId: string): Promise<string[]> =>
  (await alice.call("GET", at(roomId, "/aliases"))).aliases;
const isPublished = async (roomId: string): Promise<boolean> => {
  const path = `/directory/list/room/${encodeURIComponent(roomId)}`;
  return (await alice.call("GET", path)).visibility === "public";
};
const begun = async (): Promise<number> =>
  (await server.database.sql`SELECT FROM room_upgrades`).length;

const publicRoom = async (name: string): Promise<string> => {
  const wish = { preset: "public_chat", visibility: "public", room_alias_name: name };
  return (await alice.call("POST", "/createRoom", { ...wish, room_version: "11" })).room_id;
};

test("the aliases and the place in the directory follow, although the server was killed before", async () => {
  const roomId = await publicRoom("cut");
  const { sql } = server.database;
  await sql.unsafe(`
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_advisory_xact_lock(4242); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE UPDATE ON room_aliases FOR EACH ROW EXECUTE FUNCTION wait()`);
  await sql.begin(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock(4242)`;
    const upgrading = alice.ask("POST", at(roomId, "/upgrade"), { new_version: "12" });
    upgrading.catch(() => undefined);
    await until(async () => (await successorOf(roomId)) !== undefined);
    expect(await begun()).toBe(1);
    await server.kill();
  });
  await sql`DROP TRIGGER wait ON room_aliases`;
  expect(await sql`SELECT FROM room_aliases WHERE room_id = ${roomId}`).toHaveLength(1);
  await server.restart();
  const next = (await successorOf(roomId))!;
  await eventually("the alias leads to the new room", async () => {
    return (await aliasesOf(next)).length === 1 || undefined;
  });
  expect(await aliasesOf(roomId)).toEqual([]);
  expect([await isPublished(roomId), await isPublished(next)]).toEqual([false, true]);
  expect(await begun()).toBe(0);
}, 120_000);

test("nothing is left over of one that was answered, or refused", async () => {
  const roomId = await publicRoom("whole");
  const { replacement_room: next } = await alice.call("POST", at(roomId, "/upgrade"), {
    new_version: "12",
  });
  expect(await aliasesOf(next)).toHaveLength(1);
  const bob = await register(server, "bob");
  await bob.call("POST", `/join/${encodeURIComponent(next)}`, {});
  const refused = await bob.ask("POST", at(next, "/upgrade"), { new_version: "12" });
  expect(refused.status).toBe(403);
  expect(await begun()).toBe(0);
});

test("a tombstone that somebody sends by hand moves nothing", async () => {
  const [roomId, next] = [await publicRoom("by-hand"), await publicRoom("another")];
  const content = { body: "We have moved", replacement_room: next };
  await alice.call("PUT", at(roomId, "/state/m.room.tombstone/"), content);
  const { sql, position } = { ...server.database, position: await lastPosition() };
  await until(async () => {
    const [row] = await sql<{ position: number }[]>`
      SELECT position FROM cursors WHERE name = 'successions'`;
    return row !== undefined && row.position >= position;
  });
  expect(await aliasesOf(roomId)).toHaveLength(1);
  expect(await isPublished(roomId)).toBe(true);
});

async function lastPosition(): Promise<number> {
  const [row] = await server.database.sql<{ position: number }[]>`SELECT position FROM log_head`;
  return row!.position;
}
