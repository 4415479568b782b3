import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryWake } from "../../src/log/wake.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "./support.ts";

let statements: string[] = [];
let world: SyncWorld;

beforeAll(async () => {
  const wake = createMemoryWake({ shared: true });
  const hold = (statement: string) => void statements.push(statement);
  world = await createSyncWorld({ wake, hold });
});
afterAll(() => world.close());

test("an initial sync takes fewer statements than a user has rooms", async () => {
  const [alice, bob, carol] = [world.user("alice"), world.user("bob"), world.user("carol")];
  const roomOf = async (reader: SyncUser) => {
    const roomId = await world.rooms.create.room(alice.by, { preset: "public_chat" });
    await world.rooms.members.join({ by: reader.by, room: roomId });
    await reader.read(roomId, await alice.send(roomId, "one"));
  };
  // A process reads some things when it starts, and with the first request.
  await roomOf(carol);
  for (let made = 0; made < 64; made += 1) await roomOf(bob);
  const fresh = await world.again();
  await fresh.user("carol").sync();
  statements = [];
  const answer = await fresh.user("bob").sync();
  await fresh.stop();
  const rooms = Object.values<{ ephemeral: { events: { type: string }[] } }>(answer.rooms.join);
  expect(rooms).toHaveLength(64);
  for (const { ephemeral } of rooms)
    expect(ephemeral.events.map(({ type }) => type)).toEqual(["m.receipt"]);
  for (const table of ["receipts", "account_data"]) {
    const reading = statements.filter((statement) => statement.includes(table));
    expect(reading.length).toBeLessThan(32);
  }
});
