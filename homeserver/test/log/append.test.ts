import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  DuplicateEvent,
  FailedDependency,
  isOvertaken,
  PurgedDependency,
  DuplicateTransaction,
  StaleHead,
  Unstorable,
} from "../../src/log/types.ts";
import type { LogRecord, NewEvent, NewRecord } from "../../src/log/types.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import {
  command,
  freshNid,
  live,
  hear,
  makeEvent,
  makeRoom,
  onlyEvent,
  openLog,
  SERVER,
} from "./support.ts";
import type { TestLog } from "./support.ts";

let database: TestDatabase;
let one: TestLog;
const records: LogRecord[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  one = await openLog(database.location);
  hear(one.log, (fresh) => records.push(...fresh));
});
afterAll(async () => {
  await one.stop();
  await database.close();
});

const txn = (id: string, eventId: string) => ({
  userId: `@alice:${SERVER}`,
  deviceId: "DEVICE",
  scope: "send !room m.room.message",
  txnId: id,
  eventId,
});

test("an append is in the tables, in memory and told to listeners when it resolves", async () => {
  const room = await makeRoom(one.sql, "first");
  const append = command(room);
  const event = onlyEvent(append);
  const { position, positions } = await one.log.append(append);
  expect(one.log.position).toBe(position);
  expect(positions.get(event.nid)).toBe(position);
  const [row] = await one.sql`SELECT * FROM events WHERE event_nid = ${event.nid}`;
  expect(row).toMatchObject({
    json: event.event.json(),
    position,
    ordinal: 0,
    status: 0,
    prev_event_ids: event.event.prevEventIds,
    auth_nids: [1, 2],
    state_before: Buffer.alloc(16, 1),
  });
  const [head] = await one.sql`SELECT * FROM room_heads WHERE room_nid = ${room.nid}`;
  expect(head).toMatchObject({ version: room.version, extremities: [event.nid], position });
  expect(records.at(-1)).toMatchObject({
    kind: "event",
    position,
    local: true,
    status: "accepted",
  });
  const [read] = await one.log.read(position - 1, 10, ["event"]);
  expect(read).toBe(records.at(-1));
});

test("commands of one room that meet in a group move its head once, to the last", async () => {
  const room = await makeRoom(one.sql, "chain");
  const appends = Array.from({ length: 20 }, () => command(room));
  const results = await Promise.all(appends.map((append) => one.log.append(append)));
  const positions = results.map((result, i) => result.positions.get(onlyEvent(appends[i]!).nid));
  expect(positions).toEqual([...positions].sort((a, b) => a! - b!));
  expect(new Set(positions).size).toBe(20);
  const [head] = await one.sql`SELECT * FROM room_heads WHERE room_nid = ${room.nid}`;
  expect(head).toMatchObject({
    version: room.version,
    extremities: [onlyEvent(appends[19]!).nid],
    position: positions[19],
  });
});

test("a stale head rejects its room's appends alone", async () => {
  const stale = await makeRoom(one.sql, "stale");
  const fine = await makeRoom(one.sql, "fine");
  await one.log.append(command(stale));
  await one.log.append(command(fine));
  stale.version -= 1;
  const [first, second, other] = await Promise.allSettled([
    one.log.append(command(stale)),
    one.log.append(command(stale)),
    one.log.append(command(fine)),
  ]);
  expect(first).toMatchObject({ status: "rejected", reason: expect.any(StaleHead) });
  expect(second).toMatchObject({ status: "rejected", reason: expect.any(StaleHead) });
  expect(other.status).toBe("fulfilled");
  const rows = await one.sql`SELECT 1 FROM events WHERE room_nid = ${stale.nid}`;
  expect(rows).toHaveLength(1);
});

