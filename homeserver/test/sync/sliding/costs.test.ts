/** What sliding sync costs: statements, and rows that are written. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryWake } from "../../../src/log/wake.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { createConnections } from "../../../src/sync/sliding/connections.ts";
import { newConnection } from "../../../src/sync/sliding/connection-state.ts";
import { parseSlidingBody } from "../../../src/sync/index.ts";
import { until } from "../../support/wait.ts";
import type { Body } from "../../support/user.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "../support.ts";

let statements: string[] = [];
let world: SyncWorld;

beforeAll(async () => {
  const wake = createMemoryWake({ shared: true });
  const hold = (statement: string) => void statements.push(statement);
  world = await createSyncWorld({ wake, hold });
});
afterAll(() => world.close());

const LIST = {
  timeline_limit: 3,
  required_state: [
    ["m.room.member", "$LAZY"],
    ["m.room.member", "$ME"],
    ["m.room.encryption", ""],
    ["m.room.topic", "*"],
  ],
  filters: { not_room_types: ["m.space"] },
};
const EXTENSIONS = Object.fromEntries(
  ["to_device", "e2ee", "account_data", "receipts", "typing"].map((name) => [
    name,
    { enabled: true },
  ]),
);

async function ask(
  on: SyncWorld,
  { userId }: SyncUser,
  pos: string | undefined,
  more: object = {},
): Promise<Body> {
  const body = { lists: { all: { ...LIST, ...more } }, extensions: EXTENSIONS } as never;
  const text = await on.sync.sliding({
    ...{ userId, deviceId: "DEVICE", pos, timeout: 0 },
    body: parseSlidingBody(body, userId),
    signal: () => new AbortController().signal,
  });
  return JSON.parse(text);
}

/** Rooms of all kinds: with names and without, encrypted, read, with edits; invites and ends. */
async function roomsOf(reader: SyncUser, count: number): Promise<RoomId[]> {
  const { rooms } = world;
  const host = world.user(`host-of-${reader.by.userId.slice(1).split(":")[0]}`);
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const named = at % 2 === 0 ? { name: `Room ${at}`, topic: "T" } : {};
      const roomId = await rooms.create.room(host.by, { preset: "public_chat", ...named });
      if (at % 7 === 6) {
        await rooms.members.invite({ by: host.by, roomId, userId: reader.userId });
        return roomId;
      }
      await rooms.members.join({ by: reader.by, room: roomId });
      const sent = await host.send(roomId, "one");
      await reader.send(roomId, "two");
      await host.send(roomId, "* one", {
        "m.new_content": { msgtype: "m.text", body: "one" },
        "m.relates_to": { rel_type: "m.replace", event_id: sent },
      });
      if (at % 3 === 0) await reader.read(roomId, sent);
      if (at % 5 === 4) {
        await rooms.members.kick({ by: host.by, roomId, userId: reader.userId });
      }
      return roomId;
    }),
  );
}

test("the statements of an answer do not grow with the rooms, neither of the first nor of later ones", async () => {
  const [few, many, before] = [world.user("few"), world.user("many"), world.user("before")];
  await roomsOf(before, 7);
  const rooms = new Map([
    [few, await roomsOf(few, 14)],
    [many, await roomsOf(many, 112)],
  ]);
  const fresh = await world.again();
  // A process reads some things when it starts, and with the first request.
  await ask(fresh, before, undefined);
  const counts = new Map<SyncUser, number[]>();
  for (const [reader, ofReader] of rooms) {
    statements = [];
    const first = await ask(fresh, reader, undefined);
    const counted = [statements.length];
    expect(Object.keys(first.rooms)).toHaveLength(ofReader.length);
    const grown = await ask(fresh, reader, first.pos, { timeline_limit: 5 });
    for (const roomId of ofReader) {
      const membership = first.rooms[roomId].membership;
      if (membership === "join") await reader.send(roomId, "three");
    }
    await until(() => fresh.log.position >= world.log.position);
    statements = [];
    const later = await ask(fresh, reader, grown.pos, { timeline_limit: 5 });
    counted.push(statements.length);
    const told = ofReader.filter((roomId) => first.rooms[roomId].membership === "join");
    expect(Object.keys(later.rooms).sort()).toEqual(told.toSorted());
    counts.set(reader, counted);
  }
  await fresh.stop();
  const [[fewFirst, fewLater], [manyFirst, manyLater]] = [counts.get(few)!, counts.get(many)!];
  // They are as many, but for what the database answers when. The rooms are eight times as many.
  expect(manyFirst).toBeLessThan(3 * fewFirst!);
  expect(manyLater).toBeLessThan(3 * fewLater!);
});

test("answers in which nothing falls behind write nothing, and idle ones read nothing", async () => {
  const reader = world.user("idle");
  const [roomId] = await roomsOf(reader, 2);
  const first = await ask(world, reader, undefined);
  const versionOf = (body: Body) => body.pos.split("-").at(-1);
  await reader.send(roomId!, "news");
  statements = [];
  const news = await ask(world, reader, first.pos);
  expect(Object.keys(news.rooms)).toEqual([roomId]);
  const isWrite = (statement: string) => /^\s*(INSERT|UPDATE|DELETE|WITH)/.test(statement);
  expect(statements.filter(isWrite)).toEqual([]);
  expect(versionOf(news)).toBe(versionOf(first));
  // What was delivered of messages for the device is deleted beside the answer, once.
  await ask(world, reader, news.pos);
  statements = [];
  const nothing = await ask(world, reader, news.pos);
  expect(nothing.rooms).toEqual({});
  expect(statements.filter((statement) => statement.includes("sliding_connections"))).toEqual([]);
  expect(versionOf(nothing)).toBe(versionOf(first));
});

