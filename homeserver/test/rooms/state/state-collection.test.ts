import { describe, expect, test } from "vitest";
import { keyOf } from "../../../src/rooms/state/tree/node.ts";
import { stateNodes } from "../../../src/storage/rooms/heads.ts";
import type { Sql } from "../../../src/storage/sql.ts";
import {
  beginCollection,
  previewCollection,
  readCollection,
  stepCollection,
} from "../../../src/storage/rooms/state-collection.ts";
import { eventually } from "../../support/wait.ts";
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
      if (!isOver) await collectTo("idle", 40);
      expect(await stored()).toBe(true);
      if (isOver) break;
    }
  });

  test("is kept when the append is committed while its removal waits for it", async () => {
    await sql`UPDATE state_nodes SET epoch = 0 WHERE hash = ${hash}`;
    await beginCollection(sql);
    await collectTo("sweep");
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
    await collectTo("idle");
  });

  test("is gone when nothing brings it", async () => {
    await collectAll();
    expect(await stored()).toBe(false);
  });
});

/** Resolves when another session waits for a lock of ours. */
async function waitingForLock(tx: Parameters<Parameters<Sql["begin"]>[1]>[0]): Promise<void> {
  await eventually("another session waits for our lock", async () => {
    const [row] = await tx<{ waiting: number }[]>`
      SELECT count(*) AS waiting FROM pg_stat_activity
      WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))`;
    return (row?.waiting ?? 0) > 0;
  });
}
