/** What a server knows of a room while it changes: events on their way, a second replica's, a killed process's. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createManualClock } from "../../../src/platform/clock.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { forger } from "../support/forge.ts";
import { holdLog as hold } from "../support/hold-log.ts";
import { createThreeServers } from "../support/three-servers.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let [a, b, c]: TestServer[] = [];
let alice: Actor;
let carol: Actor;
let roomId: RoomId;
const letGo: (() => void)[] = [];

beforeEach(async () => {
  const made = await createThreeServers();
  [a, b, c] = made.servers;
  ({ world, alice, carol, roomId } = made);
});
afterEach(async () => {
  for (const go of letGo.splice(0)) go();
  await world.close();
});

async function eventOf(eventId: EventId, on: TestServer): Promise<RoomEvent> {
  return (await on.rooms.view.eventsById([eventId])).get(eventId)!.event;
}

async function say(body: string, on = a!, by = alice): Promise<RoomEvent> {
  const content = { msgtype: "m.text", body };
  return eventOf(await on.rooms.send.message({ by, roomId, type: "m.room.message", content }), on);
}

async function note(content: JsonObject): Promise<RoomEvent> {
  const type = "org.example.note";
  return eventOf(await a!.rooms.send.state({ by: alice, roomId, type, stateKey: "", content }), a!);
}

/** Of what the task does nobody hears. */
async function unheard<T>(task: () => Promise<T>): Promise<T> {
  let value!: T;
  await world.lose(async () => void (value = await task()));
  return value;
}

const pduOf = (event: RoomEvent) => JSON.parse(event.json()) as JsonObject;
const receive = (from: TestServer, events: readonly RoomEvent[], at = b!) =>
  at.rooms.federation.receive(from.name, events.map(pduOf));

/** Carol redacts it, on top of what all know. */
async function redactionOf(target: EventId): Promise<RoomEvent> {
  const forge = await forger(b!, roomId, carol);
  return forge({ type: "m.room.redaction", content: { redacts: target }, signer: c! });
}

interface Row {
  readonly status: number;
  readonly json: string;
  readonly placed: boolean;
  readonly redacted: boolean;
  readonly position: number | null;
  readonly ordinal: number;
}

async function rowOf({ eventId }: RoomEvent, on = b!): Promise<Row | undefined> {
  const [row] = await on.db.sql<Row[]>`
    SELECT status, json, position IS NOT NULL AS placed, redacted_by IS NOT NULL AS redacted, position, ordinal
    FROM events WHERE event_id = ${eventId}`;
  return row;
}

function tellNoHistory(): void {
  for (const server of [a!, c!]) {
    world.pretend(server, "missingEvents", async () => ({ events: [] }));
  }
}

test("a redaction that is on its way when its target is placed counts", async () => {
  const secret = await unheard(() => say("secret"));
  const redaction = await redactionOf(secret.eventId);
  const held = hold(b!);
  letGo.push(held.release);
  const one = receive(c!, [redaction]);
  await held.until(1);
  const two = receive(a!, [secret]);
  await held.until(2);
  held.release();
  await Promise.all([one, two]);
  const row = await rowOf(secret);
  expect(row).toMatchObject({ placed: true, redacted: true });
  expect(row!.json).not.toContain("secret");
});

test("an outlier whose redaction came first is redacted, and so it is once it has its place", async () => {
  const secret = await unheard(() => note({ secret: true }));
  const redaction = await redactionOf(secret.eventId);
  await receive(c!, [redaction]);
  const last = await unheard(async () => {
    await say("between");
    return say("last");
  });
  tellNoHistory();
  await receive(a!, [last]);
  const outlier = await rowOf(secret);
  expect(outlier).toMatchObject({ placed: false, redacted: true });
  expect(outlier!.json).not.toContain("secret");
  await receive(a!, [secret]);
  const row = await rowOf(secret);
  expect(row).toMatchObject({ placed: true, redacted: true });
  expect(row!.json).not.toContain("secret");
});

test("an invite that came before the room was joined has its auth chain afterwards", async () => {
  const mallory = b!.user("mallory");
  const other = await a!.rooms.create.room(alice, { preset: "private_chat" });
  await a!.rooms.members.invite({ by: alice, roomId: other, userId: mallory.userId });
  await world.flush();
  await b!.rooms.members.join({ by: mallory, room: other, via: [a!.name] });
  await world.flush();
  const short = await b!.db.sql`
    SELECT event_id FROM events
    WHERE cardinality(auth_nids) < json_array_length(json::json -> 'auth_events')`;
  expect([...short]).toEqual([]);
  const [invite] = await b!.db.sql<{ id: EventId }[]>`
    SELECT event_id AS id FROM events WHERE json::json -> 'content' ->> 'membership' = 'invite'`;
  const chain = await b!.rooms.federation.eventAuth(a!.name, other, invite!.id);
  expect(chain).toHaveLength(
    (await a!.rooms.federation.eventAuth(b!.name, other, invite!.id)).length,
  );
});

