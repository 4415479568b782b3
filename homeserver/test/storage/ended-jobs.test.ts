/** Whoever lost the lease of a job, and does not know it yet, changes nothing of what others did. */
import { afterAll, beforeAll, expect, test } from "vitest";
import * as redactions from "../../src/storage/administration/user-redactions.ts";
import * as deletions from "../../src/storage/media/deletions.ts";
import * as purges from "../../src/storage/rooms/purges.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
}, 60_000);
afterAll(() => db.close());

test("a purge that has ended stays so", async () => {
  const { sql } = db;
  const row = { purgeId: "p", roomId: "!r:a.test", roomNid: null, kind: "room" } as const;
  await purges.insertPurge(sql, { ...row, request: "{}", status: "shutting_down" }, 1);
  await purges.notePurge(sql, "p", { status: "complete", report: `{"putOut":["@a"]}`, ended: 2 });
  const whole = await purges.purgeById(sql, "p");
  await purges.notePurge(sql, "p", { status: "shutting_down", report: "{}", ended: null });
  await purges.notePurge(sql, "p", { status: "failed", reason: "late", ended: 3 });
  expect(await purges.purgeById(sql, "p")).toEqual(whole);
  expect(await purges.nextPurge(sql)).toBeUndefined();
});

test("a redaction of a user goes forwards only, and ends once", async () => {
  const { sql } = db;
  const row = { redactionId: "r", userId: "@a:a.test", requestedBy: "@b:a.test", request: "{}" };
  await redactions.insertUserRedaction(sql, row, 1);
  const known = () => redactions.findUserRedaction(sql, "r");
  await redactions.noteRoomsDone(sql, "r", 5);
  await redactions.noteRoomsDone(sql, "r", 3);
  expect(await known()).toMatchObject({ status: "active", roomsDone: 5 });
  await redactions.endUserRedaction(sql, "r", { status: "complete", reason: null, now: 2 });
  await redactions.noteRoomsDone(sql, "r", 6);
  await redactions.endUserRedaction(sql, "r", { status: "failed", reason: "late", now: 3 });
  expect(await known()).toMatchObject({ status: "complete", roomsDone: 5, reason: null });
});

test("a deletion of files keeps its first count, and ends once", async () => {
  const { sql } = db;
  const which = { before: 1, largerThan: 0, keepPictures: false };
  const row = { ...which, deletionId: "d", requestedBy: "@b:a.test", createdTs: 1 };
  await deletions.insertMediaDeletion(sql, row);
  await deletions.noteMediaTotal(sql, "d", 7);
  await deletions.noteMediaTotal(sql, "d", 2);
  await deletions.endMediaDeletion(sql, "d", { reason: null, now: 2 });
  await deletions.endMediaDeletion(sql, "d", { reason: "late", now: 3 });
  expect(await deletions.listMediaDeletions(sql, 0, 10)).toEqual([
    expect.objectContaining({ total: 7, reason: null, endedTs: 2 }),
  ]);
});
