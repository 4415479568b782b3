import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../src/platform/random.ts";
import type { Random } from "../../../src/platform/random.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { PurgedDependency } from "../../../src/log/types.ts";
import { keyOf } from "../../../src/rooms/state/tree/node.ts";
import { createStateTree } from "../../../src/rooms/state/tree/index.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { stateNodes } from "../../../src/storage/rooms/heads.ts";
import type { Sql } from "../../../src/storage/sql.ts";
import {
  beginCollection,
  previewCollection,
  readCollection,
  stepCollection,
} from "../../../src/storage/rooms/state-collection.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

/** More of them by WEFT_TEST_COLLECTIONS. */
const SEEDS = Number(process.env["WEFT_TEST_COLLECTIONS"] ?? 2);

let world: World;
let a: TestServer;
let b: TestServer;
let alice: Actor;
let bob: Actor;
let sql: Sql;

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  b = await world.server("b.test");
  [alice, bob] = [a.user("alice"), b.user("bob")];
  sql = a.db.connect({ max: 2 });
});
afterAll(() => world.close());

async function sharedRoom(): Promise<RoomId> {
  const users = { [bob.userId]: 100 };
  const roomId = await a.rooms.create.room(alice, {
    preset: "public_chat",
    power_level_content_override: { users },
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  return roomId;
}

function note(server: TestServer, by: Actor, roomId: RoomId, key: string): Promise<EventId> {
  const content = { at: `${Math.random()}` };
  return server.rooms.send.state({ by, roomId, type: "org.example.note", stateKey: key, content });
}

function say(server: TestServer, by: Actor, roomId: RoomId): Promise<EventId> {
  const content = { msgtype: "m.text", body: "hello" };
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content });
}

/** What a purge of history does: old events go; ends of the graph and what state they stand on stay. */
async function purge(db: Sql, roomId: RoomId, keep: number): Promise<number> {
  const gone = await db`
    DELETE FROM events e USING rooms r, room_heads h
    WHERE r.room_id = ${roomId} AND e.room_nid = r.room_nid AND h.room_nid = r.room_nid
      AND e.position <= (SELECT max(position) FROM events WHERE room_nid = r.room_nid) - ${keep}
      AND e.event_nid <> ALL (h.extremities)
      AND NOT EXISTS (
        SELECT 1 FROM current_state c WHERE c.room_nid = e.room_nid AND c.event_nid = e.event_nid)
      AND e.type = 'org.example.note'`;
  return gone.count;
}

async function collectAll(limit = 1_000): Promise<void> {
  await beginCollection(sql);
  while ((await stepCollection(sql, limit)).phase !== "idle");
}

/** Every state that is referred to can be read to its last node, without any cache. */
async function expectWhole(): Promise<void> {
  const cold = createStateTree((hashes) => stateNodes(sql, hashes));
  const roots = await sql<{ root: Buffer }[]>`
    SELECT state_root AS root FROM room_heads WHERE state_root IS NOT NULL
    UNION SELECT state_before FROM events WHERE state_before IS NOT NULL
    UNION SELECT state_after FROM events WHERE state_after IS NOT NULL
    UNION SELECT room_state FROM events WHERE room_state IS NOT NULL`;
  for (const { root } of roots) await cold.entries(root.toString("hex"));
  expect((await previewCollection(sql)).missingNodes).toBe(0);
}