test("events that the same one awaits get a place each", async () => {
  const first = await unheard(() => say("one side"));
  const second = await unheard(() => say("other side", c, carol));
  await receive(c!, [second], a);
  const last = await unheard(() => say("last"));
  expect(last.prevEventIds).toHaveLength(2);
  tellNoHistory();
  await receive(a!, [last]);
  await receive(a!, [first, second]);
  const rows = await Promise.all([first, second, last].map((event) => rowOf(event)));
  const places = new Set(rows.map((row) => `${row!.position} ${row!.ordinal}`));
  expect(rows.every((row) => row!.placed)).toBe(true);
  expect(places.size).toBe(3);
});

test("an outlier that another replica has given a place is no gap", async () => {
  const [between, last] = await unheard(
    async () => [await say("between"), await say("last")] as const,
  );
  tellNoHistory();
  const replica = await world.replica(b!);
  // The replica takes what is missing for an outlier; then the first process places it, as history.
  await replica.rooms.federation.receive(a!.name, [pduOf(last)]);
  expect(await rowOf(between)).toMatchObject({ placed: false });
  await receive(a!, [between]);
  expect(await rowOf(between)).toMatchObject({ placed: true });
  const forge = await forger(b!, roomId, carol);
  const fork = forge({ prev: [between.eventId], depth: between.depth + 1, signer: c! });
  world.calls.clear();
  await replica.rooms.federation.receive(c!.name, [pduOf(fork)]);
  expect(await rowOf(fork)).toMatchObject({ placed: true });
  expect([...world.calls.keys()]).toEqual([]);
});

test("what was rejected because of an event is judged again, although the server is killed in between", async () => {
  const ben = a!.user("ben");
  const member = async () =>
    eventOf(
      (await a!.rooms.history.stateEvent(alice.userId, roomId, "m.room.member", ben.userId)).event
        .eventId,
      a!,
    );
  const [first, join] = await unheard(async () => {
    const said = await say("first");
    await a!.rooms.members.join({ by: ben, room: roomId });
    return [said, await member()] as const;
  });
  tellNoHistory();
  const rules = await a!.rooms.history.stateEvent(alice.userId, roomId, "m.room.join_rules", "");
  let lies = true;
  world.pretend(a!, "stateIds", async (honest) => {
    const answer = (await honest()) as { pdu_ids: string[] };
    const told = answer.pdu_ids.filter((id) => id !== rules.event.eventId);
    return lies ? { ...answer, pdu_ids: told } : answer;
  });
  await receive(a!, [join]);
  expect(await rowOf(join)).toMatchObject({ status: 2, placed: false });
  lies = false;
  const [renamed, last] = await unheard(async () => {
    const content = { membership: "join", displayname: "Ben" };
    const type = "m.room.member";
    await a!.rooms.send.state({ by: ben, roomId, type, stateKey: ben.userId, content });
    return [await member(), await say("last")] as const;
  });
  await receive(a!, [last]);
  expect(await rowOf(renamed)).toMatchObject({ status: 2 });
  // The first message, the join that builds on it, and no more.
  const died = b!.dieAfter(2);
  void receive(a!, [first]);
  await died;
  expect(await rowOf(join)).toMatchObject({ status: 0, placed: true });
  expect(await rowOf(renamed)).toMatchObject({ status: 2 });
  await world.replica(b!, { isInstead: true });
  const now = () => rowOf(renamed).then((row) => row?.status);
  await expect.poll(now, { timeout: 30_000 }).toBe(0);
  const left = () => b!.db.sql`SELECT 1 FROM events_to_rejudge`.then(({ length }) => length);
  await expect.poll(left, { timeout: 30_000 }).toBe(0);
}, 90_000);

test("a membership that nobody can check any more keeps a room from going on for a minute only", async () => {
  const clock = createManualClock(Date.now());
  const d = await world.server("d.test", undefined, clock);
  await d.rooms.members.join({ by: d.user("dan"), room: roomId, via: [a!.name] });
  await world.flush();
  const dora = c!.user("dora");
  const before = Date.now();
  const type = "m.room.member";
  const [joined, last] = await unheard(async () => {
    await c!.rooms.members.join({ by: dora, room: roomId });
    const { event } = await c!.rooms.history.stateEvent(carol.userId, roomId, type, dora.userId);
    await receive(c!, [event], a);
    await say("between");
    return [event, await say("last")] as const;
  });
  expect(joined.originServerTs).toBeGreaterThan(before);
  tellNoHistory();
  world.expire(c!, before);
  await receive(a!, [last], d);
  expect(await rowOf(last, d)).toBeUndefined();
  const placed = async () => {
    clock.advance(45_000);
    return (await rowOf(last, d))?.placed;
  };
  await expect.poll(placed, { timeout: 60_000, interval: 100 }).toBe(true);
  const [stored] = (await d.rooms.view.eventsById([last.eventId])).values();
  const state = await d.rooms.view.stateAt(stored!.stateBefore, { types: [type] });
  const members = state.map(({ event }) => event.stateKey);
  expect(members).not.toContain(dora.userId);
  expect(members).toContain(carol.userId);
}, 90_000);
