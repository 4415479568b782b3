/** What takes how much room, over the wire. */
import { expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import { alice, ask, get, segment, server } from "./one-server.ts";

async function upload(content: string): Promise<string> {
  const response = await fetch(`${server.baseUrl}/_matrix/media/v3/upload`, {
    method: "POST",
    headers: { authorization: `Bearer ${alice.token}`, "content-type": "text/plain" },
    body: content,
  });
  return ((await response.json()) as Body).content_uri;
}

test("the database and the files have sizes", async () => {
  const before = await get("/_weft/admin/storage");
  expect(before.database_bytes).toBeGreaterThan(1_000_000);
  expect(before.tables.length).toBe(20);
  expect(before.tables[0].bytes).toBeGreaterThanOrEqual(before.tables[1].bytes);
  await upload("12345");
  const { media } = await get("/_weft/admin/storage");
  expect(media.uploads).toEqual({
    count: before.media.uploads.count + 1,
    bytes: before.media.uploads.bytes + 5,
  });
  expect(media.copies).toEqual({ count: 0, bytes: 0 });
});

test("a room has those of its events and of the files that they name", async () => {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
  const path = `/_weft/admin/rooms/${segment(roomId)}/storage`;
  const empty = await get(path);
  expect(empty).toMatchObject({ uploads: { count: 0, bytes: 0 }, copies: { count: 0, bytes: 0 } });
  expect(empty.events.count).toBeGreaterThan(4);
  const url = await upload("a file of the room");
  const content = { msgtype: "m.file", body: "file", url };
  for (const txn of ["one", "two"]) {
    await alice.call("PUT", `/rooms/${segment(roomId)}/send/m.room.message/${txn}`, content);
  }
  const full = await get(path);
  expect(full.uploads).toEqual({ count: 1, bytes: 18 });
  expect(full.events.count).toBe(empty.events.count + 2);
  expect(full.events.bytes).toBeGreaterThan(empty.events.bytes + 400);
  const unknown = await ask("GET", "/_weft/admin/rooms/!none:here.test/storage");
  expect([unknown.status, unknown.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
});

test("the largest rooms come first", async () => {
  const { room_id: large } = await alice.call("POST", "/createRoom", {});
  for (let count = 0; count < 5; count += 1) await alice.send(large, "x".repeat(20_000));
  const { rooms } = await get("/_synapse/admin/v1/statistics/database/rooms");
  expect(rooms[0].room_id).toBe(large);
  expect(rooms[0].estimated_size).toBeGreaterThan(100_000);
  const sizes = rooms.map((each: Body) => each.estimated_size);
  expect(sizes).toEqual(sizes.toSorted((a: number, b: number) => b - a));
});
