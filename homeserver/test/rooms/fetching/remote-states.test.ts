/** States and events that another server tells while what they name is on its way to the log, or fails to get there. */
import { expect, test } from "vitest";
import { checkRoom } from "../../../src/rooms/integrity/index.ts";
import { forger, newest } from "../support/forge.ts";
import type { HeldLog } from "../support/hold-log.ts";
import type { TestServer } from "../support/world.ts";
import {
  BANNED,
  a,
  alice,
  b,
  c,
  carol,
  goOn,
  holdLog,
  member,
  membership,
  overtake,
  receive,
  roomId,
  say,
  secondOfCarol,
  sent,
  set,
  tellNoHistory,
  tryToJoin,
  unheard,
  world,
} from "./deaf-server.ts";
import type { Sent } from "./deaf-server.ts";

async function doctor(server: TestServer): Promise<string[]> {
  const found: string[] = [];
  const sql = server.db.connect({ max: 1 });
  await checkRoom(sql, roomId, {
    key: async (name) => [a!, b!, c!].find((one) => one.name === name)?.verifyKey,
    found: ({ what }) => found.push(what),
  });
  await sql.end();
  return found;
}

test("3: an event that becomes an outlier while it is placed gets its place", async () => {
  const ban = await unheard(() => member("ban"));
  await c!.rooms.federation.receive(a!.name, [ban.pdu]);
  const ofCarol = await secondOfCarol();
  tellNoHistory();
  const held = holdLog(b!);
  const one = receive(c!, ofCarol);
  await held.until(1);
  const two = receive(a!, ban);
  await held.until(2);
  held.release();
  await one;
  expect(await two).toEqual({ [ban.eventId]: {} });
  const rows = await b!.db.sql`
    SELECT position FROM events WHERE event_id = ${ban.eventId} AND position IS NOT NULL`;
  const staged = await b!.db.sql`SELECT 1 FROM staged_events WHERE event_id = ${ban.eventId}`;
  expect(rows.length + staged.length).toBe(1);
});

test("4: a told state counts only as long as prev events are missing", async () => {
  const [between, last] = await unheard(
    async () => [await say("between"), await say("last")] as const,
  );
  const later = await unheard(() => set("org.example.note", "", { later: true }));
  tellNoHistory();
  world.pretend(a!, "stateIds", async (honest, _room, id) => {
    const answer = (await honest()) as { pdu_ids: string[] };
    if (id !== between.eventId) return answer;
    // What was missing comes before the answer, which is not true.
    await receive(a!, between);
    return { ...answer, pdu_ids: [...answer.pdu_ids, later.eventId] };
  });
  await receive(a!, last);
  expect(await doctor(b!)).toEqual([]);
});

test("5: a told state of which an event can't be had is no state", async () => {
  const [, , last] = await unheard(
    async () => [await member("ban"), await say("between"), await say("last")] as const,
  );
  tellNoHistory();
  world.cut(b!, c!);
  world.pretend(a!, "event", async () => Promise.reject(new Error("broken")));
  await receive(a!, last);
  // The connection is whole again, and both go on.
  await goOn();
  expect(await membership(b!)).toBe("ban");
  expect(await tryToJoin(b!)).toBe(BANNED);
});

test("6: a redaction that comes before its target, while that is under way, counts", async () => {
  const [first, secret] = await unheard(
    async () => [await say("first"), await say("secret")] as const,
  );
  const redaction = await unheard(async () => {
    const { eventId } = secret;
    return sent(await a!.rooms.send.redact({ by: alice, roomId, eventId }), a!);
  });
  await c!.rooms.federation.receive(a!.name, [first.pdu, secret.pdu, redaction.pdu]);
  tellNoHistory();
  let asked = false;
  world.pretend(a!, "stateIds", async (honest, _room, id) => {
    if (id === first.eventId && !asked) {
      asked = true;
      await receive(c!, redaction);
    }
    return honest();
  });
  await receive(a!, secret);
  const [row] = await b!.db.sql<{ redacted: boolean; json: string }[]>`
    SELECT redacted_by IS NOT NULL AS redacted, json FROM events
    WHERE event_id = ${secret.eventId} AND position IS NOT NULL`;
  expect(row?.redacted).toBe(true);
  expect(row?.json).not.toContain("secret");
});

test("7: an outlier's auth events are such as are stored", async () => {
  const [ban, , unban, last] = await unheard(
    async () =>
      [
        ...[await member("ban"), await say("between")],
        ...[await member("leave"), await say("last")],
      ] as [Sent, Sent, Sent, Sent],
  );
  world.cut(b!, c!);
  tellNoHistory();
  let first: Promise<unknown> | undefined;
  let held!: HeldLog;
  const asked = Promise.withResolvers<void>();
  world.pretend(a!, "event", async (honest, id) => {
    const answer = await honest();
    if (id === unban.eventId && first === undefined) {
      held = holdLog(b!);
      // What authorises it comes by itself.
      first = receive(a!, ban);
      await held.until(1);
      asked.resolve();
    }
    return answer;
  });
  const second = receive(a!, last);
  await asked.promise;
  await held.until(2);
  await overtake();
  held.release();
  await Promise.all([first, second]);
  world.heal();
  const stray = await b!.db.sql`
    SELECT e.event_id, n AS nid FROM events e, unnest(e.auth_nids) AS n
    WHERE NOT EXISTS (SELECT 1 FROM events x WHERE x.event_nid = n)`;
  expect([...stray]).toEqual([]);
  const chain = await b!.rooms.federation.eventAuth(a!.name, roomId, unban.eventId);
  expect(chain.map((text) => JSON.parse(text).content.membership)).toContain("ban");
});

test("a create event that was only told is a branch of its own, with nothing before it", async () => {
  await set("m.room.join_rules", "", { join_rule: "invite" });
  await world.flush();
  const forge = await forger(c!, roomId, carol);
  const tip = (await newest(c!, roomId))!.event.eventId;
  const [create] = await a!.rooms.view.currentState((await a!.rooms.view.room(roomId))!.nid, {
    types: ["m.room.create"],
  });
  const fork = forge({ prev: [create!.event.eventId, tip] });
  world.pretend(c!, "stateIds", async () => ({ pdu_ids: [], auth_chain_ids: [] }));
  for (const server of [a!, b!]) await server.rooms.federation.receive(c!.name, [fork.pdu]);
  const before = async (server: TestServer): Promise<string[]> => {
    const stored = (await server.rooms.view.eventsById([fork.eventId])).get(fork.eventId)!;
    const state = await server.rooms.view.stateAt(stored.stateBefore);
    return state.map(({ event }) => event.eventId).toSorted();
  };
  const held = (await b!.rooms.view.eventsById([create!.event.eventId])).get(create!.event.eventId);
  expect(held?.stateAfter).toBeNull();
  expect(await before(b!)).toEqual(await before(a!));
  expect(await doctor(b!)).toEqual([]);
});
