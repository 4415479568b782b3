import { describe, expect, test } from "vitest";
import { countEvents, countMedia } from "../../src/storage/administration/room-sizes.ts";
import type { Body } from "../support/user.ts";
import { until } from "../support/wait.ts";
import { admin, alice, ask, at, bob, done, join, room, say, server, set } from "./scene.ts";

const own = (rest = "") => `/_weft/admin/rooms${rest}`;
const status = (roomId: string) => own(`/${encodeURIComponent(roomId)}/status`);
const put = (roomId: string, wanted: string, reason?: string) =>
  done("PUT", status(roomId), { body: { status: wanted, ...(reason && { reason }) } });
const idsOf = async (query: string) =>
  (await done("GET", own(`?${query}`))).rooms.map((one: Body) => one.room_id);

/** What the server counts every minute. */
async function count(): Promise<void> {
  const { sql } = server.database;
  while (await countEvents(sql));
  const now = Date.now();
  await countMedia(sql, { before: now, now, limit: 1_000 });
}

describe("the status of a room", () => {
  test("is archived, blocked or open, and rooms are listed by it", async () => {
    const roomId = await room(alice, { preset: "public_chat", name: "Attic" });
    expect(await done("GET", status(roomId))).toEqual({ status: "open" });
    await put(roomId, "archived", "nobody needs it");
    const archived = await done("GET", status(roomId));
    expect(archived).toMatchObject({ status: "archived", by: admin.userId });
    expect(archived.reason).toBe("nobody needs it");
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/x`;
    const refusal = await alice.ask("PUT", path, { msgtype: "m.text", body: "?" });
    expect(refusal).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    expect(refusal.body.error).toContain("archived by an administrator");
    expect(await idsOf("status=archived")).toEqual([roomId]);
    expect(await idsOf("status=open")).not.toContain(roomId);
    await put(roomId, "blocked");
    expect(await done("GET", status(roomId))).toMatchObject({
      status: "blocked",
      by: admin.userId,
    });
    expect(await done("GET", at(roomId, "/block"))).toMatchObject({ block: true });
    expect((await bob.ask("POST", `/join/${encodeURIComponent(roomId)}`, {})).status).toBe(403);
    await say(alice, roomId, "still here");
    expect(await idsOf("status=blocked")).toEqual([roomId]);
    await put(roomId, "open");
    await join(bob, roomId);
    expect(await idsOf("status=blocked")).toEqual([]);
  });

  test("is shut down when all were put out, until somebody opens it", async () => {
    const roomId = await room(alice, { preset: "public_chat" });
    await join(bob, roomId);
    const { delete_id: id } = await put(roomId, "shut_down", "closing");
    const deletion = `/_synapse/admin/v2/rooms/delete_status/${id}`;
    await until(async () => (await done("GET", deletion)).status === "complete");
    expect(await done("GET", status(roomId))).toMatchObject({
      ...{ status: "shut_down", by: admin.userId, reason: "closing" },
    });
    expect(await idsOf("status=shut_down")).toEqual([roomId]);
    expect((await done("GET", at(roomId))).joined_members).toBe(0);
    expect((await alice.ask("POST", `/join/${encodeURIComponent(roomId)}`, {})).status).toBe(403);
    await put(roomId, "open");
    expect(await idsOf("status=shut_down")).toEqual([]);
  });

  test("changes as a whole: what cannot be done in the end is not begun", async () => {
    const roomId = await room(alice, { preset: "public_chat" });
    await put(roomId, "archived", "for now");
    const { sql } = server.database;
    await sql.unsafe(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE 'refused'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON blocked_rooms FOR EACH ROW EXECUTE FUNCTION refuse()`);
    try {
      const body = { status: "blocked" };
      expect((await ask("PUT", status(roomId), { body })).status).toBe(500);
      const shutDown = { status: "shut_down" };
      expect((await ask("PUT", status(roomId), { body: shutDown })).status).toBe(500);
    } finally {
      await sql`DROP TRIGGER refuse ON blocked_rooms`;
    }
    expect(await done("GET", status(roomId))).toMatchObject({
      ...{ status: "archived", reason: "for now" },
    });
    const path = `/_synapse/admin/v2/rooms/${encodeURIComponent(roomId)}/delete_status`;
    expect((await ask("GET", path)).status).toBe(404);
    await put(roomId, "blocked");
  });

  test("of unknown rooms: they are blocked, and nothing else", async () => {
    const nowhere = "!none:elsewhere.test";
    await put(nowhere, "blocked");
    expect(await done("GET", status(nowhere))).toMatchObject({ status: "blocked" });
    await put(nowhere, "open");
    for (const wanted of ["archived", "shut_down"]) {
      const answer = await ask("PUT", status(nowhere), { body: { status: wanted } });
      expect(answer).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    }
    expect(await ask("PUT", status(nowhere), { body: { status: "odd" } })).toMatchObject({
      ...{ status: 400, body: { errcode: "M_BAD_JSON" } },
    });
    for (const method of ["GET", "PUT"]) {
      const answer = await ask(method, status(nowhere), {
        ...{ user: alice, ...(method === "PUT" && { body: { status: "blocked" } }) },
      });
      expect(answer).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    }
  });
});

