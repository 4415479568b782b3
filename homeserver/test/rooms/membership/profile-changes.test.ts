import { afterAll, beforeAll, expect, test } from "vitest";
import { LogUnavailable, StaleHead } from "../../../src/log/types.ts";
import { errors } from "../../../src/protocol/errors.ts";
import type { UserId } from "../../../src/protocol/identifiers.ts";
import { createProfileChanges } from "../../../src/rooms/membership/profile-changes.ts";
import { makeRoom } from "../../log/support.ts";
import { freshDatabase, type TestDatabase } from "../../support/database.ts";

const alice = "@alice:here" as UserId;
let database: TestDatabase;
let nids: number[];

beforeAll(async () => {
  database = await freshDatabase();
  const rooms = [await makeRoom(database.sql, "one"), await makeRoom(database.sql, "two")];
  nids = rooms.map(({ nid }) => nid);
  for (const nid of nids) {
    await database.sql`
      INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
      VALUES (${nid}, ${alice}, 'here', 'join', 1, 1)`;
  }
});
afterAll(() => database.close());

/** Tells two rooms of a profile, the first of which fails with the error. */
async function tell(error: Error): Promise<number[]> {
  const tried: number[] = [];
  const { sql } = database;
  const store = { sql, registry: { byNids: async () => new Map(nids.map((nid) => [nid, nid])) } };
  const run = async (nid: number) => {
    tried.push(nid);
    if (nid === nids[0]) throw error;
  };
  const profiles = { get: async () => ({ displayname: "Alice" }) };
  await createProfileChanges(store as never, { run } as never, profiles)(alice);
  return tried;
}

test("a room that refuses a new name keeps the old one, and the others get it", async () => {
  expect(await tell(errors.forbidden("Not here"))).toEqual(nids);
});

test("rooms that the database keeps from a new name are tried again by whoever follows profiles", async () => {
  await expect(tell(new LogUnavailable("away"))).rejects.toThrow(LogUnavailable);
  await expect(tell(new StaleHead(1))).rejects.toThrow(StaleHead);
  const closed = Object.assign(new Error("write CONNECTION_CLOSED"), { code: "CONNECTION_CLOSED" });
  await expect(tell(closed)).rejects.toThrow("CONNECTION_CLOSED");
});
