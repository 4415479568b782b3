import { describe, expect, test } from "vitest";
import { replaceInStates } from "./damage.ts";
import {
  a,
  alice,
  b,
  banNid,
  expectMended,
  mallory,
  nidOfRoom,
  note,
  roomId,
  say,
} from "./mending.ts";

/** WEFT_TEST_DAMAGES=1000 for more. */
const DAMAGES = Number(process.env["WEFT_TEST_DAMAGES"] ?? 6);

describe("mending a room makes of it what it was before", () => {
  test.each(["a", "b"])("when its states lost a ban (%s)", async (which) => {
    const server = which === "a" ? a : b;
    await expectMended(server, async (_, room) => {
      const nid = await banNid(server);
      await replaceInStates(server.db.sql, await nidOfRoom(server), nid, 900_000);
      await server.db.sql`
        DELETE FROM current_state WHERE room_nid = ${room} AND event_nid = ${nid}`;
      await server.db.sql`
        DELETE FROM memberships WHERE room_nid = ${room} AND event_nid = ${nid}`;
    });
  });

  test("when its states name no event for a ban any more", async () => {
    await expectMended(a, async () =>
      replaceInStates(a.db.sql, await nidOfRoom(a), await banNid(a), null),
    );
  });

  test("when a state names an event of another key", async () => {
    await expectMended(a, async () =>
      replaceInStates(a.db.sql, await nidOfRoom(a), await banNid(a), (await banNid(a)) - 1),
    );
  });

  test("when auth_nids are others, too few or none", async () => {
    const { report } = await expectMended(a, async ({ db }, room) => {
      await db.sql`
        UPDATE events SET auth_nids = auth_nids[2:] || ARRAY[900000::bigint] WHERE room_nid = ${room}`;
    });
    expect(report).toMatchObject({ states: 0, heads: 0 });
  });

  test("when states were set to others", async () => {
    await expectMended(
      a,
      ({ db }, room) => db.sql`
      UPDATE events SET state_before = state_after, state_after = state_before
      WHERE room_nid = ${room}`,
    );
  });

  test("when states are gone", async () => {
    await expectMended(
      a,
      ({ db }, room) => db.sql`
      UPDATE events SET state_before = NULL, state_after = NULL WHERE room_nid = ${room}`,
    );
  });

  test("when all nodes are gone", async () => {
    await expectMended(a, ({ db }) => db.sql`DELETE FROM state_nodes`);
  });

  test("when verdicts were turned", async () => {
    await expectMended(
      a,
      ({ db }, room) => db.sql`
      UPDATE events SET status = 2 WHERE room_nid = ${room} AND type = 'org.example.note'`,
    );
  });

  test("when the head and the tables are wrong", async () => {
    await expectMended(a, async ({ db }, room) => {
      await db.sql`
        UPDATE room_heads SET extremities = ARRAY(SELECT min(event_nid) FROM events
          WHERE room_nid = ${room}), state_root = NULL WHERE room_nid = ${room}`;
      await db.sql`DELETE FROM current_state WHERE room_nid = ${room} AND state_key = 'n1'`;
      await db.sql`
        INSERT INTO current_state VALUES (${room}, 'org.example.note', 'never', 1)`;
      await db.sql`
        UPDATE memberships SET membership = 'join' WHERE room_nid = ${room}
          AND user_id = ${mallory.userId}`;
    });
  });

  test("when the columns say other things", async () => {
    await expectMended(
      a,
      ({ db }, room) => db.sql`
      UPDATE events SET type = 'x', state_key = 'y', sender = 'z', depth = 1, prev_event_ids = '{}'
      WHERE room_nid = ${room} AND type = 'org.example.note'`,
    );
  });

  test("when keys of states are gone", async () => {
    await expectMended(
      a,
      ({ db }) => db.sql`
      DELETE FROM state_tuples WHERE type IN ('org.example.note', 'm.room.member')`,
    );
  });

  test("when an event that was accepted counts as rejected, and has no place", async () => {
    const eventId = await note(a, alice, "n1");
    const { report } = await expectMended(a, async ({ db }, room) => {
      await db.sql`
        UPDATE events SET status = 2, position = NULL, reason = 'x', room_state = NULL,
          state_after = state_before WHERE event_id = ${eventId}`;
      await db.sql`
        UPDATE room_heads SET extremities = ARRAY(SELECT e.event_nid FROM events e, events c
            WHERE c.event_id = ${eventId} AND e.event_id = ANY (c.prev_event_ids)),
          state_root = (SELECT state_before FROM events WHERE event_id = ${eventId})
        WHERE room_nid = ${room}`;
    });
    expect(report).toMatchObject({ verdicts: 1, heads: 1 });
  });

  test("when a redaction was not applied", async () => {
    const eventId = await say(a, alice);
    const [whole] = await a.db.sql`SELECT json FROM events WHERE event_id = ${eventId}`;
    await a.rooms.send.redact({ by: alice, roomId, eventId });
    const { report } = await expectMended(
      a,
      ({ db }) => db.sql`
      UPDATE events SET json = ${whole!.json}, redacted_by = NULL WHERE event_id = ${eventId}`,
    );
    expect(report.redactions).toBe(1);
    const [row] = await a.db.sql`
      SELECT json, redacted_by IS NOT NULL AS redacted FROM events WHERE event_id = ${eventId}`;
    expect(row).toMatchObject({ redacted: true });
    expect(row!.json).not.toContain("hello");
  });

  test("whatever is damaged at once", async () => {
    const damages = [
      (room: number) => a.db.sql`
        UPDATE events SET state_before = state_after WHERE room_nid = ${room} AND event_nid % 3 = 0`,
      (room: number) => a.db.sql`
        UPDATE events SET state_after = NULL WHERE room_nid = ${room} AND event_nid % 5 = 0`,
      (room: number) => a.db.sql`
        UPDATE events SET auth_nids = ARRAY[event_nid - 1] WHERE room_nid = ${room}
          AND event_nid % 4 = 0`,
      (room: number) => a.db.sql`
        UPDATE events SET status = 2 WHERE room_nid = ${room} AND event_nid % 7 = 0`,
      () => a.db.sql`DELETE FROM state_nodes WHERE get_byte(hash, 0) % 2 = 0`,
      (room: number) => a.db.sql`DELETE FROM current_state WHERE room_nid = ${room}`,
      (room: number) => a.db.sql`DELETE FROM memberships WHERE room_nid = ${room}`,
      (room: number) => a.db.sql`
        UPDATE room_heads SET extremities = '{900000}' WHERE room_nid = ${room}`,
      (room: number) => a.db.sql`
        UPDATE events SET prev_event_ids = '{$x}' WHERE room_nid = ${room} AND event_nid % 6 = 0`,
      async (room: number) => replaceInStates(a.db.sql, room, await banNid(a), 900_000),
      () => a.db.sql`DELETE FROM state_tuples WHERE tuple_nid % 2 = 0`,
    ];
    for (let seed = 0; seed < DAMAGES; seed++) {
      await expectMended(a, async (_, room) => {
        const chosen = damages.filter((_, i) => ((seed * 2_654_435_761) >>> (i + 3)) % 3 === 0);
        for (const damage of chosen.length > 0 ? chosen : damages) {
          await Promise.resolve(damage(room)).catch(() => undefined);
        }
      });
    }
  }, 3_600_000);
});
