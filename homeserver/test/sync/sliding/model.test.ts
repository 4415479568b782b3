/**
 * Whatever happens in rooms, and whatever answers are lost, a client that puts together what it is
 * told has the rooms as they are: on two replicas, and across restarts.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryWake } from "../../../src/log/wake.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Body } from "../../support/user.ts";
import { until } from "../../support/wait.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "../support.ts";
import { type Ask, Client } from "./model-client.ts";

const RUNS = Number(process.env["WEFT_MODEL_RUNS"] ?? 15);
const ROOMS = 5;
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

const room = fc.nat({ max: ROOMS - 1 });
const replica = fc.nat({ max: 1 });
const asked = fc.record({
  window: fc.integer({ min: 1, max: ROOMS }),
  limit: fc.integer({ min: 0, max: 4 }),
  wantsTopic: fc.boolean(),
  members: fc.constantFrom("none", "lazy", "all"),
  subscribed: fc.option(room, { nil: undefined }),
  extensions: fc.boolean(),
});
const inRoom = <T extends string>(weight: number, does: T) => ({
  ...{ weight, arbitrary: fc.record({ does: fc.constant(does), room }) },
});
const action = fc.oneof(
  ...[inRoom(8, "say"), inRoom(2, "name"), inRoom(2, "topic")],
  ...[inRoom(2, "leave"), inRoom(3, "join"), inRoom(1, "kick"), inRoom(1, "invite")],
  ...[inRoom(2, "read"), inRoom(2, "tag"), inRoom(2, "third")],
  { weight: 2, arbitrary: fc.record({ does: fc.constant("tell" as const) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      ...{ does: fc.constant("sync" as const), isLost: fc.nat({ max: 2 }).map((at) => at === 0) },
      ...{ client: fc.nat({ max: 1 }), asked, replica },
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("restart" as const), replica }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;
type InRoom = Extract<Action, { readonly room: number }>;

/** A room as it is. */
interface Truth {
  readonly id: RoomId;
  name: string;
  topic: string | undefined;
  texts: string[];
  /** The reader's. */
  membership: "join" | "invite" | "leave";
  /** Somebody else put the reader out. */
  isPutOut: boolean;
  thirdIsIn: boolean | undefined;
  isFavourite: boolean;
  lastSaid: EventId | undefined;
  read: EventId | undefined;
  unread: number;
}

let run = 0;
let said = 0;

/** What happens in a room changes what is so. */
async function happen(
  one: InRoom,
  it: Truth,
  who: Record<"author" | "reader" | "third", SyncUser>,
) {
  const { rooms, log } = replicas[0]!;
  const { author, reader, third } = who;
  const { id: roomId } = it;
  const isIn = it.membership === "join";
  const state = { by: author.by, roomId, stateKey: "" };
  const about = { by: author.by, roomId, userId: reader.userId };
  said += 1;
  switch (one.does) {
    case "say":
      it.lastSaid = await author.send(roomId, `t${said}`);
      it.texts.push(`t${said}`);
      if (isIn) it.unread += 1;
      break;
    case "name":
      it.name = `n${said}`;
      await rooms.send.state({ ...state, type: "m.room.name", content: { name: it.name } });
      break;
    case "topic":
      it.topic = `t${said}`;
      await rooms.send.state({ ...state, type: "m.room.topic", content: { topic: it.topic } });
      break;
    case "leave":
      if (it.membership === "leave") break;
      await rooms.members.leave({ by: reader.by, roomId });
      Object.assign(it, { membership: "leave", isPutOut: false });
      break;
    case "join":
      if (isIn) break;
      await rooms.members.join({ by: reader.by, room: roomId });
      Object.assign(it, { membership: "join", unread: 0 });
      break;
    case "kick":
      if (!isIn) break;
      await rooms.members.kick(about);
      Object.assign(it, { membership: "leave", isPutOut: true });
      break;
    case "invite":
      if (it.membership !== "leave") break;
      await rooms.members.invite(about);
      it.membership = "invite";
      break;
    case "read":
      if (!isIn || it.unread === 0) break;
      await reader.read(roomId, it.lastSaid!);
      Object.assign(it, { read: it.lastSaid, unread: 0 });
      break;
    case "tag": {
      it.isFavourite = !it.isFavourite;
      const content = JSON.stringify({ tags: it.isFavourite ? { "m.favourite": {} } : {} });
      const { nid: roomNid } = (await rooms.view.room(roomId))!;
      const row = { userId: reader.userId, roomNid, type: "m.tag", content };
      await log.append({ records: [{ kind: "account_data", ...row }] });
      break;
    }
    case "third":
      if (it.thirdIsIn) await rooms.members.leave({ by: third.by, roomId });
      else await rooms.members.join({ by: third.by, room: roomId });
      it.thirdIsIn = !it.thirdIsIn;
  }
}

