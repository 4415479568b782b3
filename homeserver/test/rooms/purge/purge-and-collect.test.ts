import { expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { checkRoom } from "../../../src/rooms/integrity/index.ts";
import type { RoomFinding } from "../../../src/rooms/integrity/index.ts";
import {
  beginCollection,
  previewCollection,
  readCollection,
  stepCollection,
} from "../../../src/storage/rooms/state-collection.ts";
import { until } from "../../support/wait.ts";
import { purgeEnd } from "./purge-end.ts";
import { startServers } from "../support/servers.ts";

const [, a] = await startServers("a.test");
const alice = a.user("alice");

function note(roomId: RoomId, stateKey: string): Promise<EventId> {
  const content = { at: `${Math.random()}` };
  return a.rooms.send.state({ by: alice, roomId, type: "org.example.note", stateKey, content });
}

async function collect(): Promise<void> {
  await beginCollection(a.db.sql);
  await until(async () => (await stepCollection(a.db.sql, 1_000)).phase === "idle", { every: 0 });
}

async function findings(roomId: RoomId): Promise<RoomFinding[]> {
  const found: RoomFinding[] = [];
  const key = async () => a.verifyKey;
  await checkRoom(a.db.sql, roomId, { key, found: (finding) => found.push(finding) });
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
  const ofHistory = await a.rooms.purges.history(kept, { eventId: last }, { localEvents: true });
  expect(await purgeEnd(a, ofHistory)).toMatchObject({ state: "complete" });
  expect(await findings(kept)).toEqual([]);
  const how = { block: false, purge: true, force: true };
  const ofRoom = await a.rooms.purges.room(alice.userId, gone, how);
  expect(await purgeEnd(a, ofRoom)).toMatchObject({ state: "complete" });
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
