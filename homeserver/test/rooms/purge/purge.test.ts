/** Purges of history and of rooms, and what is left of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EventId, RoomAlias, RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { Actor, Purge } from "../../../src/rooms/index.ts";
import { ROOM_TABLES } from "../../../src/storage/rooms/purge-rows.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let alice: Actor;
let bob: Actor;

beforeAll(async () => {
  world = createWorld();
  [a, b] = [await world.server("a.test"), await world.server("b.test")];
  [alice, bob] = [a.user("alice"), b.user("bob")];
});
beforeEach(() => world.reset());
afterAll(() => world.close());

const say = (on: TestServer, by: Actor, roomId: RoomId, body: string): Promise<EventId> =>
  on.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });

async function sharedRoom(): Promise<RoomId> {
  const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  return roomId;
}

/** The newest hundred messages, and where the events before those begin, if there are any. */
async function read(on: TestServer, by: Actor, roomId: RoomId) {
  const page = await on.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  const events = page.chunk.map((text) => JSON.parse(text));
  const bodies = events.flatMap(({ content }) => (content.body as string | undefined) ?? []);
  const from = page.end;
  const before =
    from && (await on.rooms.history.messages(by, roomId, { dir: "b", from, limit: 1 }));
  return { bodies: bodies.toReversed(), end: before && before.chunk.length > 0 ? from : undefined };
}

async function ended(on: TestServer, purgeId: string): Promise<Purge> {
  for (;;) {
    const purge = await on.rooms.purges.one(purgeId);
    if (purge?.state === "complete" || purge?.state === "failed") return purge;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function stateOf(on: TestServer, roomId: RoomId): Promise<string[]> {
  const room = await on.rooms.view.room(roomId);
  const state = await on.rooms.view.currentState(room!.nid);
  return state.map(({ event }) => `${event.type} ${event.stateKey} ${event.eventId}`).toSorted();
}

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
    const state = await stateOf(a, roomId);

    const id = await a.rooms.purges.history(roomId, { eventId: first }, { localEvents: false });
    expect(await ended(a, id)).toMatchObject({ kind: "history", state: "complete" });
    expect(await read(a, alice, roomId)).toEqual({
      bodies: ["kept", "also kept"],
      end: undefined,
    });
    expect(JSON.parse(await a.rooms.history.event(alice, roomId, ours)).content.body).toBe("ours");
    expect(await stateOf(a, roomId)).toEqual(state);
    const left = await a.db.sql`
      SELECT 1 FROM events WHERE json LIKE ${'%"theirs %'} AND json LIKE ${`%${roomId}%`}`;
    expect(left).toHaveLength(0);

    // What was spared goes when it is asked for after all.
    const more = await a.rooms.purges.history(roomId, { eventId: first }, { localEvents: true });
    expect((await ended(a, more)).state).toBe("complete");
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
    expect(await stateOf(b, roomId)).toEqual(await stateOf(a, roomId));
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
    await ended(a, id);
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
    await ended(b, await b.rooms.purges.history(roomId, { eventId: first }, { localEvents: true }));
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
      expect((await ended(a, id)).state).toBe("complete");
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
    for (const id of ids) expect((await ended(a, id)).state).toBe("complete");
  });
});

test("every table that holds rows of rooms is known to the purge", async () => {
  const rows = await a.db.sql<{ table: string }[]>`
    SELECT table_name AS table FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'room_nid'`;
  const elsewhere = ["account_data", "events", "memberships", "purged_rooms", "purges", "rooms"];
  const known = new Set<string>([...ROOM_TABLES, ...elsewhere]);
  expect(rows.filter(({ table }) => !known.has(table))).toEqual([]);
});

const WHOLE = { block: false, purge: true, force: false };
/** They tell of the purge itself. */
const KNOWN = ["purged_rooms", "purges"];

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
          ...{
            kind: "receipt",
            roomNid: room.nid,
            roomId,
            userId: alice.userId,
            receiptType: "m.read",
          },
          ...{ threadId: "", eventId, eventPosition: 1, ts: 1 },
        },
        {
          kind: "account_data",
          userId: alice.userId,
          roomNid: room.nid,
          type: "m.tag",
          content: "{}",
        },
      ],
    });
    await read(other, alice, roomId);
    await world.flush();

    const id = await other.rooms.purges.room(alice.userId, roomId, WHOLE);
    const purge = await ended(a, id);
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

    // It may be joined again, and is a new room to this server.
    await a.rooms.members.join({ by: alice, room: roomId, via: [b.name] });
    await say(b, bob, roomId, "welcome back");
    await world.flush();
    expect((await read(a, alice, roomId)).bodies).toContain("welcome back");
    expect((await a.rooms.view.room(roomId))!.nid).not.toBe(room.nid);
  });

  test("may block it: nobody joins, knocks or is invited until it is unblocked", async () => {
    const roomId = await b.rooms.create.room(bob, { preset: "public_chat" });
    await a.rooms.members.join({ by: alice, room: roomId, via: [b.name] });
    await world.flush();
    const id = await a.rooms.purges.room(alice.userId, roomId, { ...WHOLE, block: true });
    await ended(a, id);
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

  test("may take those who are put out, and the aliases, to another room", async () => {
    const ann = a.user("ann");
    const roomId = await a.rooms.create.room(alice, {
      preset: "public_chat",
      room_alias_name: "moving",
    });
    await a.rooms.members.join({ by: ann, room: roomId });
    const newRoom = { by: a.user("warden").userId, name: "Waiting room", message: "Closed" };
    const id = await a.rooms.purges.room(alice.userId, roomId, { ...WHOLE, newRoom });
    const { report } = await ended(a, id);
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
    const purge = await ended(
      a,
      await a.rooms.purges.room(alice.userId, roomId, { ...WHOLE, purge: false }),
    );
    expect(purge.report.putOut).toEqual([alice.userId]);
    expect((await read(a, alice, roomId)).bodies).toEqual([]);
    const unknown = "!never:a.test" as RoomId;
    const by: UserId = alice.userId;
    await expect(a.rooms.purges.room(by, unknown, WHOLE)).rejects.toMatchObject({ status: 404 });
    await ended(a, await a.rooms.purges.room(by, unknown, { ...WHOLE, block: true }));
    expect((await a.rooms.purges.ofRoom(unknown)).map(({ state }) => state)).toEqual(["complete"]);
  });
});
