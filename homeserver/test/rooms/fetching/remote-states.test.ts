/** States and events that another server tells while what they name is on its way to the log, or fails to get there. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { examineRoom } from "../../../src/rooms/examine/index.ts";
import { rootOfBytes } from "../../../src/rooms/records/events.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import { forger, newest } from "../support/forge.ts";
import { holdLog as hold } from "../support/hold-log.ts";
import type { HeldLog } from "../support/hold-log.ts";
import { createThreeServers } from "../support/three-servers.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let [a, b, c]: TestServer[] = [];
let alice: Actor;
let bob: Actor;
let carol: Actor;
let mallory: Actor;
let roomId: RoomId;
const letGo: (() => void)[] = [];

beforeEach(async () => {
  const made = await createThreeServers();
  [a, b, c] = made.servers;
  ({ world, alice, bob, carol, roomId } = made);
  mallory = b.user("mallory");
});
afterEach(async () => {
  for (const go of letGo.splice(0)) go();
  await world.close();
});

interface Sent {
  readonly eventId: EventId;
  readonly pdu: JsonObject;
}

async function sent(eventId: EventId, on: TestServer): Promise<Sent> {
  const stored = (await on.rooms.view.eventsById([eventId])).get(eventId);
  return { eventId, pdu: JSON.parse(stored!.event.json()) as JsonObject };
}

async function say(body: string, on = a!, by = alice): Promise<Sent> {
  const content = { msgtype: "m.text", body };
  return sent(await on.rooms.send.message({ by, roomId, type: "m.room.message", content }), on);
}

async function set(type: string, stateKey: string, content: JsonObject): Promise<Sent> {
  return sent(await a!.rooms.send.state({ by: alice, roomId, type, stateKey, content }), a!);
}

const member = (membership: string) => set("m.room.member", mallory.userId, { membership });
const receive = (from: TestServer, ...events: Sent[]) =>
  b!.rooms.federation.receive(
    from.name,
    events.map(({ pdu }) => pdu),
  );

/** Of what the task does nobody hears. */
async function unheard<T>(task: () => Promise<T>): Promise<T> {
  let value!: T;
  await world.lose(async () => void (value = await task()));
  return value;
}

/** What lies between is told by nobody: whoever lacks it asks for the state. */
function tellNoHistory(): void {
  for (const server of [a!, c!])
    world.pretend(server, "missingEvents", async () => ({ events: [] }));
}

function holdLog(server: TestServer): HeldLog {
  const held = hold(server);
  letGo.push(held.release);
  return held;
}

/**
 * Another replica of b moves the room's head: what b's first process has in flight fails with StaleHead. Nobody can be
 * asked meanwhile, so that the replica does not fetch what is staged.
 */
async function overtake(): Promise<void> {
  world.cut(a!, b!);
  world.cut(b!, c!);
  const replica = await world.replica(b!);
  const content = { msgtype: "m.text", body: "me first" };
  await replica.rooms.send.message({ by: bob, roomId, type: "m.room.message", content });
}

async function doctor(server: TestServer): Promise<string[]> {
  const found: string[] = [];
  const sql = server.db.connect({ max: 1 });
  await examineRoom(sql, roomId, {
    key: async (name) => [a!, b!, c!].find((one) => one.name === name)?.verifyKey,
    found: ({ what }) => found.push(what),
  });
  await sql.end();
  return found;
}

/** Numbers in the stored states that no event has. */
async function strayNids(server: TestServer): Promise<number[]> {
  const store = createRoomStore(server.db.sql);
  const rows = await server.db.sql<{ nid: number; before: Buffer | null; after: Buffer | null }[]>`
    SELECT event_nid AS nid, state_before AS before, state_after AS after FROM events`;
  const nids = new Set<number>();
  for (const { before, after } of rows) {
    for (const root of [rootOfBytes(before), rootOfBytes(after)]) {
      if (root !== null) for (const [, nid] of await store.tree.entries(root)) nids.add(nid);
    }
  }
  const known = new Set(rows.map(({ nid }) => nid));
  return [...nids].filter((nid) => !known.has(nid));
}

