/** Typing and presence, with time in the test's hands. */
import { connectedChannels } from "../support/channels.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EphemeralMessage, DeviceStatement } from "../../src/cluster/ephemeral-channel.ts";
import { createEphemeral, type Ephemeral } from "../../src/cluster/ephemeral.ts";
import { createPresence, type Presence } from "../../src/edus/presence.ts";
import type { OutgoingEdu, RoomFacts } from "../../src/edus/types.ts";
import { createTyping, type Typing } from "../../src/edus/typing.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createManualClock, type ManualClock } from "../../src/platform/clock.ts";
import type { RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";

const ROOM = "!room:here" as RoomId;
const ALICE = "@alice:here" as UserId;
const BOB = "@bob:there" as UserId;
const PHONE = { userId: ALICE, deviceId: "PHONE" };
const LAPTOP = { userId: ALICE, deviceId: "LAPTOP" };
const THERE = "there" as ServerName;

let clock: ManualClock;
let state: Ephemeral;
let typing: Typing;
let presence: Presence;
let told: OutgoingEdu[];
let rooms: RoomFacts;
let joined: Set<string>;
let denied: Set<string>;
/** Those who are the only ones of their server. */
let alone: Set<string>;

beforeEach(() => {
  vi.useFakeTimers();
  clock = createManualClock();
  state = createEphemeral({ clock });
  told = [];
  joined = new Set([ALICE, BOB]);
  denied = new Set();
  alone = new Set();
  rooms = {
    isJoined: async (_room, userId) => joined.has(userId),
    aclAllows: async (_room, server) => !denied.has(server),
    isKnown: async (userId) => joined.has(userId),
    isInThread: async () => true,
    isOnlyOfServer: async (_room, userId) => alone.has(userId),
    joinedMembers: async () => [ALICE, BOB],
    eventAt: async () => undefined,
    roomNid: async () => undefined,
    serversSharing: async () => [THERE],
  };
  const outlet = {
    toRoom: (_room: RoomId, edu: OutgoingEdu) => void told.push(edu),
    toServers: (_servers: Iterable<ServerName>, edu: OutgoingEdu) => void told.push(edu),
  };
  typing = createTyping({ state, rooms, outlet, clock });
  presence = createPresence({ store: state, rooms, outlet, clock, logger: silentLogger() });
});
afterEach(async () => {
  typing.stop();
  presence.stop();
  await state.stop();
  vi.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    clock.advance(Math.min(left, 1_000));
    await vi.advanceTimersByTimeAsync(1_000);
  }
}

const typists = () => state.typing(ROOM).users;
const tellings = () => told.splice(0).map(({ content }) => content.typing);
const says = (typing: unknown, user: unknown = BOB, room: unknown = ROOM) =>
  ({ room_id: room, user_id: user, typing }) as never;

test("typing ends when its time is over, here and for other servers", async () => {
  await typing.set(ALICE, ROOM, true, 5_000);
  expect([typists(), tellings()]).toEqual([[ALICE], [true]]);
  await pass(6_000);
  expect([typists(), tellings()]).toEqual([[], [false]]);
  await pass(60_000);
  expect(tellings()).toEqual([]);
});

test("who goes on typing is announced again before other servers forget it, and no more often", async () => {
  for (let i = 0; i < 12; i += 1) {
    await typing.set(ALICE, ROOM, true, 10_000);
    await pass(5_000);
  }
  const announced = tellings();
  expect(announced.every((is) => is === true)).toBe(true);
  expect(announced.length).toBeGreaterThanOrEqual(3);
  expect(announced.length).toBeLessThanOrEqual(4);
  await typing.set(ALICE, ROOM, false, undefined);
  expect([typists(), tellings()]).toEqual([[], [false]]);
});

test("who leaves the room does not type in it any more", async () => {
  await typing.set(ALICE, ROOM, true, 20_000);
  await typing.receive(THERE, says(true));
  typing.left(ROOM, ALICE);
  expect(typists()).toEqual([BOB]);
  typing.left(ROOM, BOB);
  expect(typists()).toEqual([]);
  tellings();
  await pass(60_000);
  expect(tellings()).toEqual([]);
});

test("nobody types for longer than two minutes by one request, nor in a room that they are not in", async () => {
  await typing.set(ALICE, ROOM, true, 3_600_000);
  await pass(121_000);
  expect(typists()).toEqual([]);
  await expect(typing.set("@x:here" as UserId, ROOM, true, 1)).rejects.toThrow("not in the room");
});

test("another server's user types for half a minute unless it says so again", async () => {
  await typing.receive(THERE, says(true));
  await pass(20_000);
  await typing.receive(THERE, says(true));
  await pass(20_000);
  expect(typists()).toEqual([BOB]);
  await pass(11_000);
  expect(typists()).toEqual([]);
});

test.each([
  ["of a user of another server", () => typing.receive("elsewhere" as ServerName, says(true))],
  ["of a user who is not in the room", () => typing.receive(THERE, says(true, "@x:there"))],
  ["without a boolean", () => typing.receive(THERE, says("yes"))],
  [
    "of a server that the room's ACL denies",
    () => {
      denied.add(THERE);
      return typing.receive(THERE, says(true));
    },
  ],
])("a typing EDU %s is ignored", async (_what, receive) => {
  await receive();
  expect(typists()).toEqual([]);
});

test("who syncs is online, and offline some time after the last sync", async () => {
  await presence.seen(PHONE, "online", 30_000);
  expect(presence.of(ALICE)?.presence).toBe("online");
  await pass(20_000);
  await presence.seen(PHONE, "online", 30_000);
  await pass(20_000);
  expect(presence.of(ALICE)?.presence).toBe("online");
  expect(told).toHaveLength(1);
  await pass(20_000);
  expect(presence.of(ALICE)?.presence).toBe("offline");
});

test("an idle client does not hide that another one is in use", async () => {
  await presence.seen(PHONE, "online", 30_000);
  for (let i = 0; i < 5; i += 1) await presence.seen(LAPTOP, "unavailable", 60_000);
  expect(told).toHaveLength(1);
  expect(presence.of(ALICE)?.presence).toBe("online");
  await pass(40_000);
  expect(presence.of(ALICE)?.presence).toBe("unavailable");
  await pass(40_000);
  expect(presence.of(ALICE)?.presence).toBe("offline");
});

test("a sync with set_presence=offline changes nothing", async () => {
  await presence.seen(PHONE, "offline", 30_000);
  expect(presence.of(ALICE)).toBeUndefined();
});

test("a device speaks for itself by what it said last", async () => {
  await presence.set(PHONE, "online", undefined);
  await presence.seen(PHONE, "unavailable", 60_000);
  expect(presence.of(ALICE)?.presence).toBe("unavailable");
  await presence.seen(LAPTOP, "online", 60_000);
  expect(presence.of(ALICE)?.presence).toBe("online");
  await presence.set(PHONE, "offline", "Gone");
  expect(presence.of(ALICE)).toMatchObject({ presence: "online", statusMsg: "Gone" });
  await presence.seen(LAPTOP, "offline", 60_000);
  expect(presence.of(ALICE)).toMatchObject({ presence: "offline", currentlyActive: false });
});

test("a server that comes into a room is told who is there, by its first user alone", async () => {
  await presence.seen(PHONE, "online", 30_000);
  await pass(1_000);
  told.length = 0;
  presence.arrived(ROOM, BOB);
  await pass(1_000);
  expect(told).toEqual([]);
  alone.add(BOB);
  presence.arrived(ROOM, BOB);
  await pass(1_000);
  expect(told).toMatchObject([
    { type: "m.presence", content: { push: [{ user_id: ALICE, presence: "online" }] } },
  ]);
});

test("devices on two replicas are one user's: neither makes the other be away", async () => {
  const listeners: ((said: DeviceStatement) => void)[] = [];
  const heard = vi.fn();
  // Each is told what the other hears, and shares the presences.
  const replicas = [0, 1].map((index) =>
    createPresence({
      ...{ rooms, clock, logger: silentLogger() },
      outlet: { toRoom: () => {}, toServers: () => {} },
      store: {
        ...{ setPresence: state.setPresence, presence: state.presence },
        tellDevice(said) {
          heard(said);
          listeners[1 - index]!(said);
        },
        onDevice(listener) {
          listeners[index] = listener;
          return () => {};
        },
      },
    }),
  );
  const [one, two] = replicas as [Presence, Presence];
  await one.seen(PHONE, "online", 60_000);
  await one.seen(PHONE, "online", 60_000);
  expect(heard).toHaveBeenCalledTimes(1);
  await two.seen(LAPTOP, "unavailable", 20_000);
  await pass(40_000);
  expect(two.of(ALICE)?.presence).toBe("online");
  // The same device, by way of the other.
  await two.seen(PHONE, "online", 60_000);
  await pass(40_000);
  expect(one.of(ALICE)?.presence).toBe("online");
  await pass(40_000);
  expect(one.of(ALICE)?.presence).toBe("offline");
  for (const replica of replicas) replica.stop();
});

test("who comes into a room is announced anew, unless they are away", async () => {
  await presence.seen(PHONE, "online", 30_000);
  await pass(1_000);
  presence.joined(ALICE);
  presence.joined(BOB);
  await pass(1_000);
  expect(told.map(({ key }) => key)).toEqual([`m.presence ${ALICE}`, `m.presence ${ALICE}`]);
  await pass(60_000);
  told.length = 0;
  presence.joined(ALICE);
  await pass(1_000);
  expect(told).toEqual([]);
});

test("an enormous timeout does not keep anybody online", async () => {
  await presence.seen(PHONE, "online", 1e15);
  await pass(5 * 60_000);
  expect(presence.of(ALICE)?.presence).toBe("offline");
});

test("what is said of oneself keeps its words, and ends if one never syncs", async () => {
  await presence.set(PHONE, "unavailable", "At lunch");
  await presence.seen(PHONE, "unavailable", 30_000);
  expect(presence.of(ALICE)).toMatchObject({ presence: "unavailable", statusMsg: "At lunch" });
  await pass(6 * 60_000);
  expect(presence.of(ALICE)).toMatchObject({ presence: "offline", statusMsg: "At lunch" });
});

const update = (user_id: unknown, rest: object = {}) => ({ user_id, presence: "online", ...rest });

test("other servers tell of their own users whom somebody here can know, and only of them", async () => {
  const push = [
    "nonsense",
    update("not a user id"),
    update("@mallory:elsewhere"),
    update("@unknown:there"),
    update(BOB, { presence: "away" }),
    update(BOB, { last_active_ago: 1_000, currently_active: true, status_msg: "Hello" }),
  ];
  await presence.receive(THERE, { push } as never);
  expect(state.presenceSince(0).map((entry) => entry.userId)).toEqual([BOB]);
  expect(presence.of(BOB)).toMatchObject({
    presence: "online",
    statusMsg: "Hello",
    lastActiveTs: clock.now() - 1_000,
  });
});

test("a status is text that every client can read, however it was told and wherever it is cut", async () => {
  const long = `${"x".repeat(1023)}\u{1f600}`;
  for (const [status_msg, shown] of [
    ["a\ud800b", "a\ufffdb"],
    [long, "x".repeat(1023)],
    [`x${long}`, `x${"x".repeat(1023)}`],
  ] as const) {
    await presence.receive(THERE, { push: [update(BOB, { status_msg })] } as never);
    expect(presence.of(BOB)?.statusMsg).toBe(shown);
  }
  told.length = 0;
  await presence.set(PHONE, "online", long);
  await pass(1_000);
  expect(presence.of(ALICE)?.statusMsg).toBe("x".repeat(1023));
  const [edu] = told.map(({ content }) => content as { push?: { status_msg?: string }[] });
  expect(edu?.push?.[0]?.status_msg).toBe("x".repeat(1023));
});

test("another server's user of whom nothing is heard any more is offline in the end", async () => {
  const push = [update(BOB, { currently_active: true })];
  await presence.receive(THERE, { push } as never);
  await pass(30 * 60_000);
  await presence.receive(THERE, { push } as never);
  await pass(30 * 60_000);
  expect(presence.of(BOB)?.presence).toBe("online");
  await pass(16 * 60_000);
  expect(presence.of(BOB)?.presence).toBe("offline");
});

test("the same news of a user again wakes nobody", async () => {
  let changes = 0;
  state.onChange(() => (changes += 1));
  const push = [update(BOB, { currently_active: true })];
  for (let i = 0; i < 3; i += 1) await presence.receive(THERE, { push } as never);
  expect(changes).toBe(1);
});

test("who syncs at one replica and then at another is not taken for gone by the first", async () => {
  const channels = connectedChannels<EphemeralMessage>(2);
  const states = channels.map((channel) => createEphemeral({ clock, channel }));
  const news: unknown[] = [];
  const replicas = states.map((store) => {
    store.onChange(() => news.push(store.presence(ALICE)?.presence));
    const outlet = { toRoom: () => undefined, toServers: () => undefined };
    const rooms = { serversSharing: async () => [] } as unknown as RoomFacts;
    return createPresence({ store, rooms, outlet, clock, logger: silentLogger() });
  });
  const [first, second] = replicas as [Presence, Presence];
  await first.seen(PHONE, "online", 35_000);
  for (let i = 0; i < 5; i += 1) {
    await pass(30_000);
    await second.seen(PHONE, "online", 35_000);
  }
  expect(new Set(news)).toEqual(new Set(["online"]));
  await pass(60_000);
  expect(states.map((store) => store.presence(ALICE)?.presence)).toEqual(["offline", "offline"]);
  for (const replica of replicas) replica.stop();
  for (const store of states) await store.stop();
});
