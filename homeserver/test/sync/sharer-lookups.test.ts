/** Whom the change of a device list concerns is looked up, while everything else goes on. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWake } from "../../src/log/wake.ts";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { caughtUp } from "../support/caught-up.ts";
import { eventually, nextTurn } from "../support/wait.ts";
import { createSyncWorld, joinedRoom, type SyncUser, type SyncWorld, texts } from "./support.ts";

const LAZY = { filter: { room: { state: { lazy_load_members: true } } } };

let world: SyncWorld;
let alice: SyncUser;
let bob: SyncUser;
let carol: SyncUser;
/** Look-ups that are held back. */
let held: { go(): void; fail(): void }[];
let isHolding: boolean;

/** The statement that looks up whom changes concern. */
const isLookUp = (statement: string) =>
  /SELECT DISTINCT user_id AS "userId", room_nid/.test(statement);

beforeEach(async () => {
  [held, isHolding] = [[], false];
  world = await createSyncWorld({
    hold: (statement) =>
      isHolding && isLookUp(statement)
        ? new Promise((resolve, reject) => {
            held.push({ go: resolve, fail: () => reject(new Error("the database is away")) });
          })
        : undefined,
  });
  [alice, bob, carol] = [world.user("alice"), world.user("bob"), world.user("carol")];
});
afterEach(() => world.close());

const changeDevice = (of: SyncUser) =>
  world.log.append({
    records: [{ kind: "device_list", userId: of.userId, deviceId: "D", isRemoved: false }],
  });

function release(how: "go" | "fail" = "go"): void {
  isHolding = false;
  for (const one of held.splice(0)) one[how]();
}

/** Lets that many turns of the process pass. */
const pass = (turns: number): Promise<void> =>
  turns === 0 ? nextTurn() : nextTurn().then(() => pass(turns - 1));

/** A room of Alice's and Bob's, and a token of Alice's from which messages are told from memory. */
async function quickRoom(): Promise<{ roomId: RoomId; since: string }> {
  const roomId = await world.rooms.create.room(alice.by, { preset: "public_chat" });
  await world.rooms.members.join({ by: bob.by, room: roomId });
  let { next_batch: since } = await alice.sync(undefined, LAZY);
  for (const text of ["warm", "warm, too"]) {
    await bob.send(roomId, text);
    ({ next_batch: since } = await alice.sync(since, LAZY));
  }
  isHolding = true;
  return { roomId, since };
}

test("until it is known, no sync passes the change, and afterwards it is told with the rest", async () => {
  const { roomId, since } = await quickRoom();
  await bob.send(roomId, "before");
  const quick = alice.syncNow(since, LAZY);
  expect(texts(joinedRoom(quick, roomId))).toEqual(["before"]);
  await bob.send(roomId, "right before");
  await changeDevice(bob);
  await bob.send(roomId, "after");
  // Up to the change memory can tell.
  const upTo = alice.syncNow(quick.next_batch, LAZY);
  expect(texts(joinedRoom(upTo, roomId))).toEqual(["right before"]);
  expect(alice.syncNow(upTo.next_batch, LAZY)).toBeUndefined();
  const waiting = alice.sync(upTo.next_batch, LAZY);
  release();
  const body = await waiting;
  expect(body.device_lists).toEqual({ changed: [bob.userId], left: [] });
  expect(texts(joinedRoom(body, roomId))).toEqual(["after"]);
});

test("whom it does not concern gets messages from memory again", async () => {
  const { roomId, since } = await quickRoom();
  await changeDevice(carol);
  await bob.send(roomId, "after");
  const waiting = alice.sync(since, LAZY);
  world.queries();
  release();
  const body = await waiting;
  expect(texts(joinedRoom(body, roomId))).toEqual(["after"]);
  expect(body).not.toHaveProperty("device_lists");
  expect(world.queries()).toBe(0);
});

test("a long-poll is woken by it once it is known", async () => {
  const { since } = await quickRoom();
  const waiting = alice.sync(since, { ...LAZY, timeout: 30_000 });
  await changeDevice(bob);
  await eventually("the look-up has begun", () => held.length > 0);
  release();
  expect((await waiting).device_lists).toEqual({ changed: [bob.userId], left: [] });
});

