/** Mends where not all is here: what another server told, and what is stored nowhere. */
import { beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../support/wait.ts";
import {
  a,
  alice,
  b,
  ban,
  banNid,
  bob,
  expectAlive,
  expectGoesOn,
  expectMended,
  findings,
  joinBob,
  mend,
  nidOf,
  nidOfRoom,
  note,
  openRoom,
  roomId,
  say,
  world,
} from "./mending.ts";

test("what is stored nowhere any more is whole again once it was fetched", async () => {
  await a.db.sql`DELETE FROM events WHERE event_nid = ${await banNid(a)}`;
  const { left, report } = await mend(a);
  expect(left.join()).toContain("which is stored nowhere; it goes without");
  expect(report.gaps).toBeGreaterThan(0);
  expect(await findings(a)).toEqual([]);
  await expectGoesOn(a);
  // Alice scrolls back: her server asks the other one for what is missing.
  await a.rooms.history.messages(alice, roomId, { dir: "b", limit: 1_000 });
  expect((await findings(a)).join()).toMatch(/the state before it is \w{8}, by its prev events/);
  const again = await mend(a);
  expect(again.left).toEqual([]);
  await expectAlive(a);
});

describe("mending a room whose state was told by another server", () => {
  /** Bob's server comes in when mallory is banned already. */
  beforeEach(async () => {
    await openRoom();
    await ban();
    await say(a, alice);
    await joinBob();
    await note(b, bob, "n1");
    await note(a, alice, "n2");
    await world.flush();
  });

  test("finds an event again that got another number after the state was told", async () => {
    const { report, left } = await expectMended(b, async ({ db }) => {
      await db.sql`
        UPDATE events SET event_nid = 700000 + event_nid WHERE event_nid = ${await banNid(b)}`;
    });
    expect(report).toMatchObject({ heads: 1 });
    expect(left).toEqual([]);
  });

  test("says what is stored nowhere any more, and goes on with what is known", async () => {
    const nid = await banNid(b);
    await b.db.sql`DELETE FROM events WHERE event_nid = ${nid}`;
    const { left } = await mend(b);
    expect(left.join()).toContain(
      `named event ${nid} for m.room.member "@mallory:b.test", which is stored nowhere; it goes without`,
    );
    expect(await findings(b)).toEqual([]);
    await expectGoesOn(b);
  });

  test("takes an older setting rather than none", async () => {
    const content = { join_rule: "public", again: true };
    const type = "m.room.join_rules";
    const eventId = await b.rooms.send.state({ by: bob, roomId, type, stateKey: "", content });
    await world.flush();
    const nid = await nidOf(b, eventId);
    const later = await say(b, bob);
    // What is before the later one is known by what was told alone.
    await b.db.sql`DELETE FROM events WHERE event_nid = ${nid}`;
    const { left } = await mend(b);
    expect(left.join()).toMatch(/event \d+, an older one, stands there now/);
    expect(left.join()).toContain(later);
    expect(await findings(b)).toEqual([]);
    await expectGoesOn(b);
  });

  test("gets along with lost nodes and with events that can't be read", async () => {
    await b.db.sql`DELETE FROM state_nodes`;
    await b.db.sql`
      UPDATE events SET json = 'x' WHERE room_nid = ${await nidOfRoom(b)} AND type = 'm.room.join_rules'`;
    expect(await findings(b)).not.toEqual([]);
    const { left, report } = await mend(b);
    expect(left.join()).toMatch(/its JSON can't be read: it was taken out/);
    expect(left.join()).toMatch(/nodes are lost: 0 entries could be read, \d+ were taken/);
    expect(report.removed).toBe(1);
    await mend(b);
    const found = await findings(b);
    expect(found.filter((what) => !what.includes("auth event"))).toEqual([]);
  });

  test.each(["m.room.create", "m.room.power_levels", "m.room.member"])(
    "never fails without any %s",
    async (type) => {
      for (const server of [a, b]) {
        await server.db.sql`
          DELETE FROM events WHERE room_nid = ${await nidOfRoom(server)} AND type = ${type}`;
        await mend(server);
        await mend(server);
        await findings(server);
      }
    },
  );

  test("has an event placed that was lost on its way", async () => {
    const eventId = await note(a, alice, "lost");
    await world.flush();
    await b.db.sql`
      UPDATE room_heads SET extremities = ARRAY(SELECT e.event_nid FROM events e, events c
        WHERE c.event_id = ${eventId} AND e.event_id = ANY (c.prev_event_ids))
      WHERE room_nid = ${await nidOfRoom(b)}`;
    await b.db.sql`
      UPDATE events SET position = NULL, state_before = NULL, state_after = NULL, room_state = NULL
      WHERE event_id = ${eventId}`;
    const notes: string[] = [];
    await findings(b, notes);
    expect(notes.join()).toContain(
      `${eventId} it is known, and all that it builds on has a place, but it has none`,
    );
    const { report } = await mend(b);
    expect(report.staged).toBe(1);
    await expectGoesOn(b);
    await eventually("the lost event has a place", async () => {
      const [row] = await b.db.sql`SELECT position FROM events WHERE event_id = ${eventId}`;
      return row!.position !== null;
    });
    expect(await findings(b)).toEqual([]);
  });
});
