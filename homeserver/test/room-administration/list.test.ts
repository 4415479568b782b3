import { describe, expect, test } from "vitest";
import { noteServerName } from "../../src/storage/administration/room-stats.ts";
import type { Body } from "../support/user.ts";
import { admin, alice, ask, at, bob, done, join, room, rooms, server, set } from "./scene.ts";

const find = async (roomId: string): Promise<Body> => {
  const { rooms: found } = await done("GET", rooms(`?search_term=${encodeURIComponent(roomId)}`));
  expect(found).toHaveLength(1);
  return found[0];
};

describe("the list of rooms", () => {
  test("tells of a room what its state says, and how many are in it", async () => {
    const roomId = await room(alice, {
      ...{ preset: "public_chat", name: "Garden", topic: "Of plants", room_alias_name: "garden" },
      ...{ visibility: "public", room_version: "10" },
      initial_state: [
        { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      ],
    });
    await join(bob, roomId);
    const wanted = {
      ...{ room_id: roomId, name: "Garden", canonical_alias: "#garden:localhost" },
      ...{ joined_members: 2, joined_local_members: 2, version: "10", creator: alice.userId },
      ...{ encryption: "m.megolm.v1.aes-sha2", federatable: true, public: true },
      ...{ join_rules: "public", guest_access: null, history_visibility: "shared" },
      room_type: null,
    };
    const canonical_alias = `#garden:${alice.userId.split(":").slice(1).join(":")}`;
    const listed = await find(roomId);
    expect(listed).toMatchObject({ ...wanted, canonical_alias });
    const { state } = await done("GET", at(roomId, "/state"));
    expect(listed.state_events).toBe(state.length);
    expect(await done("GET", at(roomId))).toMatchObject({
      ...{ ...wanted, canonical_alias, topic: "Of plants", avatar: null },
      ...{ joined_local_devices: 2, forgotten: false, tombstoned: false, replacement_room: null },
    });
  });

  test("follows every change at once", async () => {
    const roomId = await room(alice, { preset: "public_chat", name: "Before" });
    expect(await find(roomId)).toMatchObject({ name: "Before", joined_members: 1 });
    const { state_events: before } = await find(roomId);
    await join(bob, roomId);
    await set(alice, roomId, "m.room.name", { name: "After" });
    expect(await find(roomId)).toMatchObject({
      ...{ name: "After", joined_members: 2, state_events: before + 1 },
    });
    await bob.call("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
    const named = await set(alice, roomId, "m.room.topic", { topic: "secret" });
    const path = `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(named)}/1`;
    expect((await done("GET", at(roomId))).topic).toBe("secret");
    await alice.call("PUT", path, {});
    expect(await done("GET", at(roomId))).toMatchObject({ joined_members: 1, topic: null });
    await alice.call("POST", `/rooms/${encodeURIComponent(roomId)}/leave`, {});
    expect(await find(roomId)).toMatchObject({ joined_members: 0, joined_local_members: 0 });
    for (const user of [alice, bob]) {
      await user.call("POST", `/rooms/${encodeURIComponent(roomId)}/forget`, {});
    }
    expect((await done("GET", at(roomId))).forgotten).toBe(true);
  });

  test("tells of an upgrade", async () => {
    const roomId = await room(alice, { room_version: "11" });
    const path = `/rooms/${encodeURIComponent(roomId)}/upgrade`;
    const { replacement_room } = await alice.call("POST", path, { new_version: "12" });
    expect(await done("GET", at(roomId))).toMatchObject({ tombstoned: true, replacement_room });
  });

  test("is ordered by each key, either way, and read page by page", async () => {
    const { rooms: all, total_rooms: total } = await done("GET", rooms());
    expect(all).toHaveLength(total);
    const orders = [
      ...["name", "canonical_alias", "joined_members", "joined_local_members", "version"],
      ...["creator", "encryption", "federatable", "public", "join_rules", "guest_access"],
      ...["history_visibility", "state_events", "alphabetical", "size"],
    ];
    for (const order of orders) {
      const forwards: string[] = [];
      for (let from: number | undefined = 0; from !== undefined;) {
        const page: Body = await done("GET", rooms(`?order_by=${order}&limit=2&from=${from}`));
        expect(page).toMatchObject({ offset: from, total_rooms: total });
        if (from > 0) expect(page.prev_batch).toBe(from - 2);
        forwards.push(...page.rooms.map((one: Body) => one.room_id));
        from = page.next_batch;
      }
      const back = await done("GET", rooms(`?order_by=${order}&dir=b`));
      expect(back.rooms.map((one: Body) => one.room_id)).toEqual(forwards.toReversed());
      expect(new Set(forwards).size).toBe(total);
    }
    const sizes = (await done("GET", rooms("?order_by=joined_members"))).rooms;
    const members = sizes.map((one: Body) => one.joined_members);
    expect(members).toEqual(members.toSorted((a: number, b: number) => b - a));
  });

  test("is searched in names and aliases, and shows the public or empty ones", async () => {
    const [server_] = [alice.userId.split(":").slice(1).join(":")];
    const named = await room(alice, { name: "Zürich 100% _x" });
    const aliased = await room(alice, { room_alias_name: "harbour", preset: "public_chat" });
    const ids = async (query: string) =>
      (await done("GET", rooms(`?${query}`))).rooms.map((one: Body) => one.room_id);
    expect(await ids(`search_term=${encodeURIComponent("ZÜRICH 100%")}`)).toEqual([named]);
    expect(await ids("search_term=HARBOU")).toEqual([aliased]);
    expect(await ids(`search_term=${encodeURIComponent(server_)}`)).toEqual([]);
    expect(await ids(`search_term=${encodeURIComponent("a%")}`)).toEqual([]);
    expect(await ids(`search_term=${encodeURIComponent(named)}`)).toEqual([named]);
    expect(await ids("public_rooms=true")).not.toContain(named);
    expect(await ids("public_rooms=false")).toContain(named);
    await alice.call("POST", `/rooms/${encodeURIComponent(named)}/leave`, {});
    expect(await ids("empty_rooms=true")).toContain(named);
    expect(await ids("empty_rooms=false")).not.toContain(named);
    expect(await ask("GET", rooms("?search_term="))).toMatchObject({
      ...{ status: 400, body: { errcode: "M_INVALID_PARAM" } },
    });
    expect(await ask("GET", rooms("?order_by=colour"))).toMatchObject({
      ...{ status: 400, body: { errcode: "M_INVALID_PARAM" } },
    });
  });

  test("holds hostile state, and shows it cut and whole", async () => {
    const roomId = await room(alice);
    await set(alice, roomId, "m.room.name", { name: `\u0000<b>${"x".repeat(5_000)}` });
    const { name: shown } = await find(roomId);
    expect(shown.startsWith("<b>xxx")).toBe(true);
    expect(shown.length).toBeLessThanOrEqual(1000);
    await set(alice, roomId, "m.room.name", { name: { of: "no text" } });
    expect((await find(roomId)).name).toBe(null);
  });

  test("counts local members anew when the server has another name", async () => {
    const { sql } = server.database;
    const roomId = await room(alice);
    const here = alice.userId.split(":").slice(1).join(":");
    await noteServerName(sql, "elsewhere.test");
    expect(await find(roomId)).toMatchObject({ joined_members: 1, joined_local_members: 0 });
    await noteServerName(sql, here);
    expect(await find(roomId)).toMatchObject({ joined_members: 1, joined_local_members: 1 });
  });

  test("is kept by every writer: the numbers are those of the tables", async () => {
    const { sql } = server.database;
    const wrong = await sql`
      SELECT * FROM room_stats s WHERE
        joined <> (SELECT count(*) FROM memberships m
          WHERE m.room_nid = s.room_nid AND m.membership = 'join')
        OR joined_local <> (SELECT count(*) FROM memberships m JOIN this_server t USING (server)
          WHERE m.room_nid = s.room_nid AND m.membership = 'join')
        OR state_events <> (SELECT count(*) FROM current_state c WHERE c.room_nid = s.room_nid)`;
    expect(wrong).toEqual([]);
  });
});

test("members and state of a room are read by administrators who are not in it", async () => {
  const roomId = await room(alice, { preset: "public_chat", name: "Theirs" });
  await join(bob, roomId);
  expect(await done("GET", at(roomId, "/members"))).toEqual({
    ...{ members: [alice.userId, bob.userId].toSorted(), total: 2 },
  });
  const { state } = await done("GET", at(roomId, "/state?type=m.room.name"));
  expect(state).toMatchObject([{ type: "m.room.name", content: { name: "Theirs" } }]);
  for (const rest of ["", "/members", "/state", "/messages", "/timestamp_to_event?ts=1"]) {
    expect(await ask("GET", at("!none:elsewhere.test", rest))).toMatchObject({
      ...{ status: 404, body: { errcode: "M_NOT_FOUND" } },
    });
    expect(await ask("GET", at(roomId, rest), { user: alice })).toMatchObject({
      ...{ status: 403, body: { errcode: "M_FORBIDDEN" } },
    });
  }
  expect(admin.userId).not.toBe(alice.userId);
});