describe("the list with what rooms take up", () => {
  test("is ordered by activity and by size, and shows encrypted rooms or those of a version", async () => {
    const small = await room(alice, { room_version: "9" });
    const large = await room(alice);
    const secret = await room(alice, {
      initial_state: [
        { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      ],
    });
    for (let i = 0; i < 20; i++) await say(alice, large, "x".repeat(1000));
    await say(alice, small, "the last");
    await count();
    expect((await idsOf("order_by=storage"))[0]).toBe(large);
    expect((await idsOf("order_by=last_activity"))[0]).toBe(small);
    expect(await idsOf("version=9")).toEqual([small]);
    expect(await idsOf("encrypted=true")).toContain(secret);
    expect(await idsOf("encrypted=false")).not.toContain(secret);
    const { rooms: some } = await done("GET", own(`?search_term=${encodeURIComponent(large)}`));
    const { chunk } = await done("GET", at(large, "/messages?limit=100"));
    expect(some[0].timeline_events).toBe(chunk.length);
    expect(Math.abs(some[0].last_activity_ts - Date.now())).toBeLessThan(600_000);
    const bytes = some[0].event_bytes;
    // Counted once, and what came since in addition.
    await count();
    await say(alice, large, "one more");
    await count();
    const again = (await done("GET", own(`?search_term=${encodeURIComponent(large)}`))).rooms[0];
    expect(again.timeline_events).toBe(chunk.length + 1);
    expect(again.event_bytes).toBeGreaterThan(bytes);
  });

  test("counts each file of a room once, and events no longer that were purged", async () => {
    const roomId = await room(alice);
    const response = await fetch(`${server.baseUrl}/_matrix/media/v3/upload`, {
      method: "POST",
      headers: { authorization: `Bearer ${alice.token}`, "content-type": "text/plain" },
      body: "twelve bytes",
    });
    const { content_uri: url } = (await response.json()) as Body;
    for (const n of [1, 2]) {
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/file${n}`;
      await alice.call("PUT", path, { msgtype: "m.file", body: "a file", url });
    }
    const last = await say(alice, roomId, "after");
    await count();
    const find = async () =>
      (await done("GET", own(`?search_term=${encodeURIComponent(roomId)}`))).rooms[0];
    expect((await find()).media_bytes).toBe(12);
    const before = (await find()).timeline_events;
    const path = `/_synapse/admin/v1/purge_history/${encodeURIComponent(roomId)}`;
    const body = { purge_up_to_event_id: last, delete_local_events: true };
    const { purge_id: id } = await done("POST", path, { body });
    const status = `/_synapse/admin/v1/purge_history_status/${id}`;
    await until(async () => (await done("GET", status)).status === "complete");
    expect((await find()).timeline_events).toBeLessThan(before);
  });
});

test("forward extremities are listed, and one stays", async () => {
  const roomId = await room(alice, { preset: "public_chat", room_alias_name: "tips" });
  const last = await say(alice, roomId, "last");
  const here = alice.userId.split(":").slice(1).join(":");
  for (const id of [roomId, `#tips:${here}`]) {
    const tips = await done("GET", at(id, "/forward_extremities"));
    expect(tips).toMatchObject({ count: 1, results: [{ event_id: last, state_group: null }] });
  }
  expect(await done("DELETE", at(roomId, "/forward_extremities"))).toEqual({ deleted: 0 });
  for (const method of ["GET", "DELETE"]) {
    expect((await ask(method, at("!none:a.test", "/forward_extremities"))).status).toBe(404);
  }
});

test("a space's rooms are listed, also those that its reader could not see", async () => {
  const space = await room(alice, { creation_content: { type: "m.space" }, name: "House" });
  const inside = await room(alice, { preset: "private_chat", name: "Cellar" });
  const path = `/rooms/${encodeURIComponent(space)}/state/m.space.child/${encodeURIComponent(inside)}`;
  await alice.call("PUT", path, { via: ["localhost"] });
  await set(alice, space, "m.room.topic", { topic: "All of it" });
  const page = await done("GET", at(space, "/hierarchy"));
  expect(page.rooms.map((one: Body) => one.name)).toEqual(["House", "Cellar"]);
  expect((await done("GET", at(space, "/hierarchy?max_depth=0&limit=1"))).rooms).toHaveLength(1);
  expect((await ask("GET", at("!none:a.test", "/hierarchy"))).status).toBe(404);
  expect(await ask("GET", at(space, "/hierarchy?from=wrong"))).toMatchObject({
    ...{ status: 400, body: { errcode: "M_INVALID_PARAM" } },
  });
});