test("who leaves and comes back in the meantime is told of", async () => {
  const { roomId, since } = await quickRoom();
  await changeDevice(bob);
  await world.rooms.members.leave({ by: bob.by, roomId });
  await world.rooms.members.join({ by: bob.by, room: roomId });
  release();
  expect((await alice.sync(since, LAZY)).device_lists).toEqual({ changed: [bob.userId], left: [] });
});

test("who comes into the room in the meantime is told of", async () => {
  const { roomId } = await quickRoom();
  const { next_batch: since } = await alice.sync(undefined, LAZY);
  await changeDevice(carol);
  await world.rooms.members.join({ by: carol.by, room: roomId });
  release();
  const told = { changed: [carol.userId], left: [] };
  expect((await alice.sync(since, LAZY)).device_lists).toEqual(told);
});

test("where it can't be known, everybody looks", async () => {
  const { roomId, since } = await quickRoom();
  await changeDevice(bob);
  await bob.send(roomId, "after");
  const waiting = alice.sync(since, LAZY);
  release("fail");
  expect((await waiting).device_lists).toEqual({ changed: [bob.userId], left: [] });
});

test("in a storm of changes on two replicas, clients end with the truth", async () => {
  const wake = createMemoryWake({ shared: true });
  let turn = 0;
  const hold = (statement: string) => {
    turn += 1;
    return isLookUp(statement) && turn % 3 > 0 ? pass((turn * 7) % 300) : undefined;
  };
  const one = await createSyncWorld({ wake, hold });
  const two = await one.again();
  const replicas = [one, two];
  const names = ["a", "b", "c", "d", "e"];
  const ids = names.map((name) => one.user(name).userId);
  const versions = new Map(ids.map((id) => [id, 0]));
  const rooms: RoomId[] = [];
  for (const userId of ids.slice(0, 3)) {
    rooms.push(await one.rooms.create.room({ userId, deviceId: "D" }, { preset: "public_chat" }));
  }
  let isOver = false;

  /** What a device knows of others' devices, by what it is told. */
  async function client(
    index: number,
  ): Promise<{ known: Map<string, number>; end(): Promise<void> }> {
    const known = new Map<string, number>();
    const user = (on: number) => replicas[on]!.user(names[index]!);
    let { next_batch: since } = await user(0).sync(undefined, LAZY);
    async function step(on: number, timeout: number): Promise<void> {
      const body = await user(on).sync(since, { ...LAZY, timeout });
      for (const other of body.device_lists?.changed ?? []) known.set(other, versions.get(other)!);
      for (const other of body.device_lists?.left ?? []) known.delete(other);
      since = body.next_batch;
    }
    const running = (async () => {
      for (let round = 0; !isOver; round += 1) await step((round + index) % 2, 15);
    })();
    return {
      known,
      async end() {
        await running;
        for (const on of [0, 1, 0]) await step(on, 0);
      },
    };
  }

  const clients = await Promise.all(names.map((_, index) => client(index)));
  const actor = async (index: number): Promise<void> => {
    const userId = ids[index]!;
    const by = { userId, deviceId: "D" };
    for (let round = 0; round < 40; round += 1) {
      const { rooms: engine, log } = replicas[(round + index) % 2]!;
      const roomId = rooms[(round * 5 + index * 3) % rooms.length]!;
      if (round % 3 === 0) {
        versions.set(userId, versions.get(userId)! + 1);
        await log.append({
          records: [{ kind: "device_list", userId, deviceId: "D", isRemoved: false }],
        });
      } else if (round % 3 === 1) {
        await engine.members.join({ by, room: roomId }).catch(() => undefined);
        const message = { by, roomId, type: "m.room.message", content: { body: "hi" } };
        await engine.send.message(message).catch(() => undefined);
      } else await engine.members.leave({ by, roomId }).catch(() => undefined);
    }
  };
  await Promise.all(ids.map((_, index) => actor(index)));
  isOver = true;
  for (const { log, database } of replicas) await caughtUp(log, database.sql);
  for (const [index, { known, end }] of clients.entries()) {
    await end();
    const shared = new Set<string>([ids[index]!]);
    for (const { roomNid, membership } of await two.rooms.view.membershipsOf(ids[index]!)) {
      if (membership !== "join") continue;
      for (const other of await two.rooms.view.joinedMembers(roomNid)) shared.add(other);
    }
    expect(known).toEqual(new Map([...versions].filter(([other]) => shared.has(other))));
  }
  await two.stop();
  await one.close();
}, 120_000);
