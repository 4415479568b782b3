/** What a server knows of a room while it changes: events on their way, a second replica's, a killed process's. */
import { expect, test } from "vitest";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import { forger } from "../support/forge.ts";
import { holdLog as hold } from "../support/hold-log.ts";
import {
  a,
  alice,
  b,
  c,
  carol,
  eventOf,
  letGo,
  receive,
  roomId,
  rowOf,
  say,
  tellNoHistory,
  unheard,
  world,
} from "./three-in-a-room.ts";

async function note(content: JsonObject): Promise<RoomEvent> {
  const type = "org.example.note";
  return eventOf(await a!.rooms.send.state({ by: alice, roomId, type, stateKey: "", content }), a!);
}

/** Carol redacts it, on top of what all know. */
async function redactionOf(target: EventId): Promise<RoomEvent> {
  const forge = await forger(b!, roomId, carol);
  return forge({ type: "m.room.redaction", content: { redacts: target }, signer: c! });
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
