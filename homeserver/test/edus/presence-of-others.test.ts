/** Presence of other servers' users, and between replicas. */
import { expect, test, vi } from "vitest";
import type { EphemeralMessage, DeviceStatement } from "../../src/cluster/ephemeral-channel.ts";
import { connectedChannels } from "../support/channels.ts";
import { createEphemeral } from "../../src/cluster/ephemeral.ts";
import { createPresence, type Presence } from "../../src/edus/presence.ts";
import type { RoomFacts } from "../../src/edus/types.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import {
  ALICE,
  BOB,
  LAPTOP,
  PHONE,
  ROOM,
  THERE,
  alone,
  clock,
  pass,
  presence,
  rooms,
  state,
  told,
} from "./alone.ts";

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
