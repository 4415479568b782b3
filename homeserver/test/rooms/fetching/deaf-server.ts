/** Three servers in a room, one of which is told of what the others did while it heard nothing. */
import { afterEach, beforeEach } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { holdLog as hold } from "../support/hold-log.ts";
import type { HeldLog } from "../support/hold-log.ts";
import { createThreeServers } from "../support/three-servers.ts";
import type { TestServer, World } from "../support/world.ts";

export let world: World;
export let [a, b, c]: TestServer[] = [];
export let alice: Actor;
let bob: Actor;
export let carol: Actor;
let mallory: Actor;
export let roomId: RoomId;
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

export interface Sent {
  readonly eventId: EventId;
  readonly pdu: JsonObject;
}

export async function sent(eventId: EventId, on: TestServer): Promise<Sent> {
  const stored = (await on.rooms.view.eventsById([eventId])).get(eventId);
  return { eventId, pdu: JSON.parse(stored!.event.json()) as JsonObject };
}

export async function say(body: string, on = a!, by = alice): Promise<Sent> {
  const content = { msgtype: "m.text", body };
  return sent(await on.rooms.send.message({ by, roomId, type: "m.room.message", content }), on);
}

export async function set(type: string, stateKey: string, content: JsonObject): Promise<Sent> {
  return sent(await a!.rooms.send.state({ by: alice, roomId, type, stateKey, content }), a!);
}

export const member = (membership: string) => set("m.room.member", mallory.userId, { membership });

export const receive = (from: TestServer, ...events: Sent[]) =>
  b!.rooms.federation.receive(
    from.name,
    events.map(({ pdu }) => pdu),
  );

/** Of what the task does nobody hears. */
export async function unheard<T>(task: () => Promise<T>): Promise<T> {
  let value!: T;
  await world.lose(async () => void (value = await task()));
  return value;
}

/** What lies between is told by nobody: whoever lacks it asks for the state. */
export function tellNoHistory(): void {
  for (const server of [a!, c!])
    world.pretend(server, "missingEvents", async () => ({ events: [] }));
}

export function holdLog(server: TestServer): HeldLog {
  const held = hold(server);
  letGo.push(held.release);
  return held;
}

/**
 * Another replica of b moves the room's head: what b's first process has in flight fails with StaleHead. Nobody can be
 * asked meanwhile, so that the replica does not fetch what is staged.
 */
export async function overtake(): Promise<void> {
  world.cut(a!, b!);
  world.cut(b!, c!);
  const replica = await world.replica(b!);
  const content = { msgtype: "m.text", body: "me first" };
  await replica.rooms.send.message({ by: bob, roomId, type: "m.room.message", content });
}

export async function membership(server: TestServer): Promise<string | undefined> {
  const [row] = await server.db.sql<{ membership: string }[]>`
    SELECT e.json::json -> 'content' ->> 'membership' AS membership
    FROM current_state s JOIN events e USING (event_nid)
    WHERE s.type = 'm.room.member' AND s.state_key = ${mallory.userId}`;
  return row?.membership;
}

export const tryToJoin = (on: TestServer) =>
  on.rooms.members.join({ by: mallory, room: roomId }).then(
    () => "joined",
    (error: Error) => error.message,
  );

/** Both sides say five things more. */
export async function goOn(): Promise<void> {
  world.reset();
  for (let i = 0; i < 5; i++) {
    await a!.rooms.federation.receive(b!.name, [(await say(`b${i}`, b, bob)).pdu]);
    await receive(a!, await say(`a${i}`));
  }
}

export const BANNED = "The user is banned from the room";

/** Carol says two things of which b hears the second only. */
export async function secondOfCarol(): Promise<Sent> {
  return unheard(async () => {
    await say("c1", c, carol);
    return say("c2", c, carol);
  });
}
