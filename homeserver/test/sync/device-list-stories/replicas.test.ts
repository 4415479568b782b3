/**
 * Whatever happens in rooms and to devices, what clients are told of device lists is the truth, on
 * two replicas of one server.
 */
import { afterAll, beforeAll } from "vitest";
import { createMemoryWake } from "../../../src/log/wake.ts";
import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import { caughtUp } from "../../support/caught-up.ts";
import { createTracker, createTruth, expectTrue, type Truth } from "./truth.ts";
import { createSyncWorld, type SyncWorld } from "../support.ts";
import { type Action, type Story, testStories } from "./stories.ts";

const USERS = 4;
const ROOMS = 3;

/** Two processes on one database, that tell one another of what they write. */
const wake = createMemoryWake({ shared: true });
let replicas: SyncWorld[];

beforeAll(async () => {
  const first = await createSyncWorld({ wake });
  replicas = [first, await first.again()];
});
afterAll(async () => {
  await replicas[1]!.stop();
  await replicas[0]!.close();
});

const DOES = {
  ...{ join: 24, leave: 12, kick: 12, invite: 12, rename: 12, say: 12 },
  ...{ device: 14, remove: 7, "cross-sign": 7, sign: 7 },
  ...{ sync: 56, restart: 7 },
} as const;
type Does = keyof typeof DOES;

let told = 0;

testStories<Does>(
  "a client that believes what it is told tracks those who share a room, with their newest devices",
  {
    does: DOES,
    ...{ users: USERS, rooms: ROOMS, length: [20, 60], runs: 50, msPerRun: 3_000, begin },
    told: () => told,
  },
);

async function begin(run: number): Promise<Story<Does>> {
  const truth = createTruth();
  const names = Array.from({ length: USERS }, (_, index) => `u${index}r${run}`);
  const ids = names.map((name) => replicas[0]!.user(name).userId);
  const rooms: RoomId[] = [];
  for (let index = 0; index < ROOMS; index += 1) {
    const { rooms: engine, log } = replicas[0]!;
    const by = { userId: ids[index % USERS]!, deviceId: "D" };
    const roomId = await engine.create.room(by, { preset: "public_chat" });
    rooms.push(roomId);
    truth.moved(roomId, by.userId, true, log.position);
  }
  const clients = ids.map((userId) => createTracker(truth, userId));

  async function sync(index: number, replica: SyncWorld): Promise<void> {
    const client = clients[index]!;
    const body = await replica.user(names[index]!).sync(client.since);
    if (body.device_lists) told += 1;
    client.take(body);
  }

  /** GET /keys/changes between two tokens that the client got at any time. */
  async function askBetween(index: number, replica: SyncWorld): Promise<void> {
    const { tokens } = clients[index]!;
    for (let later = 1; later < tokens.length; later += 3) {
      const range = [tokens[Math.floor(later / 2)]!, tokens[later]!] as const;
      const changes = await replica.sync.deviceListChanges(ids[index]!, ...range);
      expectTrue(truth, ids[index]!, range, changes);
    }
  }

  return {
    async act(one) {
      const on = one.chance % 2;
      const replica = replicas[on]!;
      if (one.does === "sync") return sync(one.who, replica);
      if (one.does === "restart") {
        await replica.stop();
        replicas[on] = await replica.again();
        return;
      }
      await caughtUp(replica.log, replica.database.sql);
      await perform(one, replica, truth, ids, rooms);
    },

    async end() {
      for (const index of ids.keys()) {
        await sync(index, replicas[index % 2]!);
        await sync(index, replicas[0]!);
        await askBetween(index, replicas[1]!);
      }
    },
  };
}

async function perform(
  one: Action<Does>,
  { rooms: engine, log }: SyncWorld,
  truth: Truth,
  ids: readonly UserId[],
  rooms: readonly RoomId[],
): Promise<void> {
  const [userId, target, roomId] = [ids[one.who]!, ids[one.whom]!, rooms[one.where]!];
  const by = { userId, deviceId: "D" };
  const maker = { userId: ids[one.where % USERS]!, deviceId: "D" };
  const record = { kind: "device_list" as const, userId };
  const [isIn, isTargetIn] = [truth.isIn(roomId, userId), truth.isIn(roomId, target)];
  switch (one.does) {
    case "join":
      await engine.members.join({ by, room: roomId });
      return truth.moved(roomId, userId, true, log.position);
    case "leave":
      if (!isIn) return;
      await engine.members.leave({ by, roomId });
      return truth.moved(roomId, userId, false, log.position);
    case "kick":
      if (!isTargetIn || target === maker.userId || !truth.isIn(roomId, maker.userId)) return;
      await engine.members.kick({ by: maker, roomId, userId: target });
      return truth.moved(roomId, target, false, log.position);
    case "invite":
      if (isTargetIn || !truth.isIn(roomId, maker.userId)) return;
      await engine.members.invite({ by: maker, roomId, userId: target });
      return;
    case "rename":
      if (!isIn) return;
      await engine.send.state({
        ...{ by, roomId, type: "m.room.member", stateKey: userId },
        content: { membership: "join", displayname: `name ${log.position}` },
      });
      return;
    case "say":
      if (!isIn) return;
      await engine.send.message({ by, roomId, type: "m.room.message", content: { body: "hi" } });
      return;
    case "device":
      await log.append({ records: [{ ...record, deviceId: "D1", isRemoved: false }] });
      return truth.deviceChanged(userId, "D1", log.position);
    case "remove":
      await log.append({ records: [{ ...record, deviceId: "D2", isRemoved: true }] });
      return truth.deviceChanged(userId, "D2", log.position);
    case "cross-sign":
      await log.append({ records: [{ ...record, deviceId: "", isRemoved: false }] });
      return truth.deviceChanged(userId, "", log.position);
    case "sign":
      if (userId === target || !truth.sharing(userId, log.position).has(target)) return;
      await log.append({ records: [{ kind: "user_signature", userId, targetId: target }] });
      return truth.signed(userId, target, log.position);
    default:
  }
}
