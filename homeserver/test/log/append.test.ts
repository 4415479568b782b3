import { describe, expect, test } from "vitest";
import type { NewEvent, NewRecord } from "../../src/log/types.ts";
import { command, freshNid, live, makeEvent, makeRoom, onlyEvent, SERVER } from "./support.ts";
import { one, records } from "./one-log.ts";

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

test("JSON texts come back as they were, and what is none harms nobody else of its moment", async () => {
  const contents = [
    { plain: "a" },
    { quoted: 'a "b" \\ c', nested: "{}" },
    { controls: "\u0000\u0015\u001e\n", rest: "é\u{1f600}" },
    { word: "NULL" },
  ];
  const texts = contents.map((content) => JSON.stringify(content));
  const message = (deviceId: string, text: string): NewRecord => ({
    ...{ kind: "to_device", userId: "@texts:here", deviceId, message: text },
  });
  const outcomes = await Promise.allSettled([
    ...texts.map((text, n) => one.log.append({ records: [message(`D${n}`, text)] })),
    ...["", '{"a":"\u001e"}', "\u0015", '{"a":"\0"}'].map((text) =>
      one.log.append({ records: [message("BROKEN", text)] }),
    ),
  ]);
  const refused = outcomes.map((outcome) => outcome.status === "rejected");
  expect(refused).toEqual([...texts.map(() => false), true, true, true, true]);
  const rows = await one.sql`
    SELECT message FROM to_device_messages WHERE user_id = '@texts:here' ORDER BY device_id`;
  expect(rows.map(({ message: text }) => text as string)).toEqual(texts);
});