test("a duplicate event fails its append and what was built on it, nothing else", async () => {
  const room = await makeRoom(one.sql, "duplicates");
  const first = command(room);
  await one.log.append(first);
  const good = command(room);
  const duplicate = command(room);
  duplicate.events = [{ ...onlyEvent(duplicate), event: onlyEvent(first).event }];
  const after = command(room);
  const outlier = { events: [live(room, makeEvent(room), { timeline: "outlier" as const })] };
  const results = await Promise.allSettled(
    [good, duplicate, after, outlier].map((append) => one.log.append(append)),
  );
  expect(results.map((result) => result.status)).toEqual([
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  expect(results[1]).toMatchObject({ reason: expect.any(DuplicateEvent) });
  expect((results[1] as PromiseRejectedResult).reason.eventNid).toBe(onlyEvent(first).nid);
  expect(results[2]).toMatchObject({ reason: expect.any(StaleHead) });
  const [head] = await one.sql`SELECT version FROM room_heads WHERE room_nid = ${room.nid}`;
  expect(head).toEqual({ version: good.head?.version });
});

test("of two appends with the same event at once, one wins and the other learns its nid", async () => {
  const room = await makeRoom(one.sql, "twins");
  const event = makeEvent(room);
  const appends = [1, 2].map(() => ({ events: [live(room, event, { timeline: "outlier" })] }));
  const results = await Promise.allSettled(appends.map((append) => one.log.append(append)));
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected"]);
  expect((results[1] as PromiseRejectedResult).reason).toMatchObject({
    name: "DuplicateEvent",
    eventNid: onlyEvent(appends[0]!).nid,
  });
});

test("an append fails with what it awaits, and otherwise than when that was purged", async () => {
  const room = await makeRoom(one.sql, "ground");
  const event = makeEvent(room);
  const outlier = () => live(room, event, { timeline: "outlier" as const });
  const [stored, late] = [outlier(), outlier()];
  await one.log.append({ events: [stored] });
  const next = () => ({ events: [live(room, makeEvent(room), { timeline: "outlier" as const })] });
  const appends = [
    { events: [late] },
    // Built on what fails in front of it.
    { ...next(), dependsOn: [late.nid] },
    { ...next(), dependsOn: [stored.nid] },
  ];
  const [duplicate, lost, kept] = await Promise.allSettled(
    appends.map((append) => one.log.append(append)),
  );
  expect(duplicate).toMatchObject({ reason: expect.any(DuplicateEvent) });
  expect(isOvertaken((lost as PromiseRejectedResult).reason)).toBe(true);
  expect(kept!.status).toBe("fulfilled");
  const gone = 900_000_003;
  await expect(one.log.append({ ...next(), dependsOn: [gone] })).rejects.toThrow(FailedDependency);
  await expect(one.log.append({ ...next(), statesOf: [gone] })).rejects.toThrow(PurgedDependency);
});

describe("transaction ids", () => {
  test("a repeated one answers the earlier event and writes nothing", async () => {
    const room = await makeRoom(one.sql, "txn");
    const first = command(room);
    const before = room.version;
    await one.log.append({ ...first, transaction: txn("1", onlyEvent(first).event.eventId) });
    const again = command(room);
    await expect(
      one.log.append({ ...again, transaction: txn("1", onlyEvent(again).event.eventId) }),
    ).rejects.toThrow(DuplicateTransaction);
    room.version = before;
    const other = command(room);
    const id = onlyEvent(other).event.eventId;
    await one.log.append({ ...other, transaction: { ...txn("1", id), deviceId: "OTHER" } });
    const rows = await one.sql`SELECT 1 FROM events WHERE room_nid = ${room.nid}`;
    expect(rows).toHaveLength(2);
  });

  test("two equal ones at once are told apart", async () => {
    const rooms = await Promise.all(["a", "b"].map((name) => makeRoom(one.sql, `txn-${name}`)));
    const appends = rooms.map((room) => command(room));
    const ids = appends.map((append) => onlyEvent(append).event.eventId);
    const results = await Promise.allSettled(
      appends.map((append, i) => one.log.append({ ...append, transaction: txn("2", ids[i]!) })),
    );
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected"]);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ eventId: ids[0] });
  });
});

test("what PostgreSQL can't store fails alone", async () => {
  const room = await makeRoom(one.sql, "nul");
  const nul = command(room);
  nul.events = [{ ...onlyEvent(nul), event: makeEvent(room, { type: "a\0b" }) }];
  const fine = await makeRoom(one.sql, "no-nul");
  const long = { events: [live(fine, makeEvent(fine, { sender: `@${"x".repeat(600)}:a.test` }))] };
  const results = await Promise.allSettled(
    [nul, command(fine), long].map((append) => one.log.append(append)),
  );
  expect(results.map((result) => result.status)).toEqual(["rejected", "fulfilled", "rejected"]);
  expect(results[0]).toMatchObject({ reason: expect.any(Unstorable) });
});

test("an error in one append's rows doesn't fail its group", async () => {
  const room = await makeRoom(one.sql, "fault");
  const fault = { events: [live(room, makeEvent(room), { nid: 1.5 })] };
  const results = await Promise.allSettled(
    [command(room), fault, command(room)].map((append) => one.log.append(append)),
  );
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("a redaction replaces its target's text, in the same group and in the same append too", async () => {
  const room = await makeRoom(one.sql, "redact");
  const related = { "m.relates_to": { event_id: "$x", rel_type: "m.annotation" } };
  const targets = [1, 2].map(() => live(room, makeEvent(room, { content: related })));
  const redaction = (target: (typeof targets)[number]) => ({
    targetEventId: target.event.eventId,
    redactionNid: freshNid(),
    redactedJson: "{}",
  });
  await Promise.all([
    one.log.append({ events: [targets[0]!] }),
    one.log.append({ redactions: [redaction(targets[0]!)] }),
    one.log.append({ events: [targets[1]!], redactions: [redaction(targets[1]!)] }),
  ]);
  const rows = await one.sql`
    SELECT json, relates_to, redacted_by IS NOT NULL AS redacted FROM events
    WHERE event_nid = ANY (${targets.map(({ nid }) => nid)}::bigint[])`;
  expect(rows).toEqual([
    { json: "{}", relates_to: null, redacted: true },
    { json: "{}", relates_to: null, redacted: true },
  ]);
});

describe("a row that two appends of a moment change", () => {
  /** A redaction of an event that is there, and what was left of the event. */
  const redactionOf = (target: NewEvent) => ({
    ...{ targetEventId: target.event.eventId, redactionNid: freshNid(), redactedJson: "{}" },
  });
  const rowOf = async ({ nid }: NewEvent) => {
    const [row] = await one.sql`
      SELECT json, redacted_by IS NOT NULL AS redacted, position IS NOT NULL AS placed,
        state_after AS "stateAfter" FROM events WHERE event_nid = ${nid}`;
    return row!;
  };

  test("is redacted and placed: an outlier whose redaction comes just before its place", async () => {
    const room = await makeRoom(one.sql, "redact-and-place");
    const outlier = live(room, makeEvent(room), { timeline: "outlier" });
    await one.log.append({ events: [outlier] });
    const redaction = redactionOf(outlier);
    const redactedBy = redaction.redactionNid;
    const placed = { ...outlier, timeline: "live" as const, stored: true, redactedBy };
    await Promise.all([
      one.log.append(command(room, { redactions: [redaction] })),
      one.log.append({ ...command(room), events: [placed] }),
    ]);
    expect(await rowOf(outlier)).toMatchObject({ redacted: true, placed: true });
  });

  test.each(["before", "after"])("is redacted and restated: redacted %s", async (when) => {
    const room = await makeRoom(one.sql, `redact-and-restate-${when}`);
    const first = command(room);
    await one.log.append(first);
    const target = onlyEvent(first);
    const state = Buffer.alloc(16, 7);
    const recomputed = [
      {
        ...{ nid: target.nid, status: "accepted" as const, reason: undefined },
        ...{ stateBefore: state, stateAfter: state, roomState: state },
      },
    ];
    const redacted = () => command(room, { redactions: [redactionOf(target)] });
    const other = () => ({ ...command(room), events: [], recomputed });
    const appends = when === "before" ? [redacted(), other()] : [other(), redacted()];
    await Promise.all(appends.map((append) => one.log.append(append)));
    expect(await rowOf(target)).toMatchObject({ json: "{}", redacted: true, stateAfter: state });
  });
});

test("an outlier is given its place, history stands in front of it", async () => {
  const room = await makeRoom(one.sql, "places");
  const outlier = live(room, makeEvent(room), { timeline: "outlier" });
  await one.log.append({ events: [outlier] });
  const placed = { ...outlier, timeline: "live" as const, stored: true };
  const { positions } = await one.log.append({ events: [placed] });
  const position = positions.get(outlier.nid)!;
  const older = live(room, makeEvent(room), { timeline: { position, ordinal: -1 } });
  await one.log.append({ events: [older] });
  const rows = await one.sql`
    SELECT event_nid AS nid FROM events WHERE room_nid = ${room.nid} ORDER BY position, ordinal`;
  expect(rows.map((row) => row.nid)).toEqual([older.nid, outlier.nid]);
});

test("state, members, gaps, receipts and account data: the last change of a group holds", async () => {
  const room = await makeRoom(one.sql, "derived");
  const user = `@bob:${SERVER}`;
  const member = (membership: string, eventNid: number) => ({
    ...{ roomNid: room.nid, roomId: room.roomId, userId: user, server: SERVER },
    ...{ membership, eventNid },
  });
  const state = (eventNid: number | null) => ({
    roomNid: room.nid,
    changes: [{ type: "m.room.topic", stateKey: "", eventNid }],
  });
  const receipt = (eventId: string): NewRecord => ({
    ...{ kind: "receipt", roomNid: room.nid, roomId: room.roomId, userId: user },
    ...{ receiptType: "m.read", threadId: "", eventId, eventPosition: null, ts: 5 },
  });
  const note = (content: string): NewRecord => ({
    ...{ kind: "account_data", userId: user, roomNid: null, type: "note", content },
  });
  const gap = { roomNid: room.nid, eventId: "$gap" };
  const stripped = { roomNid: room.nid, userId: user };
  const joined = command(room, { memberships: [member("join", 1)], currentState: state(7) });
  await Promise.all([
    one.log.append({ ...joined, memberships: [member("join", onlyEvent(joined).nid)] }),
    one.log.append({ memberships: [member("leave", 2)], currentState: state(8) }),
    one.log.append({ currentState: state(null), missing: { add: [{ ...gap, childNid: 3 }] } }),
    one.log.append({ missing: { remove: [gap] }, records: [note("1"), note("2")] }),
    one.log.append({ records: [receipt("$1"), receipt("$2"), note("3")] }),
    one.log.append({ strippedRooms: [{ ...stripped, strippedState: "[]" }] }),
    one.log.append({ strippedRooms: [{ ...stripped, strippedState: null }] }),
  ]);
  const { sql } = one;
  const where = sql`WHERE room_nid = ${room.nid}`;
  expect(await sql`SELECT membership, event_nid FROM memberships ${where}`).toEqual([
    { membership: "leave", event_nid: 2 },
  ]);
  expect(await sql`SELECT 1 FROM current_state ${where}`).toEqual([]);
  expect(await sql`SELECT 1 FROM missing_events ${where}`).toEqual([]);
  expect(await sql`SELECT 1 FROM stripped_rooms ${where}`).toEqual([]);
  expect(await sql`SELECT event_id FROM receipts ${where}`).toEqual([{ event_id: "$2" }]);
  expect(await sql`SELECT content FROM account_data WHERE user_id = ${user}`).toEqual([
    { content: "3" },
  ]);
  const own = records.filter((record) => "roomNid" in record && record.roomNid === room.nid);
  expect(own.map((record) => record.kind)).toEqual(["event", "membership", "receipt", "receipt"]);
  expect(own[0]).toMatchObject({ memberships: [{ userId: user, membership: "join" }] });
});

test("state nodes are written once, whoever brings them", async () => {
  const node = { hash: Buffer.alloc(16, 9), data: Buffer.from([1, 2, 3]) };
  await Promise.all([
    one.log.append({ stateNodes: [node] }),
    one.log.append({ stateNodes: [node, { hash: Buffer.alloc(16, 8), data: Buffer.alloc(0) }] }),
  ]);
  const rows = await one.sql`SELECT hash, data FROM state_nodes WHERE hash = ${node.hash}`;
  expect(rows).toEqual([node]);
});
