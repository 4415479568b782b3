/** Appends that fail, that clash with others of their moment, or that are repeated. */
import { describe, expect, test } from "vitest";
import {
  DuplicateEvent,
  FailedDependency,
  isOvertaken,
  PurgedDependency,
  DuplicateTransaction,
  StaleHead,
  Unstorable,
} from "../../src/log/types.ts";
import { command, live, makeEvent, makeRoom, onlyEvent, SERVER } from "./support.ts";
import { one } from "./one-log.ts";

const txn = (id: string, eventId: string) => ({
  userId: `@alice:${SERVER}`,
  deviceId: "DEVICE",
  scope: "send !room m.room.message",
  txnId: id,
  eventId,
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

test("who comes back and leaves in one moment has not forgotten the room any more", async () => {
  const room = await makeRoom(one.sql, "forgotten");
  const userId = `@back:${SERVER}`;
  const become = (membership: string) =>
    one.log.append({
      memberships: [
        { roomNid: room.nid, roomId: room.roomId, userId, server: SERVER, membership, eventNid: 1 },
      ],
    });
  const forget = { kind: "forgotten", roomNid: room.nid, roomId: room.roomId, userId } as const;
  const row = () => one.sql`
    SELECT membership, forgotten FROM memberships WHERE room_nid = ${room.nid}`;
  await become("leave");
  await one.log.append({ records: [forget] });
  expect(await row()).toEqual([{ membership: "leave", forgotten: true }]);
  await Promise.all([become("ban"), become("leave")]);
  expect(await row()).toEqual([{ membership: "leave", forgotten: true }]);
  await Promise.all([become("join"), become("leave")]);
  expect(await row()).toEqual([{ membership: "leave", forgotten: false }]);
});

test("of history that came to a room the newest records are kept", async () => {
  const [room, other] = [await makeRoom(one.sql, "filled"), await makeRoom(one.sql, "beside")];
  const start = one.log.position;
  const arrived = (roomNid: number, nid: number) =>
    one.log.append({ records: [{ kind: "history", roomNid, eventNids: [nid] }] });
  await arrived(other.nid, 7);
  for (let nid = 0; nid < 500; nid += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, n) => arrived(room.nid, nid + n)));
  }
  const rows = await one.sql<{ room: number; position: number; nids: number[] }[]>`
    SELECT room_nid AS room, position, event_nids AS nids FROM arrived_history
    WHERE position > ${start} ORDER BY position`;
  expect(rows.map(({ nids }) => nids[0])).toContain(7);
  const own = rows.filter((row) => row.room === room.nid);
  expect(own.length).toBeLessThan(300);
  expect(own.length).toBeGreaterThanOrEqual(200);
  expect(own.at(-1)!.position).toBe(one.log.position);
});
