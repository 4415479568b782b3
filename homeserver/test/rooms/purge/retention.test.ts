/** Messages end when their time is over, for readers at once and in the tables soon. (MSC1763.) */
import { beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import {
  lifetimeIn,
  NO_RETENTION,
  type RetentionRules,
} from "../../../src/rooms/visibility/retention-rules.ts";
import { createPurgeSteps, deleteEnded } from "../../../src/rooms/purge/index.ts";
import { countEvents } from "../../../src/storage/administration/room-sizes.ts";
import { openWorld, publicRoom } from "../support/servers.ts";
import { stateAt } from "../support/what-it-has.ts";
import type { TestServer } from "../support/world.ts";
import { eventually } from "../../support/wait.ts";
import { purgeEnd } from "./purge-end.ts";
import { read } from "./purging.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const rules: { -readonly [K in keyof RetentionRules]: RetentionRules[K] } = { ...NO_RETENTION };

const world = openWorld();
const a = await world.server("a.test", { retention: rules });
const b = await world.server("b.test");
const c = await world.server("c.test");
const [alice, ann, bob] = [a.user("alice"), a.user("ann"), b.user("bob")];
const carol = c.user("carol");

beforeEach(() => {
  world.reset();
  Object.assign(rules, NO_RETENTION, { isOn: true });
});

const say = (on: TestServer, by: Actor, roomId: RoomId, body: string, ageMs = 0) =>
  on.rooms.send.message({
    ...{ by, roomId, type: "m.room.message", content: { body } },
    originServerTs: Date.now() - ageMs,
  });
const keepFor = (roomId: RoomId, content: object, type = "m.room.retention") =>
  a.rooms.send.state({ by: alice, roomId, type, stateKey: "", content: { ...content } });
const round = () => a.rooms.purges.ended(new AbortController().signal);
const bodies = async (on: TestServer, by: Actor, roomId: RoomId) =>
  (await read(on, by, roomId)).bodies;
async function stored(text: string): Promise<number> {
  const rows = await a.db.sql`SELECT 1 FROM events WHERE json LIKE ${`%${text}%`}`;
  return rows.length;
}

describe("how long a room's messages are kept", () => {
  const on = { ...NO_RETENTION, isOn: true };
  test.each<[string, RetentionRules, object | undefined, number | undefined]>([
    ["for ever, where messages do not end", NO_RETENTION, { max_lifetime: DAY }, undefined],
    ["for ever, where nothing is said", on, undefined, undefined],
    ["as the room says", on, { max_lifetime: DAY }, DAY],
    ["as the settings say, where the room does not", { ...on, usual: HOUR }, undefined, HOUR],
    ["as the room says, whatever is usual", { ...on, usual: HOUR }, { max_lifetime: DAY }, DAY],
    ["no shorter than the settings say", { ...on, shortest: DAY }, { max_lifetime: 0 }, DAY],
    ["no longer than the settings say", { ...on, longest: HOUR }, { max_lifetime: DAY }, HOUR],
    [
      "for ever, where the room names no end",
      { ...on, usual: HOUR },
      { min_lifetime: 5 },
      undefined,
    ],
    ["at most as the settings say then", { ...on, longest: DAY }, { min_lifetime: 5 }, DAY],
    ["for ever by what is no time", on, { max_lifetime: "1" }, undefined],
    ["for ever by less than none", on, { max_lifetime: -1 }, undefined],
  ])("%s", (_name, server, said, lifetime) => {
    expect(lifetimeIn(server, said && { ...said })).toBe(lifetime);
  });
});

describe("a message whose time is over", () => {
  test("is shown to nobody at once, and deleted, while state and newer messages stay", async () => {
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
    await say(a, alice, roomId, "old-of-a", 2 * DAY);
    await world.flush();
    await say(b, bob, roomId, "old-of-b", 2 * DAY);
    await world.flush();
    await say(a, alice, roomId, "new", HOUR);
    await world.flush();
    const state = await stateAt(a, roomId);
    expect(await bodies(a, alice, roomId)).toEqual(["old-of-a", "old-of-b", "new"]);
    await round();
    expect(await stored("old-of-")).toBe(2);

    await keepFor(roomId, { max_lifetime: DAY });
    await world.flush();
    rules.usual = HOUR / 2;
    await round();
    expect(await bodies(a, alice, roomId)).toEqual(["new"]);
    expect(await stored("old-of-")).toBe(0);
    expect(await stateAt(a, roomId)).toEqual(expect.arrayContaining(state));

    // The room lives on between the servers, one of which keeps everything.
    await say(b, bob, roomId, "newest");
    await world.flush();
    expect(await bodies(a, alice, roomId)).toEqual(["new", "newest"]);
    expect(await bodies(b, bob, roomId)).toEqual(["old-of-a", "old-of-b", "new", "newest"]);
    await a.rooms.members.join({ by: ann, room: roomId });
    expect(await bodies(a, ann, roomId)).toEqual(["new", "newest"]);
  });

  test("that is the newest stays, so that the next can name it, and is shown to nobody", async () => {
    const roomId = await publicRoom(world, [a, alice]);
    await keepFor(roomId, { max_lifetime: DAY }, "org.matrix.msc1763.retention");
    await say(a, alice, roomId, "older", 3 * DAY);
    await say(a, alice, roomId, "last-word", 2 * DAY);
    await round();
    expect(await bodies(a, alice, roomId)).toEqual([]);
    expect([await stored('"older"'), await stored("last-word")]).toEqual([0, 1]);
    const position = a.log.position;
    await round();
    // Nothing was to be done, so nobody was told.
    expect(a.log.position).toBe(position);
    await say(a, alice, roomId, "goes on");
    expect(await bodies(a, alice, roomId)).toEqual(["goes on"]);
    await round();
    expect(await stored("last-word")).toBe(0);
  });

  test("is not kept by one before it that claims to be from the future, nor takes younger ones along", async () => {
    const roomId = await publicRoom(world, [a, alice]);
    await keepFor(roomId, { max_lifetime: DAY });
    await say(a, alice, roomId, "from-the-future", -400 * DAY);
    await say(a, alice, roomId, "ended-1", 2 * DAY);
    await say(a, alice, roomId, "young", HOUR);
    await say(a, alice, roomId, "ended-2", 2 * DAY);
    await say(a, alice, roomId, "youngest");
    await round();
    expect(await bodies(a, alice, roomId)).toEqual(["young", "youngest"]);
    expect(await stored("from-the-future")).toBe(0);
    expect(await stored("ended-1")).toBe(0);
    // It waits for what came before it.
    expect(await stored("ended-2")).toBe(1);
  });

  test("is given to no other server", async () => {
    const roomId = await publicRoom(world, [a, alice], [b, bob]);
    const eventId = await say(a, alice, roomId, "secret", 2 * DAY);
    await world.flush();
    await say(a, alice, roomId, "newer");
    await keepFor(roomId, { max_lifetime: DAY });
    const asked = () => a.rooms.federation.event(b.name, eventId);
    expect(await asked()).toContain("secret");
    rules.isOn = false;
    await round();
    expect(await asked()).toContain("secret");
    rules.isOn = true;
    const stays = await publicRoom(world, [a, alice], [b, bob]);
    await keepFor(stays, { max_lifetime: DAY });
    const last = await say(a, alice, stays, "last-secret", 2 * DAY);
    await round();
    await expect(asked()).rejects.toMatchObject({ status: 404 });
    const ended = a.rooms.federation.event(b.name, last);
    await expect(ended).rejects.toMatchObject({ status: 404 });
    expect(await stored("last-secret")).toBe(1);
    const [newest] = await a.rooms.federation.backfill(b.name, stays, [last], 10);
    expect(JSON.parse(newest!).type).not.toBe("m.room.message");
    // Who joins by this server is none the worse for it.
    await c.rooms.members.join({ by: carol, room: stays, via: [a.name] });
    await world.flush();
    await say(c, carol, stays, "from c");
    await world.flush();
    expect(await bodies(a, alice, stays)).toEqual(["from c"]);
  });

  test("of a room that says nothing ends where the settings have a time for it", async () => {
    const roomId = await publicRoom(world, [a, alice]);
    await say(a, alice, roomId, "old", 2 * DAY);
    await say(a, alice, roomId, "new");
    await round();
    expect(await bodies(a, alice, roomId)).toEqual(["old", "new"]);
    rules.usual = DAY;
    await round();
    expect(await bodies(a, alice, roomId)).toEqual(["new"]);
    // Nor does a room take less than the settings allow.
    rules.shortest = DAY;
    await keepFor(roomId, { max_lifetime: 0 });
    await say(a, alice, roomId, "newest");
    await round();
    expect(await bodies(a, alice, roomId)).toEqual(["new", "newest"]);
  });

  test("takes along nothing that an earlier purge of history spared", async () => {
    const roomId = await publicRoom(world, [a, alice]);
    const spared = await say(a, alice, roomId, "spared", HOUR);
    const old = await say(a, alice, roomId, "spared-old", 2 * DAY);
    const eventId = await say(a, alice, roomId, "old", 2 * DAY);
    await purgeEnd(a, await a.rooms.purges.history(roomId, { eventId }, { localEvents: false }));
    await say(a, alice, roomId, "new");
    rules.usual = DAY;
    await round();
    const text = await a.rooms.history.event(alice, roomId, spared);
    expect(JSON.parse(text).content.body).toBe("spared");
    await expect(a.rooms.history.event(alice, roomId, old)).rejects.toMatchObject({ status: 404 });
    expect(await stored("spared-old")).toBe(0);
  });

  test("takes along nothing that is still to be fetched from other servers", async () => {
    const roomId = await publicRoom(world, [b, bob], [a, alice]);
    await say(a, alice, roomId, "before-leaving", 2 * DAY);
    await world.flush();
    // What was before its first join is fetched.
    expect(await bodies(a, alice, roomId)).toEqual(["before-leaving"]);
    await a.rooms.members.leave({ by: alice, roomId });
    await world.flush();
    for (let i = 0; i < 5; i++) await say(b, bob, roomId, `meanwhile ${i}`, HOUR);
    await say(b, bob, roomId, "old meanwhile", 2 * DAY);
    await world.flush();
    await a.rooms.members.join({ by: alice, room: roomId, via: [b.name] });
    await world.flush();
    await say(a, alice, roomId, "new");
    rules.usual = DAY;
    await round();
    expect(await stored("before-leaving")).toBe(0);
    const meanwhile = Array.from({ length: 5 }, (_, i) => `meanwhile ${i}`);
    await eventually("what was said meanwhile", async () => {
      return (await bodies(a, alice, roomId)).length === 6;
    });
    // What had ended came along with it.
    await round();
    expect(await bodies(a, alice, roomId)).toEqual([...meanwhile, "new"]);
    expect(await stored("before-leaving")).toBe(0);
  });

  test("is told of, and counted off, by the next round where one was cut off after deleting it", async () => {
    const roomId = await publicRoom(world, [a, alice]);
    await say(a, alice, roomId, "cut-old", 2 * DAY);
    await say(a, alice, roomId, "cut-new");
    const { nid } = (await a.rooms.view.room(roomId))!;
    const { sql } = a.db;
    const countsAll = async () => {
      const [row] = await sql<{ isRight: boolean }[]>`
        SELECT s.events = (SELECT count(*) FROM events WHERE room_nid = ${nid} AND position IS NOT NULL)
          AS "isRight"
        FROM room_sizes s WHERE room_nid = ${nid}`;
      return row?.isRight;
    };
    while (await countEvents(sql));
    expect(await countsAll()).toBe(true);
    rules.usual = DAY;
    const cut = deleteEnded({
      ...{ sql, clock: systemClock, logger: silentLogger(), leases: undefined, rules },
      lifetimes: {
        ...{ isOver: () => false, refresh: async () => {}, stop: async () => {} },
        of: (room) => (room === nid ? DAY : undefined),
      },
      isPartial: async () => false,
      steps: createPurgeSteps({
        ...{ sql, clock: systemClock, serverName: a.name, members: a.rooms.members },
        log: { ...a.log, append: () => Promise.reject(new Error("killed")) },
      }),
    });
    await cut.round(new AbortController().signal);
    await cut.stop();
    expect([await stored("cut-old"), await countsAll()]).toEqual([0, false]);
    const isBegun = async () => {
      const rows = await sql`SELECT FROM rooms WHERE room_nid = ${nid} AND purge_begun`;
      return rows.length === 1;
    };
    expect(await isBegun()).toBe(true);

    const told: unknown[] = [];
    a.log.follow({
      phase: "readers",
      kinds: ["purge"],
      take: (records) => void told.push(...records),
    });
    // By then nothing ends any more.
    rules.usual = undefined;
    await round();
    expect([await countsAll(), await isBegun()]).toEqual([true, false]);
    expect(told).toEqual([expect.objectContaining({ kind: "purge", roomId, whole: false })]);
    await round();
    expect(told).toHaveLength(1);
  });
});
