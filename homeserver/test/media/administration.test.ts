import { describe, expect, test } from "vitest";
import {
  admin,
  alice,
  ask,
  bob,
  download,
  image,
  placeOf,
  room,
  send,
  server,
  upload,
} from "./admin-scene.ts";

const encoded = encodeURIComponent;
const there = "there.test/abcdef";

describe("quarantine", () => {
  test("keeps a file from everybody, and what has the same content, until it is ended", async () => {
    const uri = await upload(alice, "the same");
    const twin = await upload(bob, "the same");
    expect(await download(uri)).toBe(200);
    expect(await ask("POST", `/media/quarantine/${placeOf(uri)}`)).toEqual({
      status: 200,
      body: {},
    });
    expect([await download(uri), await download(twin)]).toEqual([404, 404]);
    expect(await download(uri, "?width=32&height=32")).toBe(404);
    const later = await upload(bob, "the same");
    expect(await download(later)).toBe(404);
    const { body } = await ask("GET", `/media/${placeOf(later)}`);
    expect(body.media_info).toMatchObject({ quarantined_by: admin.userId, user_id: bob.userId });
    expect((await ask("POST", `/media/unquarantine/${placeOf(twin)}`)).status).toBe(200);
    const all = [await download(uri), await download(twin), await download(later)];
    expect(all).toEqual([200, 200, 200]);
  });

  test("of another server's file holds before and after there was a copy", async () => {
    expect((await ask("POST", `/media/quarantine/${there}`)).status).toBe(200);
    expect(await download(`mxc://${there}`)).toBe(404);
    const { body } = await ask("GET", `/media/${there}`);
    expect(body.media_info).toMatchObject({ quarantined_by: admin.userId, sha256: null });
    await ask("POST", `/purge_media_cache?before_ts=${Date.now() + 1000}`);
    expect((await ask("GET", `/media/${there}`)).status).toBe(200);
    expect((await ask("POST", `/media/unquarantine/${there}`)).status).toBe(200);
    expect((await ask("GET", `/media/${there}`)).body.errcode).toBe("M_NOT_FOUND");
  });

  test("of all of a user leaves protected files alone", async () => {
    const [one, two, safe] = [await upload(alice), await upload(alice), await upload(alice)];
    const [id] = placeOf(safe).split("/").slice(1);
    expect((await ask("POST", `/media/protect/${id}`)).status).toBe(200);
    const { body } = await ask("POST", `/user/${encoded(alice.userId)}/media/quarantine`);
    expect(body.num_quarantined).toBeGreaterThanOrEqual(2);
    const all = [await download(one), await download(two), await download(safe)];
    expect(all).toEqual([404, 404, 200]);
    await ask("POST", `/media/quarantine/${placeOf(safe)}`);
    expect(await download(safe)).toBe(200);
    expect((await ask("POST", `/media/unprotect/${id}`)).status).toBe(200);
    await ask("POST", `/media/quarantine/${placeOf(safe)}`);
    expect(await download(safe)).toBe(404);
    const again = await ask("POST", `/user/${encoded(alice.userId)}/media/quarantine`);
    expect(again.body).toEqual({ num_quarantined: 0 });
    for (const way of ["protect", "unprotect"]) {
      expect((await ask("POST", `/media/${way}/nothing`)).body.errcode).toBe("M_NOT_FOUND");
    }
  });

  test("of a room takes what its messages name, here and elsewhere", async () => {
    const roomId = await room(bob);
    const [shown, linked, other] = [await upload(bob), await upload(bob), await upload(bob)];
    await send(bob, roomId, image(shown));
    await send(bob, roomId, {
      ...{ msgtype: "m.text", body: "x", format: "org.matrix.custom.html" },
      formatted_body: `<img src="${linked}"><img src="mxc://${there}1">`,
    });
    const redacted = await send(bob, roomId, image(other));
    await bob.call("PUT", `/rooms/${encoded(roomId)}/redact/${encoded(redacted)}/r1`, {});
    const list = await ask("GET", `/room/${encoded(roomId)}/media`);
    expect(list.body.local.sort()).toEqual([shown, linked].sort());
    expect(list.body.remote).toEqual([`mxc://${there}1`]);
    const done = await ask("POST", `/room/${encoded(roomId)}/media/quarantine`);
    expect(done).toEqual({ status: 200, body: { num_quarantined: 3 } });
    const all = [await download(shown), await download(linked), await download(other)];
    expect(all).toEqual([404, 404, 200]);
    expect(await download(`mxc://${there}1`)).toBe(404);
    const alias = await ask("POST", `/quarantine_media/${encoded(roomId)}`);
    expect(alias.body).toEqual({ num_quarantined: 0 });
    for (const [method, rest] of [
      ["GET", ""],
      ["POST", "/quarantine"],
    ] as const) {
      const answer = await ask(method, `/room/${encoded("!no:here.test")}/media${rest}`);
      expect(answer).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    }
  });
});