describe("collecting state nodes", () => {
  test("an engine that only appends leaves nothing to collect", async () => {
    const roomId = await sharedRoom();
    world.cut(a, b);
    for (let i = 0; i < 10; i++) {
      await note(a, alice, roomId, `${i}`);
      await note(b, bob, roomId, `${i + 5}`);
    }
    world.heal();
    await world.flush();
    expect(await previewCollection(sql)).toMatchObject({ unneededNodes: 0, missingNodes: 0 });
  });

  test("removes exactly what purged history alone needed, and says so beforehand", async () => {
    const roomId = await sharedRoom();
    for (let i = 0; i < 40; i++) await note(a, alice, roomId, `${i % 10}`);
    await collectAll();
    expect(await previewCollection(sql)).toMatchObject({ unneededNodes: 0 });
    expect((await readCollection(sql)).wanted).toBe(false);

    expect(await purge(sql, roomId, 3)).toBeGreaterThan(20);
    expect((await readCollection(sql)).wanted).toBe(true);
    const preview = await previewCollection(sql);
    expect(preview.unneededNodes).toBeGreaterThan(20);
    await collectAll(7);
    const { nodes, bytes } = await readCollection(sql);
    expect({ nodes, bytes }).toEqual({
      nodes: preview.unneededNodes,
      bytes: preview.unneededBytes,
    });
    expect(await previewCollection(sql)).toMatchObject({
      nodes: preview.nodes - preview.unneededNodes,
      unneededNodes: 0,
      missingNodes: 0,
    });
    await expectWhole();
  });

  test("goes on where a killed process stopped", async () => {
    const roomId = await sharedRoom();
    for (let i = 0; i < 20; i++) await note(a, alice, roomId, "one");
    await purge(sql, roomId, 2);
    const { unneededNodes } = await previewCollection(sql);
    await beginCollection(sql);
    for (let i = 0; i < 500; i++) {
      const other = a.db.connect({ max: 1 });
      const { phase } = await stepCollection(other, 50);
      await other.end();
      if (phase === "idle") break;
    }
    expect(await readCollection(sql)).toMatchObject({ phase: "idle", nodes: unneededNodes });
    await expectWhole();
  });
});

describe("a node that was garbage and is brought again", () => {
  const data = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const hash = Buffer.from(keyOf(data), "latin1");
  const stored = async () => (await stateNodes(sql, [hash])).length === 1;

  test("is kept, whenever that happens during the collection", async () => {
    for (let steps = 0; ; steps++) {
      await sql`DELETE FROM state_nodes WHERE hash = ${hash}`;
      await sql`INSERT INTO state_nodes (hash, data, epoch) VALUES (${hash}, ${data}, 0)`;
      await beginCollection(sql);
      let phase = "heads";
      for (let i = 0; i < steps && phase !== "idle"; i++) {
        ({ phase } = await stepCollection(sql, 40));
      }
      await a.log.append({ stateNodes: [{ hash, data }] });
      const isOver = phase === "idle";
      while (phase !== "idle") ({ phase } = await stepCollection(sql, 40));
      expect(await stored()).toBe(true);
      if (isOver) break;
    }
  });

  test("is kept when the append is committed while its removal waits for it", async () => {
    await sql`UPDATE state_nodes SET epoch = 0 WHERE hash = ${hash}`;
    await beginCollection(sql);
    while ((await stepCollection(sql, 1_000)).phase !== "sweep");
    const writer = a.db.connect({ max: 1 });
    let sweeping: Promise<unknown> = Promise.resolve();
    await writer.begin(async (tx) => {
      // As the append's statement does it.
      await tx`
        INSERT INTO state_nodes AS s (hash, data, epoch)
        SELECT ${hash}, ${data}, epoch FROM log_head
        ON CONFLICT (hash) DO UPDATE SET epoch = excluded.epoch WHERE s.epoch < excluded.epoch`;
      sweeping = stepCollection(sql, 1_000_000);
      await waitingForLock(tx);
    });
    await sweeping;
    expect(await stored()).toBe(true);
    while ((await stepCollection(sql, 1_000)).phase !== "idle");
  });

  test("is gone when nothing brings it", async () => {
    await collectAll();
    expect(await stored()).toBe(false);
  });
});

/** Resolves when another session waits for a lock of ours. */
async function waitingForLock(tx: Parameters<Parameters<Sql["begin"]>[1]>[0]): Promise<void> {
  for (;;) {
    const [row] = await tx<{ waiting: number }[]>`
      SELECT count(*) AS waiting FROM pg_stat_activity
      WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))`;
    if ((row?.waiting ?? 0) > 0) return;
  }
}

