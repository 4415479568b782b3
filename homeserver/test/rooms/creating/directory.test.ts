import { describe, expect, test } from "vitest";
import type { RoomAlias, RoomId } from "../../../src/protocol/identifiers.ts";
import { startServers } from "../support/servers.ts";

const [world, hq, other] = await startServers("hq.test", "other.test");
const [alice, bob] = [hq.user("alice"), hq.user("bob")];

const alias = (text: string) => text as RoomAlias;

describe("aliases", () => {
  test("are made once, found here and from elsewhere, and taken away by who may", async () => {
    const { directory } = hq.rooms;
    const roomId = await hq.rooms.create.room(alice, { preset: "public_chat" });
    await directory.setAlias(bob, alias("#x:hq.test"), roomId);
    await expect(directory.setAlias(bob, alias("#x:hq.test"), roomId)).rejects.toMatchObject({
      status: 409,
    });
    await expect(directory.setAlias(bob, alias("#x:other.test"), roomId)).rejects.toMatchObject({
      status: 400,
    });
    const unknown = "!unknown:hq.test" as RoomId;
    await expect(directory.setAlias(bob, alias("#y:hq.test"), unknown)).rejects.toMatchObject({
      status: 404,
    });
    expect(await other.rooms.directory.resolve(alias("#x:hq.test"))).toEqual({
      roomId,
      servers: ["hq.test"],
    });
    await expect(directory.resolve(alias("#none:other.test"))).rejects.toMatchObject({
      status: 404,
    });
    expect(await directory.aliases(alice, roomId)).toEqual(["#x:hq.test"]);
    await expect(directory.aliases(bob, roomId)).rejects.toMatchObject({ status: 403 });
    const eve = hq.user("eve");
    await expect(directory.deleteAlias(eve, alias("#x:hq.test"))).rejects.toMatchObject({
      status: 403,
    });
    await directory.deleteAlias(alice, alias("#x:hq.test"));
    await expect(directory.resolve(alias("#x:hq.test"))).rejects.toMatchObject({ status: 404 });
  });

  test("of a room that was never made, since the process was killed, are free after a minute", async () => {
    const made = await world.server("dying.test");
    const carol = made.user("carol");
    const options = { room_alias_name: "lost" };
    const died = made.dieAfter(0);
    void made.rooms.create.room(carol, options);
    await died;
    const { rooms, db } = await world.replica(made, { isInstead: true });
    await expect(rooms.create.room(carol, options)).rejects.toMatchObject({
      errcode: "M_ROOM_IN_USE",
    });
    await db.sql`UPDATE room_aliases SET created_ts = created_ts - 61000`;
    const roomId = await rooms.create.room(carol, options);
    expect((await rooms.directory.resolve(alias("#lost:dying.test"))).roomId).toBe(roomId);
    await db.sql`UPDATE room_aliases SET created_ts = created_ts - 61000`;
    await expect(rooms.create.room(carol, options)).rejects.toMatchObject({
      errcode: "M_ROOM_IN_USE",
    });
  });

  test("in m.room.canonical_alias must lead to the room", async () => {
    const roomId = await hq.rooms.create.room(alice, {});
    const elsewhere = await hq.rooms.create.room(alice, {});
    await hq.rooms.directory.setAlias(alice, alias("#here:hq.test"), roomId);
    await hq.rooms.directory.setAlias(alice, alias("#there:hq.test"), elsewhere);
    const send = (content: Record<string, unknown>) =>
      hq.rooms.send.state({
        by: alice,
        roomId,
        type: "m.room.canonical_alias",
        stateKey: "",
        content: content as never,
      });
    await send({ alias: "#here:hq.test" });
    await expect(send({ alias: "#there:hq.test" })).rejects.toMatchObject({
      errcode: "M_BAD_ALIAS",
    });
    await expect(send({ alt_aliases: ["#nowhere:hq.test"] })).rejects.toMatchObject({
      errcode: "M_BAD_ALIAS",
    });
    await expect(send({ alt_aliases: ["no alias"] })).rejects.toMatchObject({
      errcode: "M_INVALID_PARAM",
    });
    await hq.rooms.directory.deleteAlias(alice, alias("#here:hq.test"));
    // It's taken back from the event as well, and leads nowhere when it is set again.
    const room = await hq.rooms.view.room(roomId);
    const { view } = hq.rooms;
    const now = await view.currentStateEvent(room!.nid, "m.room.canonical_alias", "");
    expect(now?.event.content).toEqual({});
    await expect(send({ alias: "#here:hq.test", alt_aliases: [] })).rejects.toMatchObject({
      errcode: "M_BAD_ALIAS",
    });
  });

  test("join a room of another server", async () => {
    const roomId = await other.rooms.create.room(other.user("olga"), {
      preset: "public_chat",
      room_alias_name: "far",
    });
    expect(await hq.rooms.members.join({ by: bob, room: alias("#far:other.test") })).toBe(roomId);
  });
});

describe("published rooms", () => {
  test("are listed by size, searched, filtered by type and paged", async () => {
    const { directory } = hq.rooms;
    const ids: RoomId[] = [];
    for (const [i, name] of ["Garden", "Kitchen", "Garden shed"].entries()) {
      const roomId = await hq.rooms.create.room(alice, {
        visibility: "public",
        name,
        topic: i === 1 ? "food" : "plants",
        ...(i === 2 ? { creation_content: { type: "m.space" } } : {}),
      });
      for (let n = 0; n < i; n++) {
        await hq.rooms.members.join({ by: hq.user(`guest${n}`), room: roomId });
      }
      ids.push(roomId);
    }
    const all = await directory.publicRooms({});
    expect(all.chunk.map((room) => room.room_id)).toEqual(ids.toReversed());
    expect(all.chunk[0]).toEqual({
      room_id: ids[2],
      name: "Garden shed",
      topic: "plants",
      join_rule: "public",
      room_type: "m.space",
      num_joined_members: 3,
      world_readable: false,
      guest_can_join: false,
    });
    const gardens = await directory.publicRooms({ searchTerm: "gARDEN" });
    expect(gardens.total_room_count_estimate).toBe(2);
    const rooms = await directory.publicRooms({ roomTypes: [null] });
    expect(rooms.chunk.map((room) => room.name)).toEqual(["Kitchen", "Garden"]);
    const spaces = await directory.publicRooms({ roomTypes: ["m.space"] });
    expect(spaces.chunk.map((room) => room.name)).toEqual(["Garden shed"]);
    const first = await directory.publicRooms({ limit: 2 });
    expect(first.chunk).toHaveLength(2);
    const second = await directory.publicRooms({ limit: 2, since: first.next_batch });
    expect(second.chunk.map((room) => room.room_id)).toEqual([ids[0]]);
    expect(second.next_batch).toBeUndefined();
    expect(second.prev_batch).toBeDefined();
    await expect(directory.publicRooms({ since: "x" })).rejects.toMatchObject({ status: 400 });
    await expect(directory.setPublished(bob, ids[0] as RoomId, false)).rejects.toMatchObject({
      status: 403,
    });
    await directory.setPublished(alice, ids[0] as RoomId, false);
    expect((await directory.publicRooms({})).total_room_count_estimate).toBe(2);
  });
});
