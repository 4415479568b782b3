import { beforeAll, describe, expect, test } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import { authTypesFor } from "../../../src/protocol/auth/index.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import { stateTuple } from "../../../src/protocol/state-map.ts";
import { resolveRoots } from "../../../src/rooms/state/resolution.ts";
import { createStateReader } from "../../../src/rooms/state/reader.ts";
import { createStateTree } from "../../../src/rooms/state/tree/index.ts";
import type { Room, StateRoot, StoredEvent } from "../../../src/rooms/index.ts";
import { eventFrom } from "../../protocol/abridged-event.ts";
import { createShared, MemoryServer } from "../arrival/memory-server.ts";
import type { Shared } from "../arrival/memory-server.ts";

const MEMBERS = 50_000;
const BRANCH = 50;
const ALICE = "@alice:alpha";
const BOB = "@bob:beta";
const version = roomVersion("11")!;
const room: Room = { nid: 1, roomId: "!room:alpha" as RoomId, version };

let shared: Shared;
let server: MemoryServer;
/** The room's last event before anything else happens. */
let ground: RoomEvent;
let clock = 1;

interface Told {
  readonly type: string;
  readonly sender: string;
  readonly content?: JsonObject;
  readonly stateKey?: string;
}

/** An event on others, by the state after the first of them. */
async function event(told: Told, prev: readonly RoomEvent[]): Promise<RoomEvent> {
  const draft = { content: {}, ...told };
  const root = prev[0] === undefined ? null : server.stored(prev[0].eventId)!.stateAfter;
  const pairs = authTypesFor(draft, version);
  const state = await server.state(root, pairs);
  const auth = pairs.flatMap((pair) => state.get(stateTuple(...pair))?.event.eventId ?? []);
  return eventFrom(
    {
      ...draft,
      roomId: room.roomId,
      prevEvents: prev.map(({ eventId }) => eventId),
      authEvents: auth,
      depth: 1 + Math.max(0, ...prev.map(({ depth }) => depth)),
      originServerTs: clock++,
    },
    version,
  );
}

async function send(told: Told, prev: readonly RoomEvent[]): Promise<RoomEvent> {
  const made = await event(told, prev);
  expect((await server.receive(made)).status).toBe("accepted");
  return made;
}

const join = (sender: string, more: JsonObject = {}): Told => ({
  type: "m.room.member",
  stateKey: sender,
  sender,
  content: { membership: "join", ...more },
});

/**
 * Two who act, and 50,000 members of whom there is nothing but their entry in the state: whatever reads their events
 * finds none.
 */
beforeAll(async () => {
  shared = createShared(room);
  server = new MemoryServer("alpha", shared);
  const create = {
    type: "m.room.create",
    stateKey: "",
    sender: ALICE,
    content: { room_version: "11" },
  };
  const users = { [ALICE]: 100, [BOB]: 100 };
  const opening: Told[] = [
    create,
    join(ALICE),
    { type: "m.room.power_levels", stateKey: "", sender: ALICE, content: { users } },
    { type: "m.room.join_rules", stateKey: "", sender: ALICE, content: { join_rule: "public" } },
    join(BOB),
  ];
  let last: RoomEvent[] = [];
  for (const told of opening) last = [await send(told, last)];
  const keys = Array.from(
    { length: MEMBERS },
    (_, i) => ["m.room.member", `@user${i}:example.org`] as const,
  );
  const tuples = [...(await shared.tuples.make(keys)).values()];
  const changes = tuples.map((tuple, i) => [tuple, 1_000_000 + i] as const);
  const { root, nodes } = await shared.tree.set(server.stateRoot, changes);
  for (const { hash, data } of nodes) shared.nodes.set(hash.toString("hex"), data);
  ground = await event({ type: "m.room.message", sender: ALICE }, last);
  server.standOn(ground, root);
});

/** Bytes of state that sending costs, hashes included. */
async function cost(told: Told): Promise<number> {
  const before = new Set(shared.nodes.keys());
  await send(
    told,
    server.extremities.map((stored) => stored.event),
  );
  let bytes = 0;
  for (const [hash, data] of shared.nodes) if (!before.has(hash)) bytes += 16 + data.length;
  return bytes;
}

