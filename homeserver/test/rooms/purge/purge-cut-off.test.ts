/** What a purge of a room reports, and whom it moves, although the server dies amid it. */
import { expect, test } from "vitest";
import { systemClock } from "../../../src/platform/clock.ts";
import type { RoomAlias, RoomId } from "../../../src/protocol/identifiers.ts";
import { createSuccessors } from "../../../src/rooms/purge/successor.ts";
import { createPurgeSteps, type NotedReport } from "../../../src/rooms/purge/steps.ts";
import { openWorld } from "../support/servers.ts";
import type { TestServer } from "../support/world.ts";
import { purgeEnd } from "./purge-end.ts";

const world = openWorld();
const NAMES = ["alice", "ann", "bea"];
/** More commits than such a purge needs. */
const MAX_COMMITS = 40;

async function crowdedRoom(on: TestServer, alias: string) {
  const [alice, ...others] = NAMES.map((name) => on.user(name));
  const roomId = await on.rooms.create.room(alice!, {
    preset: "public_chat",
    room_alias_name: alias,
  });
  for (const by of others) await on.rooms.members.join({ by, room: roomId });
  return roomId;
}

const joinedIn = async (on: TestServer, roomId: RoomId) => {
  const room = (await on.rooms.view.room(roomId))!;
  return (await on.rooms.view.joinedMembers(room.nid)).toSorted();
};

test("whichever commit is the last before the server dies, all are put out, named and moved", async () => {
  let server = await world.server("a.test");
  const users = NAMES.map((name) => server.user(name).userId);
  const warden = server.user("warden").userId;
  let cuts = 0;
  for (let isWhole = false; !isWhole; cuts += 1) {
    expect(cuts).toBeLessThan(MAX_COMMITS);
    const alias = `moving-${cuts}`;
    const roomId = await crowdedRoom(server, alias);
    const died = server.dieAfter(cuts);
    const newRoom = { by: warden, name: "Waiting room", message: "Closed" };
    const options = { block: false, purge: cuts % 2 === 0, force: false, newRoom };
    const id = await server.rooms.purges.room(warden, roomId, options);
    isWhole = await Promise.race([died.then(() => false), purgeEnd(server, id).then(() => true)]);
    const next = await world.replica(server, { isInstead: true });
    const { state, report } = await purgeEnd(next, id);
    expect([cuts, state, report.putOut.toSorted(), report.notPutOut]).toEqual([
      ...[cuts, "complete", users.toSorted(), []],
    ]);
    expect([cuts, report.aliases]).toEqual([cuts, [`#${alias}:a.test`]]);
    expect(report).not.toHaveProperty("leaving");
    expect(await joinedIn(next, report.newRoom!)).toEqual([...users, warden].toSorted());
    const found = await next.rooms.directory.resolveLocal(`#${alias}:a.test` as RoomAlias);
    expect(found?.roomId).toBe(report.newRoom);
    server = next;
  }
  // Deaths between the departures, and between the joins, were among them.
  expect(cuts).toBeGreaterThan(2 * NAMES.length);
}, 240_000);

test("whoever has left the new room is not brought back when the move is repeated", async () => {
  const server = await world.server("d.test");
  const [old, to] = [await crowdedRoom(server, "old"), await crowdedRoom(server, "new")];
  const [alice, ann, bea] = NAMES.map((name) => server.user(name));
  await server.rooms.members.leave({ by: ann!, roomId: to });
  await server.rooms.members.ban({ by: alice!, roomId: to, userId: bea!.userId });
  const carl = server.user("carl");
  const { members, create, send } = server.rooms;
  const successors = createSuccessors({ sql: server.db.sql, members, create, send });
  const users = [alice, ann, bea, carl].map((user) => user!.userId);
  await successors.moveIn(old, to, users, new AbortController().signal);
  expect(await joinedIn(server, to)).toEqual([alice!.userId, carl.userId].toSorted());
});

/** The steps of a server, where something happens after each departure. */
const stepsOf = (on: TestServer, afterLeave: () => void) =>
  createPurgeSteps({
    ...{ sql: on.db.sql, log: on.log, clock: systemClock, serverName: on.name },
    members: {
      async leave(request) {
        await on.rooms.members.leave(request);
        afterLeave();
      },
    },
  });

test("whoever was put out before a stop is named when it goes on", async () => {
  const server = await world.server("b.test");
  const roomId = await crowdedRoom(server, "stopped");
  const room = (await server.rooms.view.room(roomId))!;
  const users = NAMES.map((name) => server.user(name).userId);
  let noted: NotedReport = { putOut: [], notPutOut: [], aliases: [], leaving: [] };
  const putOut = (stopping: AbortController, departures: number) => {
    let left = departures;
    const steps = stepsOf(server, () => {
      left -= 1;
      if (left === 0) stopping.abort();
    });
    return steps.putOut(room, noted, undefined, stopping.signal, async (report) => {
      noted = report;
    });
  };
  // The last one, too: nothing is left to do then but to note it.
  for (const departures of [1, 2]) {
    await expect(putOut(new AbortController(), departures)).rejects.toThrow("abort");
    expect(noted).toMatchObject({ aliases: [] });
  }
  expect(await joinedIn(server, roomId)).toEqual([]);
  const report = await putOut(new AbortController(), Infinity);
  expect(report.putOut.toSorted()).toEqual(users.toSorted());
  expect(report).toMatchObject({ notPutOut: [], aliases: ["#stopped:b.test"], leaving: [] });
  expect(noted).toEqual(report);
});

test("rows are deleted together with the note of how many they are", async () => {
  const server = await world.server("c.test");
  const roomId = await crowdedRoom(server, "counted");
  const room = (await server.rooms.view.room(roomId))!;
  const { sql } = server.db;
  const eventsLeft = async () => {
    const rows = await sql`SELECT 1 FROM events WHERE room_nid = ${room.nid}`;
    return rows.length;
  };
  const events = await eventsLeft();
  const steps = stepsOf(server, () => {});
  const { signal } = new AbortController();
  const cut = async () => {
    throw new Error("cut off");
  };
  await expect(steps.room(room, signal, cut)).rejects.toThrow("cut off");
  expect(await eventsLeft()).toBe(events);
  const counts: number[] = [];
  await steps.room(room, signal, async (_, deleted) => void counts.push(deleted));
  expect(counts[0]).toBe(events);
  expect(await eventsLeft()).toBe(0);
});