async function settled(): Promise<void> {
  const end = Math.max(...replicas.map(({ log }) => log.position));
  await until(() => replicas.every(({ log }) => log.position >= end), { every: 0 });
}

async function story(actions: readonly Action[]) {
  run += 1;
  const on = (at: number, name: string) => replicas[at]!.user(`${name}${run}`);
  const who = () => ({
    ...{ author: on(0, "author"), reader: on(0, "reader"), third: on(0, "third") },
  });
  const truth: Truth[] = [];
  const told: number[] = [];
  for (let at = 0; at < ROOMS; at += 1) {
    const { rooms } = replicas[0]!;
    const id = await rooms.create.room(who().author.by, { preset: "public_chat", name: "n" });
    await rooms.members.join({ by: who().reader.by, room: id });
    truth.push({
      ...{ id, name: "n", topic: undefined, texts: [], membership: "join", isPutOut: false },
      ...{ thirdIsIn: undefined, isFavourite: false, lastSaid: undefined, read: undefined },
      unread: 0,
    });
  }
  const clients = [new Client("a", true), new Client("b")];
  for (const one of actions) {
    await settled();
    if (one.does === "sync") {
      const client = clients[one.client]!;
      const { subscribed, ...wanted } = one.asked;
      const ask = { ...wanted, subscribed: subscribed && truth[subscribed]!.id } as Ask;
      const body = await client.ask(replicas[one.replica]!, on(one.replica, "reader"), ask);
      if (!one.isLost) client.take(body, on(0, "reader").userId);
    } else if (one.does === "restart") {
      const before = replicas[one.replica]!;
      replicas[one.replica] = await before.again();
      await before.stop();
    } else if (one.does === "tell") {
      told.push((said += 1));
      const message = JSON.stringify({ sender: "@x:x", type: "t", content: { number: said } });
      const row = { userId: who().reader.userId, deviceId: "D", message };
      await replicas[0]!.log.append({ records: [{ kind: "to_device", ...row }] });
    } else await happen(one, truth[one.room]!, who());
  }
  await settled();
  for (const [at, client] of clients.entries()) {
    await compare(client, truth, (replicaAt) => on(replicaAt, "reader"), who());
    if (at === 0) expect(client.told).toEqual(told);
  }
}

/** Asks for everything until there is nothing new; then the client has what is so. */
async function compare(
  client: Client,
  truth: readonly Truth[],
  readerOn: (replicaAt: number) => SyncUser,
  { author, reader, third }: Record<"author" | "reader" | "third", SyncUser>,
) {
  const last: Ask = {
    ...{ window: ROOMS, limit: 3, wantsTopic: true, members: "all", subscribed: undefined },
    extensions: true,
  };
  const ask = (of: Client, at: number) => of.ask(replicas[at % 2]!, readerOn(at % 2), last);
  for (let at = 0; client.take(await ask(client, at), reader.userId) > 0; at += 1) {
    expect(at, "answers until there is nothing new").toBeLessThan(30);
  }
  // Of the rooms that the reader is not in, those are listed that others put them out of.
  const favourites = truth.filter(
    (it) => it.isFavourite && (it.membership !== "leave" || it.isPutOut),
  );
  expect(client.favourites).toBe(favourites.length);
  for (const it of truth) {
    const had = client.rooms.get(it.id);
    if (it.membership !== "join") {
      expect(had?.membership ?? "leave").toBe(it.membership);
      continue;
    }
    const members = new Map([
      [author.userId, "join"],
      [reader.userId, "join"],
      ...(it.thirdIsIn === undefined
        ? []
        : [[third.userId, it.thirdIsIn ? "join" : "leave"] as const]),
    ]);
    expect(had).toMatchObject({
      ...{ name: it.name, topic: it.topic, membership: "join", unread: it.unread },
      joined: it.thirdIsIn ? 3 : 2,
    });
    expect(had!.members).toEqual(members);
    expect(client.tags.get(it.id) ?? []).toEqual(it.isFavourite ? ["m.favourite"] : []);
    expect(client.read.get(it.id)).toBe(it.read);
    // The rest of the limit may be state events; whatever there is ends with the newest.
    expect(it.texts.slice(it.texts.length - had!.texts.length)).toEqual(had!.texts);
    if (it.texts.length > 0 && had!.texts.length === 0) {
      const { timeline } = (await ask(new Client("check"), 0)).rooms[it.id];
      expect(timeline.some((event: Body) => event.type === "m.room.message")).toBe(false);
    }
  }
}

test("what a client has put together is the truth", { timeout: 600_000 }, async () => {
  const actions = fc.array(action, { minLength: 10, maxLength: 40 });
  const seed = process.env["WEFT_MODEL_SEED"];
  await fc.assert(fc.asyncProperty(actions, story), {
    numRuns: RUNS,
    ...(seed !== undefined && { seed: Number(seed) }),
  });
});
