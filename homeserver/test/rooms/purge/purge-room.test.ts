import { describe, expect, test } from "vitest";
import type { RoomAlias, RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { TestServer } from "../support/world.ts";
import { forgetPurges, insertPurge, notePurge } from "../../../src/storage/rooms/purges.ts";
import { purgeEnd } from "./purge-end.ts";
import { publicRoom } from "../support/servers.ts";
import { a, alice, b, bob, read, say, sharedRoom, world } from "./purging.ts";

/** Tables in which something of the room is left, by its nid or its identifier. */
async function traces(on: TestServer, roomNid: number, roomId: string): Promise<string[]> {
  const { sql } = on.db;
  const columns = await sql<{ table: string; column: string }[]>`
    SELECT table_name AS table, column_name AS column FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name IN ('room_nid', 'room_id')`;
  const found: string[] = [];
  for (const { table, column } of columns) {
    const value = column === "room_nid" ? roomNid : roomId;
    const rows = await sql`SELECT 1 FROM ${sql(table)} WHERE ${sql(column)} = ${value} LIMIT 1`;
    if (rows.length > 0) found.push(table);
  }
  return [...new Set(found)].toSorted();
}

const WHOLE = { block: false, purge: true, force: false };

/** They tell of the purge itself, and for a week of who was in the room. */
const KNOWN = ["past_stays", "purged_rooms", "purges", "stays"];

describe("the purge of a room", () => {
  test("puts local users out, tells the others, and leaves no trace", async () => {
    const other = await world.replica(a);
    const roomId = await a.rooms.create.room(alice, {
      preset: "public_chat",
      room_alias_name: "doomed",
      visibility: "public",
    });
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await a.rooms.members.invite({ by: alice, roomId, userId: a.user("ann").userId });
    const eventId = await say(a, alice, roomId, "gone");
    await a.rooms.send.redact({ by: alice, roomId, eventId, txnId: "r" });
    const room = (await other.rooms.view.room(roomId))!;
    await a.log.append({
      records: [
        {
          ...{ kind: "receipt", roomNid: room.nid, roomId, userId: alice.userId },
          ...{ receiptType: "m.read", threadId: "", eventId, eventPosition: 1, ts: 1 },
        },
        {
          ...{ kind: "account_data", userId: alice.userId, roomNid: room.nid },
          ...{ type: "m.tag", content: "{}" },
        },
      ],
    });
    await read(other, alice, roomId);
    await world.flush();

    const id = await other.rooms.purges.room(alice.userId, roomId, WHOLE);
    const purge = await purgeEnd(a, id);
    expect(purge).toMatchObject({ kind: "room", state: "complete", roomId });
    expect(purge.report.putOut.toSorted()).toEqual([alice.userId, "@ann:a.test"].toSorted());
    expect(purge.report.aliases).toEqual(["#doomed:a.test"]);
    expect(await traces(a, room.nid, roomId)).toEqual(KNOWN);
    for (const on of [a, other]) {
      expect(await on.rooms.view.room(roomId)).toBeUndefined();
      expect(await on.rooms.view.membershipsOf(alice.userId)).not.toContainEqual(
        expect.objectContaining({ roomNid: room.nid }),
      );
      expect(await on.rooms.view.eventsById([eventId])).toEqual(new Map());
      await expect(read(on, alice, roomId)).rejects.toMatchObject({ status: 403 });
    }
    await world.flush();
    const there = (await b.rooms.view.room(roomId))!;
    expect(await b.rooms.view.joinedMembers(there.nid)).toEqual([bob.userId]);

    await forgetPurges(a.db.sql, Date.now() + 1);
    expect(await traces(a, room.nid, roomId)).toEqual(["purged_rooms"]);

    // It may be joined again, and is a new room to this server.
    await a.rooms.members.join({ by: alice, room: roomId, via: [b.name] });
    await say(b, bob, roomId, "welcome back");
    await world.flush();
    expect((await read(a, alice, roomId)).bodies).toContain("welcome back");
    expect((await a.rooms.view.room(roomId))!.nid).not.toBe(room.nid);
  });

  test("may block it: nobody joins, knocks or is invited until it is unblocked", async () => {
    const roomId = await publicRoom(world, [b, bob], [a, alice]);
    const id = await a.rooms.purges.room(alice.userId, roomId, { ...WHOLE, block: true });
    await purgeEnd(a, id);
    await world.flush();
    expect(await a.rooms.purges.blockedBy(roomId)).toBe(alice.userId);
    const join = { by: alice, room: roomId, via: [b.name] };
    const invite = { by: bob, roomId, userId: alice.userId };
    await expect(a.rooms.members.join(join)).rejects.toMatchObject({ status: 403 });
    await expect(a.rooms.members.knock(join)).rejects.toMatchObject({ status: 403 });
    await expect(b.rooms.members.invite(invite)).rejects.toMatchObject({ status: 403 });
    expect(await a.rooms.view.room(roomId)).toBeUndefined();
    await a.rooms.purges.setBlocked(alice.userId, roomId, false);
    await b.rooms.members.invite(invite);
    await a.rooms.members.join(join);
  });

  test("is refused while another one is under way, and blocks nothing then", async () => {
    const roomId = await sharedRoom();
    const { nid } = (await a.rooms.view.room(roomId))!;
    const other = { purgeId: "other", roomId, roomNid: nid, kind: "room", request: "{}" } as const;
    const { sql } = a.db;
    await insertPurge(sql, { ...other, status: "shutting_down" }, Date.now());
    const options = { ...WHOLE, block: true };
    const refused = a.rooms.purges.room(alice.userId, roomId, options);
    await expect(refused).rejects.toMatchObject({ status: 400, errcode: "M_UNKNOWN" });
    expect(await a.rooms.purges.blockedBy(roomId)).toBeUndefined();
    await notePurge(sql, other.purgeId, { status: "failed", ended: Date.now() });
    await purgeEnd(a, await a.rooms.purges.room(alice.userId, roomId, options));
    expect(await a.rooms.purges.blockedBy(roomId)).toBe(alice.userId);
  });

  test("may take those who are put out, and the aliases, to another room", async () => {
    const ann = a.user("ann");
    const roomId = await a.rooms.create.room(alice, {
      preset: "public_chat",
      room_alias_name: "moving",
    });
    await a.rooms.members.join({ by: ann, room: roomId });
    const newRoom = { by: a.user("warden").userId, name: "Waiting room", message: "Closed" };
    const id = await a.rooms.purges.room(alice.userId, roomId, { ...WHOLE, newRoom });
    const { report } = await purgeEnd(a, id);
    const to = report.newRoom!;
    expect((await read(a, ann, to)).bodies).toEqual(["Closed"]);
    const room = (await a.rooms.view.room(to))!;
    const members = await a.rooms.view.joinedMembers(room.nid);
    expect(members.toSorted()).toEqual([alice.userId, ann.userId, newRoom.by].toSorted());
    await expect(say(a, ann, to, "may I?")).rejects.toMatchObject({ status: 403 });
    const found = await a.rooms.directory.resolveLocal("#moving:a.test" as RoomAlias);
    expect(found?.roomId).toBe(to);
    expect(report.aliases).toEqual(["#moving:a.test"]);
    expect(await a.rooms.view.room(roomId)).toBeUndefined();
  });

  test("may put the users out alone; an unknown room can be blocked, and nothing else", async () => {
    const roomId = await sharedRoom();
    const purge = await purgeEnd(
      a,
      await a.rooms.purges.room(alice.userId, roomId, { ...WHOLE, purge: false }),
    );
    expect(purge.report.putOut).toEqual([alice.userId]);
    expect((await read(a, alice, roomId)).bodies).toEqual([]);
    const unknown = "!never:a.test" as RoomId;
    const by: UserId = alice.userId;
    await expect(a.rooms.purges.room(by, unknown, WHOLE)).rejects.toMatchObject({ status: 404 });
    await purgeEnd(a, await a.rooms.purges.room(by, unknown, { ...WHOLE, block: true }));
    expect((await a.rooms.purges.ofRoom(unknown)).map(({ state }) => state)).toEqual(["complete"]);
  });
});
