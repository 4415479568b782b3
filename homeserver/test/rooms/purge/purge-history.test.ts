import { describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { ROOM_TABLES } from "../../../src/storage/rooms/purge-rows.ts";
import { purgeEnd } from "./purge-end.ts";
import { a, alice, b, bob, read, say, sharedRoom, world } from "./purging.ts";
import { stateAt } from "../support/what-it-has.ts";

describe("a purge of history", () => {
  test("ends the room's history cleanly before an event, and keeps what this server's users sent", async () => {
    const roomId = await sharedRoom();
    const ours = await say(a, alice, roomId, "ours");
    await world.flush();
    for (let i = 0; i < 5; i++) await say(b, bob, roomId, `theirs ${i}`);
    await world.flush();
    const theirs = (await read(a, alice, roomId)).bodies;
    expect(theirs).toHaveLength(6);
    const first = await say(a, alice, roomId, "kept");
    await world.flush();
    await say(b, bob, roomId, "also kept");
    await world.flush();
    const state = await stateAt(a, roomId);

    const id = await a.rooms.purges.history(roomId, { eventId: first }, { localEvents: false });
    expect(await purgeEnd(a, id)).toMatchObject({ kind: "history", state: "complete" });
    expect(await read(a, alice, roomId)).toEqual({
      bodies: ["kept", "also kept"],
      end: undefined,
    });
    expect(JSON.parse(await a.rooms.history.event(alice, roomId, ours)).content.body).toBe("ours");
    expect(await stateAt(a, roomId)).toEqual(state);
    const left = await a.db.sql`
      SELECT 1 FROM events WHERE json LIKE ${'%"theirs %'} AND json LIKE ${`%${roomId}%`}`;
    expect(left).toHaveLength(0);

    // What was spared goes when it is asked for after all.
    const more = await a.rooms.purges.history(roomId, { eventId: first }, { localEvents: true });
    expect((await purgeEnd(a, more)).state).toBe("complete");
    await expect(a.rooms.history.event(alice, roomId, ours)).rejects.toMatchObject({ status: 404 });
    expect((await read(a, alice, roomId)).bodies).toEqual(["kept", "also kept"]);

    // The room lives on, here and between the servers.
    await say(b, bob, roomId, "from b");
    await world.flush();
    await a.rooms.members.join({ by: a.user("ann"), room: roomId });
    await say(a, alice, roomId, "from a");
    await world.flush();
    expect((await read(a, a.user("ann"), roomId)).bodies).toContain("from a");
    expect((await read(b, bob, roomId)).bodies).toEqual([
      ...theirs,
      ...["kept", "also kept", "from b", "from a"],
    ]);
    expect(await stateAt(b, roomId)).toEqual(await stateAt(a, roomId));
  });

  test("takes local messages on request, and what comes again from elsewhere is not news", async () => {
    const roomId = await sharedRoom();
    await say(a, alice, roomId, "ours");
    await world.flush();
    const theirs = await say(b, bob, roomId, "theirs");
    await world.flush();
    await say(a, alice, roomId, "newest");
    await world.flush();
    const long = Date.now() + 1e9;
    const id = await a.rooms.purges.history(roomId, { ts: long }, { localEvents: true });
    await purgeEnd(a, id);
    expect((await read(a, alice, roomId)).bodies).toEqual(["newest"]);
    const { pdu } = (await b.rooms.view.eventsById([theirs])).get(theirs)!.event;
    await a.rooms.federation.receive(b.name, [JSON.parse(JSON.stringify(pdu))]);
    expect((await read(a, alice, roomId)).bodies).toEqual(["newest"]);
    expect(await a.rooms.federation.backfill(b.name, roomId, [theirs], 10)).toEqual([]);
  });

  test("clears gaps, so that nobody is asked for what was purged", async () => {
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    for (let i = 0; i < 5; i++) await say(a, alice, roomId, `${i}`);
    world.reset();
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    const first = await say(b, bob, roomId, "first");
    await world.flush();
    await purgeEnd(
      b,
      await b.rooms.purges.history(roomId, { eventId: first }, { localEvents: true }),
    );
    world.reset();
    expect(await read(b, bob, roomId)).toEqual({ bodies: ["first"], end: undefined });
    expect(world.calls.get("backfill")).toBeUndefined();
  });

  test("works through more than one batch, and is done again harmlessly", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    const sending: Promise<EventId>[] = [];
    for (let i = 0; i < 1_300; i++) sending.push(say(a, alice, roomId, `${i}`));
    await Promise.all(sending);
    const last = await say(a, alice, roomId, "last");
    for (let turn = 0; turn < 2; turn++) {
      const id = await a.rooms.purges.history(roomId, { eventId: last }, { localEvents: true });
      expect((await purgeEnd(a, id)).state).toBe("complete");
      expect(await read(a, alice, roomId)).toEqual({ bodies: ["last"], end: undefined });
    }
    const [{ count }] = await a.db.sql<[{ count: number }]>`
      SELECT count(*) FROM client_transactions WHERE user_id = ${alice.userId}`;
    expect(count).toBeLessThan(100);
  });

  test("is refused for unknown rooms and events, and while another is under way", async () => {
    const roomId = await a.rooms.create.room(alice, {});
    const options = { localEvents: true };
    await expect(
      a.rooms.purges.history("!no:a.test" as RoomId, { ts: 1 }, options),
    ).rejects.toMatchObject({ status: 404 });
    await expect(
      a.rooms.purges.history(roomId, { eventId: "$no" as EventId }, options),
    ).rejects.toMatchObject({ status: 404 });
    const both = await Promise.allSettled([
      a.rooms.purges.history(roomId, { ts: 1 }, options),
      a.rooms.purges.history(roomId, { ts: 1 }, options),
    ]);
    const ids = both.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    for (const id of ids) expect((await purgeEnd(a, id)).state).toBe("complete");
  });
});

test("every table that holds rows of rooms is known to the purge", async () => {
  const rows = await a.db.sql<{ table: string }[]>`
    SELECT table_name AS table FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'room_nid'`;
  const elsewhere = ["account_data", "events", "memberships", "purged_rooms", "purges", "rooms"];
  // Kept until the purge is forgotten: `stays` is a view of memberships and past_stays.
  const later = ["past_stays", "partial_times", "stays"];
  const known = new Set<string>([...ROOM_TABLES, ...elsewhere, ...later]);
  expect(rows.filter(({ table }) => !known.has(table))).toEqual([]);
});
