import { afterAll, beforeAll, expect, test } from "vitest";
import type { LogRecord, NewRecord } from "../../src/log/types.ts";
import { usersWithChanges } from "../../src/storage/streams/device-lists.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { countsChanged, makeLists } from "../support/key-counts.ts";
import { EVERYTHING, hear, openLog } from "./support.ts";
import type { TestLog } from "./support.ts";

let database: TestDatabase;
let on: TestLog;

beforeAll(async () => {
  database = await freshDatabase();
  on = await openLog(database.location);
});
afterAll(async () => {
  await on.stop();
  await database.close();
});

const changed = (userId: string, deviceId: string, isRemoved = false): NewRecord => ({
  ...{ kind: "device_list", userId, deviceId, isRemoved },
});

/** The history of a user's list, oldest first: devices, "-" before those that went. */
async function historyOf(userId: string): Promise<string[]> {
  const rows = await on.sql<{ device: string; removed: boolean }[]>`
    SELECT device_id AS device, removed FROM device_list_changes WHERE user_id = ${userId}
    ORDER BY position`;
  return rows.map(({ device, removed }) => (removed ? `-${device}` : device));
}

test("what readers are told is also in the tables", async () => {
  await makeLists(on.sql, "@a:here", ["A", "B"]);
  const { position } = on.log;
  const heard: LogRecord[] = [];
  const unhear = hear(on.log, (records) => heard.push(...records));
  const records: NewRecord[] = [
    changed("@a:here", "A"),
    { kind: "user_signature", userId: "@a:here", targetId: "@b:there" },
    countsChanged("@a:here", ["A", "B"]),
    { kind: "to_device", userId: "@a:here", deviceId: "A", message: '{"n":1}' },
    { kind: "to_device_outbound", server: "there", content: '{"n":2}' },
  ];
  await on.log.append({ records });
  unhear();
  const later = await openLog(database.location);
  const read = await later.log.read(position, 10, EVERYTHING);
  await later.stop();
  expect(heard.map(({ kind }) => kind)).toEqual(records.map(({ kind }) => kind));
  expect(read).toEqual(heard);
});

test("messages for devices keep their order", async () => {
  const messages = Array.from({ length: 20 }, (_, n) => `{"n":${n}}`);
  await on.log.append({
    records: messages.map((message) => ({
      ...{ kind: "to_device", userId: "@b:here", deviceId: "B", message },
    })),
  });
  const rows = await on.sql<{ message: string }[]>`
    SELECT message FROM to_device_messages WHERE user_id = '@b:here' ORDER BY position`;
  expect(rows.map(({ message }) => message)).toEqual(messages);
});

test("a device list keeps its changes in their order", async () => {
  await on.log.append({ records: [changed("@c:here", "A"), changed("@c:here", "B")] });
  await on.log.append({ records: [changed("@c:here", "A"), changed("@c:here", "B", true)] });
  expect(await historyOf("@c:here")).toEqual(["A", "B", "A", "-B"]);
});

test("of changes that are not about one device only the newest few are kept", async () => {
  await on.log.append({ records: [changed("@d:there", ""), changed("@e:there", "")] });
  for (let n = 0; n < 30; n++) await on.log.append({ records: [changed("@d:there", "")] });
  expect(await historyOf("@d:there")).toHaveLength(11);
  expect(await historyOf("@e:there")).toEqual([""]);
  const { position: upTo } = on.log;
  const users = (after: number, before = upTo) =>
    usersWithChanges(on.sql, { after, upTo: before }).then((found) => found.toSorted());
  expect(await users(0)).toEqual(expect.arrayContaining(["@d:there", "@e:there"]));
  // What came later than the second position is told apart, as long as that is remembered.
  await on.log.append({ records: [changed("@e:there", "")] });
  expect(await users(upTo - 20, upTo - 15)).toEqual(["@d:there"]);
  expect(await users(upTo - 1, upTo)).toEqual(["@d:there"]);
  expect(await users(upTo, upTo)).toEqual([]);
});

test("a long history loses what was superseded and removed, and no device", async () => {
  await on.log.append({ records: [changed("@f:here", "OLD"), changed("@f:here", "GONE", true)] });
  for (let n = 0; n < 30; n++) {
    await on.log.append({ records: Array.from({ length: 10 }, () => changed("@f:here", "BUSY")) });
  }
  const history = await historyOf("@f:here");
  expect(history.filter((device) => device !== "BUSY")).toEqual(["OLD"]);
  expect(history.length).toBeGreaterThan(200);
  expect(history.length).toBeLessThan(220);
});