describe("deleting", () => {
  test("takes one upload, and no other server's", async () => {
    const uri = await upload(bob);
    const { body } = await ask("DELETE", `/media/${placeOf(uri)}`);
    expect(body).toEqual({ deleted_media: [placeOf(uri).split("/")[1]], total: 1 });
    expect(await download(uri)).toBe(404);
    expect((await ask("DELETE", `/media/${placeOf(uri)}`)).body.errcode).toBe("M_NOT_FOUND");
    expect((await ask("DELETE", `/media/${there}`)).body.errcode).toBe("M_INVALID_PARAM");
  });

  test("takes what is old and large, but no pictures, nor what is protected", async () => {
    const sizes = { size: "x".repeat(5000) };
    const uploads: string[] = [];
    for (const n of [1, 2, 3, 4, 5]) uploads.push(await upload(bob, sizes.size + n));
    const [plain, avatar, roomAvatar, safe, fresh] = uploads as [
      string,
      string,
      string,
      string,
      string,
    ];
    const small = await upload(bob, "small");
    await bob.call("PUT", `/profile/${encoded(bob.userId)}/avatar_url`, { avatar_url: avatar });
    const roomId = await room(bob);
    const state = `/rooms/${encoded(roomId)}/state/m.room.avatar`;
    await bob.call("PUT", state, { url: roomAvatar });
    await ask("POST", `/media/protect/${placeOf(safe).split("/")[1]}`);
    const old = [plain, avatar, roomAvatar, safe, small].map((uri) => placeOf(uri).split("/")[1]!);
    await server.database.sql`
      UPDATE media SET created_ts = 1500000000000 WHERE media_id = ANY (${`{${old.join(",")}}`}::text[])`;
    const path = "/media/delete?before_ts=1600000000000&size_gt=4000";
    expect((await ask("POST", path)).body).toEqual({ deleted_media: [old[0]], total: 1 });
    const rest = await ask("POST", `${path}&keep_profiles=false`);
    expect(rest.body.deleted_media.sort()).toEqual([old[1]!, old[2]!].sort());
    const statuses = [];
    for (const uri of [plain, avatar, roomAvatar, safe, fresh, small])
      statuses.push(await download(uri));
    expect(statuses).toEqual([404, 404, 404, 200, 200, 200]);
    for (const way of ["/media/delete", "/purge_media_cache"]) {
      expect((await ask("POST", `${way}?before_ts=1600000000`)).body.errcode).toBe(
        "M_INVALID_PARAM",
      );
      expect((await ask("POST", way)).body.errcode).toBe("M_MISSING_PARAM");
    }
  });

  test("takes copies that nobody has asked for", async () => {
    const { sql } = server.database;
    await sql`
      INSERT INTO media (server, media_id, sha256, content_type, size, created_ts, accessed_ts)
      VALUES ('there.test', 'stale', ${Buffer.alloc(32, 1)}, 'a/b', 1, 1500000000000, null),
        ('there.test', 'asked', ${Buffer.alloc(32, 2)}, 'a/b', 1, 1500000000000, 1700000000000)`;
    const { body } = await ask("POST", "/purge_media_cache?before_ts=1600000000000");
    expect(body).toEqual({ deleted: 1 });
    const rows = await sql`SELECT media_id AS id FROM media WHERE media_id IN ('stale', 'asked')`;
    expect(rows.map((row) => row["id"] as string)).toEqual(["asked"]);
  });

  test("and listing go through a user's uploads page by page", async () => {
    const path = `/users/${encoded(alice.userId)}/media`;
    await upload(alice, "a".repeat(10_000));
    const first = (await ask("GET", `${path}?limit=2`)).body;
    expect(first).toMatchObject({
      next_token: 2,
      media: [{ media_length: 10_000, upload_name: "a.txt" }, {}],
    });
    const rest = (await ask("GET", `${path}?from=2&limit=1000`)).body;
    expect(rest.media).toHaveLength(first.total - 2);
    expect(rest.next_token).toBeUndefined();
    const largest = (await ask("GET", `${path}?order_by=media_length&dir=b&limit=1`)).body;
    expect(largest.media[0].media_length).toBe(10_000);
    const gone = (await ask("DELETE", `${path}?order_by=media_length&dir=b&limit=1`)).body;
    expect(gone.deleted_media).toEqual([largest.media[0].media_id]);
    expect((await ask("GET", path)).body.total).toBe(first.total - 1);
    for (const method of ["GET", "DELETE"]) {
      const nobody = await ask(method, `/users/${encoded(`@no:${server.name}`)}/media`);
      expect(nobody.body.errcode).toBe("M_NOT_FOUND");
      const other = await ask(method, `/users/${encoded("@no:there.test")}/media`);
      expect(other.body.errcode).toBe("M_INVALID_PARAM");
    }
    const other = await ask("POST", `/user/${encoded("@no:there.test")}/media/quarantine`);
    expect(other.body.errcode).toBe("M_INVALID_PARAM");
  });
});

