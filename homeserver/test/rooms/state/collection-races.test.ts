/** Collections of state nodes amid everything else. */
import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../src/platform/random.ts";
import type { Random } from "../../../src/platform/random.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { PurgedDependency } from "../../../src/log/types.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { stateNodes } from "../../../src/storage/rooms/heads.ts";
import {
  beginCollection,
  previewCollection,
  stepCollection,
} from "../../../src/storage/rooms/state-collection.ts";
import type { TestServer } from "../support/world.ts";
import {
  a,
  alice,
  b,
  bob,
  collectAll,
  collectTo,
  expectWhole,
  note,
  purge,
  sharedRoom,
  sql,
  world,
} from "./collecting.ts";

/** More of them by WEFT_TEST_COLLECTIONS. */
const SEEDS = Number(process.env["WEFT_TEST_COLLECTIONS"] ?? 2);

function say(server: TestServer, by: Actor, roomId: RoomId): Promise<EventId> {
  const content = { msgtype: "m.text", body: "hello" };
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content });
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
      await collectTo("idle");
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