async function membership(server: TestServer): Promise<string | undefined> {
  const [row] = await server.db.sql<{ membership: string }[]>`
    SELECT e.json::json -> 'content' ->> 'membership' AS membership
    FROM current_state s JOIN events e USING (event_nid)
    WHERE s.type = 'm.room.member' AND s.state_key = ${mallory.userId}`;
  return row?.membership;
}

const tryToJoin = (on: TestServer) =>
  on.rooms.members.join({ by: mallory, room: roomId }).then(
    () => "joined",
    (error: Error) => error.message,
  );

/** Both sides say five things more. */
async function goOn(): Promise<void> {
  world.reset();
  for (let i = 0; i < 5; i++) {
    await a!.rooms.federation.receive(b!.name, [(await say(`b${i}`, b, bob)).pdu]);
    await receive(a!, await say(`a${i}`));
  }
}

const BANNED = "The user is banned from the room";

test("1: a ban that is told while its commit fails is in the state of what stands on it", async () => {
  const [ban, between, last] = await unheard(
    async () => [await member("ban"), await say("between"), await say("last")] as const,
  );
  tellNoHistory();
  let first: Promise<unknown> | undefined;
  let held!: HeldLog;
  // While b asks for the state before "last", the ban comes by itself, and its commit is under way.
  world.pretend(a!, "stateIds", async (honest) => {
    if (first === undefined) {
      held = holdLog(b!);
      first = receive(a!, ban);
      await held.until(1);
      queueMicrotask(() => asked.resolve());
    }
    return honest();
  });
  const asked = Promise.withResolvers<void>();
  const second = receive(a!, last);
  await asked.promise;
  await held.until(2);
  await overtake();
  held.release();
  await Promise.all([first, second]);
  world.heal();
  // What was between comes: "last" is the one end of alice's branch now.
  await receive(a!, between);
  const restarted = await world.replica(b!);
  const joined = await tryToJoin(restarted);
  await goOn();
  expect(await strayNids(b!)).toEqual([]);
  expect(joined).toBe(BANNED);
  expect(await membership(b!)).toBe(await membership(a!));
});

test("1, control: the same when no commit fails", async () => {
  const [ban, between, last] = await unheard(
    async () => [await member("ban"), await say("between"), await say("last")] as const,
  );
  tellNoHistory();
  for (const one of [ban, last, between]) await receive(a!, one);
  expect(await strayNids(b!)).toEqual([]);
  expect(await tryToJoin(await world.replica(b!))).toBe(BANNED);
});

/** Carol says two things of which b hears the second only. */
async function secondOfCarol(): Promise<Sent> {
  return unheard(async () => {
    await say("c1", c, carol);
    return say("c2", c, carol);
  });
}

test("2: the same in one process, where a told outlier and a placing are in each other's way", async () => {
  const [topic, ban, , last] = await unheard(
    async () =>
      [
        ...[await set("m.room.topic", "", { topic: "x" }), await member("ban")],
        ...[await say("between"), await say("last")],
      ] as [Sent, Sent, Sent, Sent],
  );
  await c!.rooms.federation.receive(a!.name, [topic.pdu, ban.pdu]);
  const ofCarol = await secondOfCarol();
  tellNoHistory();
  let held: HeldLog | undefined;
  const asked = Promise.withResolvers<void>();
  const all: Promise<unknown>[] = [];
  world.pretend(a!, "stateIds", async (honest) => {
    if (held !== undefined) return honest();
    held = holdLog(b!);
    // What c tells before "c2" has topic and ban, which are not here: they become outliers.
    all.push(receive(c!, ofCarol));
    await held.until(1);
    // Meanwhile they come by themselves.
    all.push(receive(a!, topic, ban));
    await held.until(3);
    asked.resolve();
    return honest();
  });
  all.push(receive(a!, last));
  await asked.promise;
  await held!.until(4);
  held!.release();
  await Promise.all(all);
  expect(await strayNids(b!)).toEqual([]);
});

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