test("nobody but administrators does any of it", async () => {
  const uri = placeOf(await upload(alice));
  const id = uri.split("/")[1]!;
  const [user, roomId] = [encoded(alice.userId), encoded("!a:b")];
  const all = [
    ["POST", `/media/quarantine/${uri}`],
    ["POST", `/media/unquarantine/${uri}`],
    ["POST", `/room/${roomId}/media/quarantine`],
    ["POST", `/user/${user}/media/quarantine`],
    ["POST", `/media/protect/${id}`],
    ["POST", `/media/unprotect/${id}`],
    ["GET", `/media/${uri}`],
    ["DELETE", `/media/${uri}`],
    ["POST", "/media/delete?before_ts=1600000000000"],
    ["POST", "/purge_media_cache?before_ts=1600000000000"],
    ["GET", `/room/${roomId}/media`],
    ["GET", `/users/${user}/media`],
    ["DELETE", `/users/${user}/media`],
  ] as const;
  for (const [method, path] of all) {
    const { status, body } = await ask(method, path, alice);
    expect([method, path, status, body.errcode]).toEqual([method, path, 403, "M_FORBIDDEN"]);
  }
});

describe("changes of quarantine", () => {
  test("are told in their order, from where one was", async () => {
    const [uri, twin] = [await upload(alice, "told"), await upload(bob, "told")];
    const { sql } = server.database;
    const [newest] = await sql<{ from: number }[]>`
      SELECT coalesce(max(change_id), 0) AS from FROM quarantine_changes`;
    const { from } = newest!;
    const since = async (at: number) =>
      (await ask("GET", `/media/quarantine_changes?from=${at}`)).body;
    expect(await since(from)).toEqual({ next_batch: from, changes: [] });
    await ask("POST", `/media/quarantine/${placeOf(uri)}`);
    await ask("POST", `/media/quarantine/${placeOf(uri)}`);
    const place = (one: string, quarantined: boolean) => {
      const [origin, media_id] = placeOf(one).split("/");
      return { origin, media_id, quarantined };
    };
    const first = await since(from);
    const both = [place(uri, true), place(twin, true)];
    expect(first.changes).toHaveLength(2);
    expect(first.changes).toEqual(expect.arrayContaining(both));
    const third = await upload(bob, "told");
    await ask("POST", `/media/quarantine/${there}`);
    const second = await since(first.next_batch);
    expect(second.changes).toContainEqual(place(third, true));
    await ask("POST", `/media/unquarantine/${placeOf(uri)}`);
    const last = await since(second.next_batch);
    expect(last.changes).toHaveLength(3);
    expect(last.changes).toContainEqual(place(twin, false));
    const future = await ask("GET", `/media/quarantine_changes?from=${last.next_batch + 1}`);
    expect([future.status, future.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  });

  test("old uploads are deleted by the older path, too", async () => {
    const path = `/media/${server.name}/delete?before_ts=${Date.UTC(2015, 0)}`;
    expect(await ask("POST", path)).toEqual({ status: 200, body: { deleted_media: [], total: 0 } });
  });
});