test("a receipt from before a restart brings the new counts", async () => {
  const reader = world.user("receipts");
  const [roomId] = await roomsOf(reader, 1);
  const sent = await world.user("host-of-receipts").send(roomId!, "unread");
  const first = await ask(world, reader, undefined);
  expect(first.rooms[roomId!].notification_count).toBe(1);
  await reader.read(roomId!, sent);
  const fresh = await world.again();
  const news = await ask(fresh, reader, first.pos);
  expect(news.rooms[roomId!].notification_count).toBe(0);
  expect((await ask(fresh, reader, news.pos)).rooms).toEqual({});
  await fresh.stop();
});

test("a member who was sent before one left and came back is sent again, on whatever replica", async () => {
  const [reader, host] = [world.user("comeback"), world.user("host-of-comeback")];
  const [roomId] = await roomsOf(reader, 1);
  const other = await world.again();
  const settled = () =>
    until(() => other.log.position === world.log.position && other.log.position > 0);
  const membersIn = (body: Body) =>
    (body.rooms[roomId!]?.required_state ?? []).flatMap((event: Body) =>
      event.type === "m.room.member" ? [event.state_key] : [],
    );
  const first = await ask(world, reader, undefined);
  expect(membersIn(first)).toContain(host.userId);
  const without = { timeline_limit: 1 };
  await world.rooms.members.leave({ by: reader.by, roomId: roomId! });
  await settled();
  const gone = await ask(other, reader, first.pos, without);
  await world.rooms.members.join({ by: reader.by, room: roomId! });
  await settled();
  const back = await ask(other, reader, gone.pos, without);
  expect(back.rooms[roomId!].initial).toBe(true);
  expect(membersIn(back)).toEqual([reader.userId]);
  await host.send(roomId!, "hello");
  const next = await ask(world, reader, back.pos, without);
  expect(membersIn(next)).toContain(host.userId);
  await other.stop();
});

test("a client that wants something else of each room is told again, rather than remembered", async () => {
  const reader = world.user("choosy");
  const ids = await Promise.all(
    Array.from({ length: 70 }, () => world.rooms.create.room(reader.by, { preset: "public_chat" })),
  );
  const subscriptions = ids.map((id, at) => {
    const required_state = [
      ["m.room.create", ""],
      [`x.${at}.${"y".repeat(at === 0 ? 300_000 : 10)}`, ""],
    ];
    return [id, { required_state }] as const;
  });
  const request = async (pos: string | undefined): Promise<Body> => {
    const body = { room_subscriptions: Object.fromEntries(subscriptions) };
    const text = await world.sync.sliding({
      ...{ userId: reader.userId, deviceId: "DEVICE", pos, timeout: 0 },
      body: parseSlidingBody(body, reader.userId),
      signal: () => new AbortController().signal,
    });
    return JSON.parse(text);
  };
  const first = await request(undefined);
  expect(Object.keys(first.rooms)).toHaveLength(70);
  const again = await request(first.pos);
  const told = Object.values<Body>(again.rooms);
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThan(15);
  for (const news of told) {
    expect(news).not.toHaveProperty("initial");
    expect(news.required_state.map(({ type }: Body) => type)).toEqual(["m.room.create"]);
  }
});

test("of a device's connections the oldest end when there are more than eight", async () => {
  const { sql } = world.database;
  const key = (at: number, deviceId = "D") => ({
    ...{ userId: "@many:test.example", deviceId, connId: `connection ${at}` },
  });
  const connections = createConnections({ sql, now: Date.now });
  await connections.save(key(0, "OTHER"), undefined, newConnection(1));
  const versions: number[] = [];
  for (let at = 0; at < 9; at += 1) {
    versions.push(await connections.save(key(at), undefined, newConnection(1)));
  }
  const another = createConnections({ sql, now: Date.now });
  for (let at = 1; at < 9; at += 1) await another.load(key(at), versions[at]!);
  const unknown = { errcode: "M_UNKNOWN_POS" };
  await expect(another.load(key(0), versions[0]!)).rejects.toMatchObject(unknown);
  const next = connections.save(key(0), versions[0], newConnection(1));
  await expect(next).rejects.toMatchObject(unknown);
});

test("a connection that nobody used for a month ends; one in use stays", async () => {
  const { sql } = world.database;
  let time = Date.UTC(2026, 0, 1);
  const day = 24 * 3_600_000;
  const create = () => createConnections({ sql, now: () => time });
  let connections = create();
  const key = (connId: string) => ({ userId: "@month:test.example", deviceId: "D", connId });
  const [used, unused] = [
    await connections.save(key("used"), undefined, newConnection(1)),
    await connections.save(key("unused"), undefined, newConnection(1)),
  ];
  for (let at = 0; at < 31; at += 1) {
    time += day + 1;
    await connections.load(key("used"), used);
  }
  await connections.save(key("new"), undefined, newConnection(1));
  connections = create();
  await connections.load(key("used"), used);
  await expect(connections.load(key("unused"), unused)).rejects.toMatchObject({
    errcode: "M_UNKNOWN_POS",
  });
});