describe(`in a room of ${MEMBERS} members`, () => {
  test("a join and a name change cost less than 4 kB of state each, a message nothing", async () => {
    const joined = await cost(join("@new:example.org"));
    const renamed = await cost(join(ALICE, { displayname: "Alice" }));
    expect(joined).toBeGreaterThan(0);
    expect(joined).toBeLessThan(4_096);
    expect(renamed).toBeLessThan(4_096);
    expect(await cost({ type: "m.room.message", sender: ALICE })).toBe(0);
    console.info(`state of a join: ${joined} bytes, of a name change: ${renamed} bytes`);
  });

  test("a fork of two branches of 50 state events is resolved without a look at the members", async () => {
    const tips = [await branch(ALICE), await branch(BOB)];
    const roots = tips.map((tip) => server.stored(tip.eventId)!.stateAfter);
    const asked: Buffer[] = [];
    const tree = createStateTree(async (hashes) => {
      asked.push(...hashes);
      return hashes.map((hash) => ({ hash, data: shared.nodes.get(hash.toString("hex"))! }));
    });
    const events: StoredEvent[] = [];
    const spied = {
      ...server.store.events,
      async byNids(nids: readonly number[]) {
        const found = await server.store.events.byNids(nids);
        expect(found.size, "members are looked at").toBe(new Set(nids).size);
        events.push(...found.values());
        return found;
      },
    };
    const state = createStateReader(tree, shared.tuples, spied);
    const store = { ...server.store, tree, state, events: spied };
    const { changes } = await resolveRoots(store, room, roots);
    expect(changes.length).toBeGreaterThan(BRANCH / 2);
    // Of each branch: the leaves that changed and the branches above them, of 1,000 nodes and more.
    expect(asked.length).toBeLessThan(400);
    const read = `${asked.length} of ${nodesUnder(roots[0]!)} nodes, ${new Set(events).size} events`;
    console.info(`a fork reads ${read}; ${await timed(roots)} ms`);
  });
});

test("a selection from the state of a big room reads what has changed since the last one", async () => {
  const loaded: Buffer[] = [];
  const tree = createStateTree(async (hashes) => {
    loaded.push(...hashes);
    return hashes.map((hash) => ({ hash, data: shared.nodes.get(hash.toString("hex"))! }));
  }, 300_000);
  const reader = createStateReader(tree, shared.tuples, server.store.events);
  const before = server.stored(ground.eventId)!.stateAfter;
  const named = (events: readonly StoredEvent[]) =>
    new Set(events.map(({ event: one }) => `${one.type} ${one.stateKey}`));
  const opening = ["m.room.create ", "m.room.power_levels ", "m.room.join_rules "];
  expect(named(await reader.all(before, { members: [BOB] }))).toEqual(
    new Set([...opening, `m.room.member ${BOB}`]),
  );
  const topic = await send({ type: "m.room.topic", stateKey: "", sender: ALICE }, [ground]);
  loaded.length = 0;
  const after = server.stored(topic.eventId)!.stateAfter;
  expect(named(await reader.all(after, { members: [ALICE, "@nobody:alpha"] }))).toEqual(
    new Set([...opening, "m.room.topic ", `m.room.member ${ALICE}`]),
  );
  expect(loaded.length).toBeLessThan(30);
  expect(named(await reader.all(before, { types: ["m.room.topic", "m.room.join_rules"] }))).toEqual(
    new Set(["m.room.join_rules "]),
  );
  const both = { types: ["m.room.member", "m.room.topic"], members: [BOB] };
  expect(named(await reader.all(after, both))).toEqual(
    new Set(["m.room.topic ", `m.room.member ${BOB}`]),
  );
});

/** Milliseconds that resolving takes without caches, but with a program that is warm: the least of ten. */
async function timed(roots: readonly StateRoot[]): Promise<string> {
  let least = Infinity;
  for (let turn = 0; turn < 10; turn++) {
    const tree = createStateTree(async (hashes) =>
      hashes.map((hash) => ({ hash, data: shared.nodes.get(hash.toString("hex"))! })),
    );
    const state = createStateReader(tree, shared.tuples, server.store.events);
    const started = performance.now();
    await resolveRoots({ ...server.store, tree, state }, room, roots);
    least = Math.min(least, performance.now() - started);
  }
  return least.toFixed(1);
}

/** 50 state events on the ground: notes, names, and power levels in between. */
async function branch(sender: string): Promise<RoomEvent> {
  let tip = ground;
  for (let i = 0; i < BRANCH; i++) {
    const users = { [ALICE]: 100, [BOB]: 100, [`@user${i}:example.org`]: 50 };
    const told: Told =
      i % 10 === 5
        ? { type: "m.room.power_levels", stateKey: "", sender, content: { users } }
        : i % 10 === 7
          ? join(sender, { displayname: `${i}` })
          : { type: "org.example.note", stateKey: `${sender[1]} ${i}`, sender, content: { i } };
    tip = await send(told, [tip]);
  }
  return tip;
}

function nodesUnder(root: string): number {
  let count = 0;
  const visit = (hash: string): void => {
    count += 1;
    const data = shared.nodes.get(hash)!;
    if (data[0] === 0) return;
    for (let at = 9; at < data.length; at += 16) visit(data.toString("hex", at, at + 16));
  };
  visit(root);
  return count;
}
