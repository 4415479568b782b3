import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { examineRoom } from "../../../src/rooms/examine/index.ts";
import { mendRoom } from "../../../src/rooms/examine/mend/index.ts";
import type { MendReport } from "../../../src/rooms/examine/mend/index.ts";
import { rootOfBytes } from "../../../src/rooms/records/events.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import { holdLog } from "../../../src/storage/rooms/mend-rooms.ts";
import { replaceInStates } from "./damage.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

/** WEFT_TEST_DAMAGES=1000 for more. */
const DAMAGES = Number(process.env["WEFT_TEST_DAMAGES"] ?? 6);

let world: World;
let a: TestServer;
let b: TestServer;
let alice: Actor;
let bob: Actor;
let mallory: Actor;
let roomId: RoomId;

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  b = await world.server("b.test");
  [alice, bob, mallory] = [a.user("alice"), b.user("bob"), b.user("mallory")];
});
afterAll(() => world.close());

/** A room on both servers, with a fork, a ban and a few notes. */
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, {
    preset: "public_chat",
    power_level_content_override: { users: { [bob.userId]: 100 } },
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await ban();
  await world.flush();
  world.cut(a, b);
  for (let i = 0; i < 3; i++) {
    await note(a, alice, `n${i}`);
    await note(b, bob, `n${i + 1}`);
  }
  world.heal();
  await world.flush();
  for (let i = 0; i < 3; i++) await say(a, alice);
  await world.flush();
});

function note(server: TestServer, by: Actor, stateKey: string) {
  const content = { at: `${Math.random()}` };
  return server.rooms.send.state({ by, roomId, type: "org.example.note", stateKey, content });
}

function ban() {
  const content = { membership: "ban" };
  const stateKey = mallory.userId;
  return a.rooms.send.state({ by: alice, roomId, type: "m.room.member", stateKey, content });
}

function say(server: TestServer, by: Actor) {
  const content = { msgtype: "m.text", body: "hello" };
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content });
}

async function findings(server: TestServer, notes: string[] = []): Promise<string[]> {
  const found: string[] = [];
  const sql = server.db.connect({ max: 1 });
  await examineRoom(sql, roomId, {
    key: async (name) => [a, b].find((one) => one.name === name)?.verifyKey,
    found: ({ what, eventId }) => found.push(`${eventId ?? ""} ${what}`),
    note: (what, eventId) => notes.push(`${eventId ?? ""} ${what}`),
  });
  await sql.end();
  return found;
}

interface Mended {
  readonly report: MendReport;
  readonly left: readonly string[];
}

async function mend(server: TestServer): Promise<Mended> {
  const left: string[] = [];
  const sql = server.db.connect({ max: 1 });
  const report = await sql.begin(async (tx) =>
    mendRoom(tx, roomId, {
      now: 0,
      epoch: await holdLog(tx),
      left: (what, eventId) => left.push(`${eventId ?? ""} ${what}`),
    }),
  );
  await sql.end();
  return { report: report as unknown as MendReport, left };
}

/** Every state as event ids, the current one, the members and the ends of the graph. */
async function contents(server: TestServer) {
  const { sql } = server.db;
  const store = createRoomStore(sql);
  const rows = await sql<
    { id: string; status: number; before: Buffer | null; after: Buffer | null }[]
  >`
    SELECT event_id AS id, status, state_before AS before, state_after AS after FROM events
    WHERE room_nid = ${await nidOfRoom(server)} AND (position IS NOT NULL OR state_after IS NOT NULL)
    ORDER BY event_id`;
  const state = async (root: Buffer | null) =>
    (await store.state.all(rootOfBytes(root))).map(({ event }) => event.eventId).toSorted();
  const states = new Map<string, unknown>();
  for (const { id, status, before, after } of rows) {
    states.set(id, { status, before: await state(before), after: await state(after) });
  }
  const current = await sql`
    SELECT c.type, c.state_key, e.event_id FROM current_state c JOIN events e USING (event_nid)
    WHERE c.room_nid = ${await nidOfRoom(server)} ORDER BY c.type, c.state_key`;
  const members = await sql`
    SELECT m.user_id, m.membership, e.event_id FROM memberships m JOIN events e USING (event_nid)
    WHERE m.room_nid = ${await nidOfRoom(server)} ORDER BY m.user_id`;
  const [head] = await sql<{ root: Buffer | null; ends: string[] }[]>`
    SELECT state_root AS root, ARRAY(
      SELECT event_id FROM events WHERE event_nid = ANY (extremities) ORDER BY event_id) AS ends
    FROM room_heads WHERE room_nid = ${await nidOfRoom(server)}`;
  return {
    ...{ states, current: [...current], members: [...members] },
    head: { root: await state(head!.root), ends: head!.ends },
  };
}

async function nidOfRoom(server: TestServer): Promise<number> {
  const [row] = await server.db.sql<{ nid: number }[]>`
    SELECT room_nid AS nid FROM rooms WHERE room_id = ${roomId}`;
  return row!.nid;
}

async function nidOf(server: TestServer, eventId: string): Promise<number> {
  const [row] = await server.db.sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM events WHERE event_id = ${eventId}`;
  return row!.nid;
}

/** Damages the server's room, and expects that mending makes it what it was. */
async function expectMended(
  server: TestServer,
  damage: (server: TestServer, nid: number) => Promise<unknown>,
): Promise<Mended> {
  expect(await findings(server)).toEqual([]);
  const before = await contents(server);
  await damage(server, await nidOfRoom(server));
  expect(await findings(server)).not.toEqual([]);
  const mended = await mend(server);
  expect(await findings(server)).toEqual([]);
  expect(await contents(server)).toEqual(before);
  // A second time there is nothing to do.
  const { report } = await mend(server);
  expect(Object.values(report).every((count) => count === 0)).toBe(true);
  await expectAlive(server);
  return mended;
}

/** The room goes on between both servers, as a process sees it that starts now; who is banned stays out. */
async function expectAlive(server: TestServer): Promise<void> {
  await expectGoesOn(server);
  expect(await findings(server)).toEqual([]);
  const join = b.rooms.members.join({ by: mallory, room: roomId });
  await expect(join).rejects.toThrow("banned");
}

async function expectGoesOn(server: TestServer): Promise<void> {
  const replica = await world.replica(server, { isInstead: true });
  if (server === a) a = replica;
  else b = replica;
  await world.flush();
  await say(a, alice);
  await world.flush();
  await say(b, bob);
  await world.flush();
}

const banNid = async (server: TestServer): Promise<number> => {
  const [row] = await server.db.sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM current_state
    WHERE room_nid = ${await nidOfRoom(server)} AND state_key = ${mallory.userId}`;
  return row!.nid;
};

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
    world.reset();
    roomId = await a.rooms.create.room(alice, {
      preset: "public_chat",
      power_level_content_override: { users: { [bob.userId]: 100 } },
    });
    await ban();
    await say(a, alice);
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
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
    for (;;) {
      const [row] = await b.db.sql`SELECT position FROM events WHERE event_id = ${eventId}`;
      if (row!.position !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await findings(b)).toEqual([]);
  });
});
