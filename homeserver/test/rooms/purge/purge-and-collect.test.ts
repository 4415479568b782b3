import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { examineRoom } from "../../../src/rooms/examine/index.ts";
import type { RoomFinding } from "../../../src/rooms/examine/index.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import {
  beginCollection,
  previewCollection,
  readCollection,
  stepCollection,
} from "../../../src/storage/rooms/state-collection.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let a: TestServer;
let alice: Actor;

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  alice = a.user("alice");
});
afterAll(() => world.close());

function note(roomId: RoomId, stateKey: string): Promise<EventId> {
  const content = { at: `${Math.random()}` };
  return a.rooms.send.state({ by: alice, roomId, type: "org.example.note", stateKey, content });
}

async function ended(purgeId: string): Promise<void> {
  for (;;) {
    const state = (await a.rooms.purges.one(purgeId))?.state;
    if (state === "complete") return;
    expect(state).not.toBe("failed");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function collect(): Promise<void> {
  await beginCollection(a.db.sql);
  while ((await stepCollection(a.db.sql, 1_000)).phase !== "idle");
}

async function findings(roomId: RoomId): Promise<RoomFinding[]> {
  const found: RoomFinding[] = [];
  const key = async () => a.verifyKey;
  await examineRoom(a.db.sql, roomId, { key, found: (finding) => found.push(finding) });
  return found;
}

test("a room whose history was purged stays sound, and a collection removes what a purged room leaves", async () => {
  const [kept, gone] = [await a.rooms.create.room(alice, {}), await a.rooms.create.room(alice, {})];
  for (const roomId of [kept, gone]) {
    for (let i = 0; i < 30; i++) await note(roomId, `${i % 7}`);
  }
  const last = await note(kept, "last");
  await collect();
  const before = await previewCollection(a.db.sql);
  await ended(await a.rooms.purges.history(kept, { eventId: last }, { localEvents: true }));
  expect(await findings(kept)).toEqual([]);
  await ended(
    await a.rooms.purges.room(alice.userId, gone, { block: false, purge: true, force: true }),
  );
  expect((await readCollection(a.db.sql)).wanted).toBe(true);
  const { unneededNodes } = await previewCollection(a.db.sql);
  expect(unneededNodes).toBeGreaterThan(30);
  await collect();
  const after = await previewCollection(a.db.sql);
  expect(after).toMatchObject({ unneededNodes: 0, missingNodes: 0 });
  expect(after.nodes).toBeLessThanOrEqual(before.nodes - 30);
  expect(await findings(kept)).toEqual([]);
  await note(kept, "on");
  expect(await findings(kept)).toEqual([]);
});
