/** Typing and presence of one server alone, on a clock that stands still. */
import { afterEach, beforeEach, vi } from "vitest";
import { createEphemeral, type Ephemeral } from "../../src/cluster/ephemeral.ts";
import { createPresence, type Presence } from "../../src/edus/presence.ts";
import type { OutgoingEdu, RoomFacts } from "../../src/edus/types.ts";
import { createTyping, type Typing } from "../../src/edus/typing.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createManualClock, type ManualClock } from "../../src/platform/clock.ts";
import type { RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";

export const ROOM = "!room:here" as RoomId;
export const ALICE = "@alice:here" as UserId;
export const BOB = "@bob:there" as UserId;
export const PHONE = { userId: ALICE, deviceId: "PHONE" };
export const LAPTOP = { userId: ALICE, deviceId: "LAPTOP" };
export const THERE = "there" as ServerName;
export let clock: ManualClock;
export let state: Ephemeral;
export let typing: Typing;
export let presence: Presence;
export let told: OutgoingEdu[];
export let rooms: RoomFacts;
let joined: Set<string>;
export let denied: Set<string>;

/** Those who are the only ones of their server. */
export let alone: Set<string>;

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

export async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    clock.advance(Math.min(left, 1_000));
    await vi.advanceTimersByTimeAsync(1_000);
  }
}
