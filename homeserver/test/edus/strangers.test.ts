/** What other servers may cost by their EDUs. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEphemeral } from "../../src/cluster/ephemeral.ts";
import { createEdus, type Edus, type RoomFacts } from "../../src/edus/index.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { serverOf, type ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { createSyncWorld, type SyncWorld } from "../sync/support.ts";
import { until } from "../support/wait.ts";

let world: SyncWorld;
let edus: Edus;
let here: ServerName;
/** What was looked up, and what holds up the first look-ups of a user. */
const asked: string[] = [];
const held = new Map<string, Promise<boolean>>();
const STRANGER = "stranger.test" as ServerName;

beforeAll(async () => {
  world = await createSyncWorld();
  const alice = world.user("alice");
  here = serverOf(alice.userId);
  await world.rooms.create.room(alice.by, {});
  const look = async (what: string) => {
    asked.push(what);
    return (await held.get(what)) ?? false;
  };
  const rooms: RoomFacts = {
    isJoined: (_room, userId) => look(userId),
    isKnown: (userId) => look(userId),
    aclAllows: () => look("acl"),
    isInThread: () => look("thread"),
    isOnlyOfServer: () => look("only"),
    joinedMembers: async () => [],
    eventAt: async () => undefined,
    roomNid: async () => undefined,
    serversSharing: async () => [],
  };
  edus = createEdus({
    log: world.log,
    sql: world.database.sql,
    state: createEphemeral({ clock: systemClock }),
    rooms,
    outlet: { toRoom: () => undefined, toServers: () => undefined },
    encryption: { receive: async () => {}, sharing: { has: async (name) => name === here } },
    clock: systemClock,
    logger: silentLogger(),
    serverName: here,
  });
});
afterAll(async () => {
  edus.stop();
  await world.close();
});

const users = (server: string) => Array.from({ length: 90 }, (_, count) => `@u${count}:${server}`);
const presenceOf = (server: string): JsonObject => ({
  push: users(server).map((user_id) => ({ user_id, presence: "online" })),
});

test("a server that is in no room with us makes nothing be looked up, whatever it tells", async () => {
  const receipts = Object.fromEntries(
    users(STRANGER).map((user) => [user, { event_ids: ["$e"], data: {} }]),
  );
  const typing = { room_id: "!r:stranger.test", user_id: `@u:${STRANGER}`, typing: true };
  await edus.receive(STRANGER, "m.presence", presenceOf(STRANGER));
  await edus.receive(STRANGER, "m.receipt", { "!r:stranger.test": { "m.read": receipts } });
  await edus.receive(STRANGER, "m.typing", typing);
  expect(asked).toEqual([]);
  // One that is, is heard. (Our own is, since somebody of it is in a room.)
  await edus.receive(here, "m.presence", presenceOf(here));
  expect(asked).toHaveLength(90);
});

test("one server's EDUs are taken in one after another", async () => {
  asked.length = 0;
  const first = Promise.withResolvers<boolean>();
  held.set(`@u0:${here}`, first.promise);
  const one = edus.receive(here, "m.presence", presenceOf(here));
  const two = edus.receive(here, "m.presence", {
    push: [{ user_id: `@x:${here}`, presence: "online" }],
  });
  // Others are not held up by it.
  await edus.receive(STRANGER, "m.presence", presenceOf(STRANGER));
  await until(() => asked.length > 0, { every: 0 });
  expect(asked).toEqual([`@u0:${here}`]);
  first.resolve(false);
  await Promise.all([one, two]);
  expect(asked.at(-1)).toBe(`@x:${here}`);
});
