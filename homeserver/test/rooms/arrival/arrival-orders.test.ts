import { describe, expect, it } from "vitest";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../../src/protocol/room-versions.ts";
import { resolveStateMaps } from "../../../src/protocol/state-res/index.ts";
import type { StateMap } from "../../../src/protocol/state-map.ts";
import { stateTuple } from "../../../src/protocol/state-map.ts";
import { choicesOf } from "../../protocol/forked-room.ts";
import type { MemoryServer } from "./memory-server.ts";
import { RandomHistory } from "./random-history.ts";

/** WEFT_HISTORIES=10000 for many; WEFT_HISTORIES_FROM for other seeds. */
const HISTORIES = Number(process.env["WEFT_HISTORIES"] ?? 240);
const FIRST = Number(process.env["WEFT_HISTORIES_FROM"] ?? 0);
const STEPS = 40;
const PER_VERSION = Math.ceil(HISTORIES / ROOM_VERSION_IDS.length);

const counts = {
  histories: 0,
  events: 0,
  rejected: 0,
  forks: 0,
  split: 0,
  differing: 0,
  closed: 0,
};

/** What has to be the same on every server, whatever the order in which the events came. */
function verdicts(history: RandomHistory, server: MemoryServer): Map<EventId, string> {
  const found = new Map<EventId, string>();
  for (const eventId of history.events.keys()) {
    const stored = server.stored(eventId)!;
    const isRejected = stored.status === "rejected";
    found.set(eventId, `${stored.stateBefore} ${stored.stateAfter} ${isRejected}`);
  }
  return found;
}

/** The state before each event, found by the algorithm alone on whole states. */
async function expectPlainResolution(history: RandomHistory, server: MemoryServer): Promise<void> {
  const after = new Map<EventId, StateMap>();
  const isRejected = (id: EventId): boolean => server.stored(id)?.status === "rejected";
  const lookUp = (id: EventId) => history.events.get(id);
  for (const event of history.events.values()) {
    const sets = event.prevEventIds.map((id) => after.get(id)!);
    const before = resolveStateMaps(history.version, sets, lookUp, isRejected);
    const stored = server.stored(event.eventId)!;
    expect(await server.stateMap(stored.stateBefore), event.eventId).toEqual(new Map(before));
    const state = new Map(before);
    if (event.stateKey !== undefined && !isRejected(event.eventId)) {
      state.set(stateTuple(event.type, event.stateKey), event.eventId);
    }
    after.set(event.eventId, state);
  }
  const ends = server.extremities.map(({ event }) => after.get(event.eventId)!);
  const current = resolveStateMaps(history.version, ends, lookUp, isRejected);
  expect(await server.stateMap(server.stateRoot)).toEqual(new Map(current));
}

function extremitiesOf(server: MemoryServer): string {
  return server.extremities
    .map(({ nid }) => nid)
    .toSorted((a, b) => a - b)
    .join();
}

async function expectAgreement(history: RandomHistory): Promise<void> {
  await history.deliverAll();
  const servers = [...history.peers.map((peer) => peer.server), await history.latecomer()];
  const [first, ...others] = servers as [MemoryServer, ...MemoryServer[]];
  const expected = verdicts(history, first);
  for (const server of others) expect(verdicts(history, server)).toEqual(expected);

  // Where the order decided what was soft-failed, the servers stand on different ends of the graph.
  const roots = new Map<string, unknown>();
  for (const server of servers) {
    const ends = extremitiesOf(server);
    if (roots.has(ends)) expect(server.stateRoot).toBe(roots.get(ends));
    roots.set(ends, server.stateRoot);
  }
  await expectPlainResolution(history, first);
  count(history, servers, roots.size);
  if (new Set(roots.values()).size > 1) counts.differing += 1;

  // One event that stands on everything brings them together.
  const closing = await history.closing(first);
  if (closing === undefined) return;
  counts.closed += 1;
  const closed = await Promise.all(servers.map((server) => server.receive(closing)));
  for (const [i, stored] of closed.entries()) {
    expect(stored.status).toBe("accepted");
    expect(extremitiesOf(servers[i]!)).toBe(extremitiesOf(first));
    expect(servers[i]!.stateRoot).toBe(first.stateRoot);
  }
}

function count(history: RandomHistory, servers: readonly MemoryServer[], ends: number): void {
  counts.histories += 1;
  counts.events += history.events.size;
  const statuses = [...history.events.keys()].map((id) => servers[0]!.stored(id)!.status);
  counts.rejected += statuses.filter((status) => status === "rejected").length;
  const forks = [...history.events.values()].filter(({ prevEventIds }) => prevEventIds.length > 1);
  counts.forks += forks.length;
  if (ends > 1) counts.split += 1;
}

describe("the same events in any order of arrival", () => {
  it.each(ROOM_VERSION_IDS)(
    "give the same states and the same refusals on every server, in version %s",
    async (id) => {
      for (let seed = FIRST; seed < FIRST + PER_VERSION; seed++) {
        try {
          const choose = choicesOf(seed * 12 + Number(id));
          await expectAgreement(await RandomHistory.grow(roomVersion(id)!, choose, STEPS));
        } catch (error) {
          throw new Error(`seed ${seed} of version ${id}`, { cause: error });
        }
      }
    },
    3_600_000,
  );

  it("was tried on histories that are worth it", () => {
    console.info(
      `${counts.histories} histories, ${counts.events} events, ${counts.rejected} rejected, ` +
        `${counts.forks} merges; ${counts.split} where the order decided on soft failures, ` +
        `${counts.differing} of them on the current state; ` +
        `${counts.closed} brought together by one event`,
    );
    expect(counts.forks).toBeGreaterThan(counts.histories);
    expect(counts.rejected).toBeGreaterThan(counts.histories / 2);
    expect(counts.closed).toBeGreaterThan(counts.histories / 2);
  });
});