describe("an event that is built on one that another replica has purged", () => {
  test("is refused and forgotten, so that nothing stands on nodes that are gone", async () => {
    const roomId = await sharedRoom();
    const before = await note(a, alice, roomId, "x");
    await world.flush();
    // Bob's branch goes on from an event that is old here by then.
    world.cut(a, b);
    const late = await say(b, bob, roomId);
    for (let i = 0; i < 10; i++) await note(a, alice, roomId, "x");
    const [row] = await sql<{ nid: number; root: Buffer }[]>`
      SELECT event_nid AS nid, state_after AS root FROM events WHERE event_id = ${before}`;
    await purge(sql, roomId, 3);
    await collectAll();
    expect(await stateNodes(sql, [row!.root])).toEqual([]);
    await expect(a.log.append({ statesOf: [row!.nid], stateNodes: [] })).rejects.toThrow(
      PurgedDependency,
    );
    world.heal();
    await world.flush();
    await world.flush();
    await expectWhole();
    const [placed] = await sql`SELECT status FROM events WHERE event_id = ${late}`;
    // It comes back to its place by what the other server tells, or waits for it.
    if (placed === undefined) {
      const staged = await sql`SELECT 1 FROM staged_events WHERE event_id = ${late}`;
      expect(staged).toHaveLength(1);
    }
  });

  test("fails along with what it was to be built on in the same group", async () => {
    const nids = [900_000_001, 900_000_002];
    const [event] = await a.rooms.view
      .eventsById([await note(a, alice, await sharedRoom(), "y")])
      .then((found) => [...found.values()]);
    const row = { ...event!, event: event!.event, authNids: [], timeline: "outlier" as const };
    const rows = { stateBefore: null, stateAfter: null, roomState: null };
    const duplicate = { nid: nids[0]!, roomNid: row.roomNid, event: row.event, ...rows };
    const first = a.log.append({
      events: [{ ...duplicate, authNids: [], timeline: "outlier" }],
    });
    const second = a.log.append({ statesOf: [nids[0]!] });
    await expect(first).rejects.toThrow(/stored already/);
    await expect(second).rejects.toThrow();
  });
});

describe("collections amid appends, forks and purges on two replicas", () => {
  test("never lose a node that is in use", async () => {
    const other = await world.replica(a);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = createSeededRandom(seed);
      world.reset();
      const roomId = await sharedRoom();
      // More than a leaf holds: snapshots share nodes.
      await Promise.all(Array.from({ length: 200 }, (_, i) => note(a, alice, roomId, `n${i}`)));
      await world.flush();
      await beginCollection(sql);
      for (let step = 0; step < 60; step++) {
        await act(random, roomId, [a, other]);
        const { phase } = await stepCollection(sql, 1 + random.integer(600));
        if (phase === "idle") {
          await expectWhole();
          await beginCollection(sql);
        }
      }
      world.heal();
      await world.flush();
      while ((await stepCollection(sql, 1_000)).phase !== "idle");
      await expectWhole();
      await collectAll();
      await expectWhole();
      expect(await previewCollection(sql)).toMatchObject({ unneededNodes: 0, missingNodes: 0 });
    }
  }, 120_000);
});

/** Something happens in the room: here by either replica, there by the other server, or to old history. */
async function act(random: Random, roomId: RoomId, replicas: TestServer[]): Promise<void> {
  const here = replicas[random.integer(2)]!;
  const key = `${random.integer(6)}`;
  switch (random.integer(6)) {
    case 0:
      world.cut(a, b);
      break;
    case 1:
      world.heal();
      await world.flush();
      break;
    case 2:
      await note(b, bob, roomId, key);
      await say(b, bob, roomId);
      break;
    case 3:
      await purge(sql, roomId, 1 + random.integer(6));
      break;
    default:
      for (let i = 0; i < 3; i++) await note(here, alice, roomId, key);
  }
}
