import { beforeEach, describe, expect, test } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { checkRoom } from "../../../src/rooms/integrity/index.ts";
import type { RoomFinding, RoomReport } from "../../../src/rooms/integrity/index.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

const [world, a, b] = await startServers("a.test", "b.test");
const [alice, bob] = [a.user("alice"), b.user("bob")];
let roomId: RoomId;

/** A room with a fork, a redaction, somebody who left, and more state than a leaf holds. */
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, {
    preset: "public_chat",
    power_level_content_override: { users: { [bob.userId]: 100 } },
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  const ada = a.user("ada");
  await a.rooms.members.join({ by: ada, room: roomId });
  await a.rooms.members.leave({ by: ada, roomId });
  await Promise.all(Array.from({ length: 140 }, (_, i) => note(a, alice, `n${i}`)));
  await world.flush();
  world.cut(a, b);
  for (let i = 0; i < 5; i++) {
    await note(a, alice, `n${i}`);
    await note(b, bob, `n${i + 2}`);
  }
  world.heal();
  await world.flush();
  const eventId = await say(a, alice);
  await a.rooms.send.redact({ by: alice, roomId, eventId });
  await world.flush();
});

function note(server: TestServer, by: Actor, stateKey: string) {
  const content = { at: `${Math.random()}` };
  return server.rooms.send.state({ by, roomId, type: "org.example.note", stateKey, content });
}

function say(server: TestServer, by: Actor) {
  const content = { msgtype: "m.text", body: "hello" };
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content });
}

/** As `weft doctor` does it: on a connection that can only read. */
async function examine(
  server: TestServer,
): Promise<{ report: RoomReport; findings: RoomFinding[] }> {
  const sql = server.db.connect({ max: 1 });
  await sql.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const findings: RoomFinding[] = [];
  const report = await checkRoom(sql, roomId, {
    key: async (name, keyId) => {
      const of = [a, b].find((one) => one.name === name && one.key.keyId === keyId);
      return of?.verifyKey;
    },
    found: (finding) => findings.push(finding),
  });
  await sql.end();
  return { report: report!, findings };
}

async function whatIsFound(server: TestServer): Promise<string> {
  return (await examine(server)).findings.map(({ what }) => what).join("\n");
}

describe("examining a room", () => {
  test("finds nothing amiss on either server, and tells how much it looked at", async () => {
    const here = await examine(a);
    expect(here.findings).toEqual([]);
    expect(here.report).toMatchObject({ statesFromOthers: 0, signaturesUnknown: 0, members: 3 });
    expect(here.report.statesChecked).toBe(here.report.events);
    expect(here.report.stateEntries).toBeGreaterThan(140);

    const there = await examine(b);
    expect(there.findings).toEqual([]);
    // What came before the join was told.
    expect(there.report.statesFromOthers).toBeGreaterThan(0);
    expect(there.report.statesChecked).toBeGreaterThan(140);
  });

  test("names the events whose text, signature or row was changed", async () => {
    const eventId = await say(a, alice);
    await a.db.sql`
      UPDATE events SET json = replace(json, '"hello"', '"adieu"'), depth = depth + 1
      WHERE event_id = ${eventId}`;
    const { findings } = await examine(a);
    expect(findings.every((finding) => finding.eventId === eventId)).toBe(true);
    const said = findings.map(({ what }) => what).join("\n");
    expect(said).toMatch(/its content hash is wrong, and it is not redacted/);
    expect(said).toMatch(/the column depth is not what the event says/);
    await a.db.sql`
      UPDATE events SET json = regexp_replace(json, '"ed25519:test":"....', '"ed25519:test":"AAAA')
      WHERE event_id = ${eventId}`;
    expect(await whatIsFound(a)).toMatch(/a signature is missing or wrong/);
  });

  test("names states that do not follow from what is before them", async () => {
    const eventId = await note(a, alice, "n1");
    await say(a, alice);
    await a.db.sql`
      UPDATE events SET state_after = state_before WHERE event_id = ${eventId}`;
    const { findings } = await examine(a);
    expect(findings[0]).toMatchObject({ eventId });
    expect(findings[0]!.what).toMatch(/^the state after it is \w{8}, by what is before \w{8}$/);
    expect(findings[1]!.what).toMatch(/^the state before it is \w{8}, by its prev events \w{8}$/);
  });

  test("names nodes that are missing", async () => {
    await a.db.sql`
      DELETE FROM state_nodes WHERE hash = (
        SELECT state_root FROM room_heads JOIN rooms USING (room_nid) WHERE room_id = ${roomId})`;
    const found = await whatIsFound(a);
    expect(found).toMatch(/^state node [0-9a-f]{32} is not stored$/m);
    expect(found).toMatch(/^a state around it has lost its root node$/m);
  });

  test("names what the tables of current state and members have too much, too little or wrong", async () => {
    const [{ nid }] = (await a.db
      .sql`SELECT room_nid AS nid FROM rooms WHERE room_id = ${roomId}`) as [{ nid: number }];
    await a.db.sql`
      UPDATE current_state SET event_nid = 1 WHERE room_nid = ${nid} AND state_key = 'n3'`;
    await a.db.sql`DELETE FROM current_state WHERE room_nid = ${nid} AND state_key = 'n4'`;
    await a.db.sql`
      INSERT INTO current_state VALUES (${nid}, 'org.example.note', 'never', 1)`;
    await a.db.sql`
      UPDATE memberships SET membership = 'join' WHERE room_nid = ${nid} AND user_id = '@ada:a.test'`;
    await a.db.sql`
      INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
      VALUES (${nid}, '@eve:a.test', 'a.test', 'join', 1, 1)`;
    expect((await whatIsFound(a)).split("\n").toSorted()).toEqual([
      'current_state has another event for org.example.note "n3"',
      'current_state has another event for org.example.note "n4"',
      'current_state has org.example.note "never", the head\'s state has not',
      "memberships has @eve:a.test joined, the current state has not",
      "memberships says join for @ada:a.test",
    ]);
  });

  test("names forward extremities that are none, and those that are forgotten", async () => {
    const first = await say(a, alice);
    const second = await say(a, alice);
    await a.db.sql`
      UPDATE room_heads SET extremities = ARRAY(SELECT event_nid FROM events WHERE event_id = ${first})
      WHERE room_nid = (SELECT room_nid FROM rooms WHERE room_id = ${roomId})`;
    expect((await examine(a)).findings).toEqual([
      { roomId, eventId: first, what: "it is kept as a forward extremity, and is none" },
      { roomId, eventId: second, what: "it is a forward extremity, and is not kept as one" },
    ]);
  });
});
