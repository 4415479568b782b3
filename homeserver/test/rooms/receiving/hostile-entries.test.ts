/**
 * What other servers ask and answer where somebody comes or goes, and the members of their events, with hostile values in
 * every place: it is refused or good enough, what stands beside it is taken, and the room can be read.
 * WEFT_TEST_HOSTILE_VALUES: how many (80). WEFT_TEST_SEED: of which kind (8).
 */
import { beforeEach, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { parseLoose } from "../../../src/protocol/json.ts";
import type { Json, JsonObject } from "../../../src/protocol/json.ts";
import type { Pdu } from "../../../src/protocol/events/pdu.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import {
  HALF,
  numbersOf,
  placesIn,
  planted,
  spoiled,
  survives,
  WORSE,
} from "../../bad-input/hostile.ts";
import { forger, newest } from "../support/forge.ts";
import { resealed } from "../support/reseal.ts";
import { type TestServer } from "../support/world.ts";
import { startServers, publicRoom } from "../support/servers.ts";

const CASES = Number(process.env["WEFT_TEST_HOSTILE_VALUES"] ?? 80);
const SEED = Number(process.env["WEFT_TEST_SEED"] ?? 8);
const VERSIONS = ["1", "5", "10", "11", "12"];

const [world, here, there] = await startServers("here", "there");
const [alice, bob] = [here.user("alice"), there.user("bob")];
beforeEach(() => world.reset());

const say = (server: TestServer, by: Actor, roomId: RoomId, body: string) =>
  server.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });

/** As it comes over the wire. */
const wire = (value: Json): JsonObject => parseLoose(JSON.stringify(value)) as JsonObject;

/** The event with a hostile value in one of its members, hashed and signed as it then is, where that can be done. */
function spoiledEvent(
  pdu: JsonObject,
  version: string,
  draw: (below: number) => number,
): JsonObject {
  const { hashes, signatures, ...rest } = pdu;
  const places = placesIn(rest).filter(([first]) => first !== "content" || draw(4) === 0);
  const value = WORSE[draw(WORSE.length)]!;
  const bad = planted(rest, places[draw(places.length)]!, value, draw(6) === 0) as JsonObject;
  if (draw(4) === 0) return wire({ ...bad, hashes, signatures });
  try {
    return wire(resealed(bad as Pdu, roomVersion(version)!, there).pdu);
  } catch {
    return wire({ ...bad, hashes, signatures });
  }
}

async function readAll(roomId: RoomId): Promise<void> {
  const reader = { userId: alice.userId };
  const { history, view } = here.rooms;
  const { chunk } = await history.messages(reader, roomId, { dir: "b", limit: 100 });
  const room = await view.room(roomId);
  const state = view.presentState(await view.currentState(room!.nid));
  for (const text of [...chunk, ...state]) expect(text).not.toMatch(HALF);
}

test("members of events are refused alone, and the good event beside is taken", async () => {
  const draw = numbersOf(SEED);
  let roomId: RoomId | undefined;
  let version = "12";
  for (let i = 0; i < CASES; i++) {
    if (roomId === undefined || i % 20 === 0) {
      world.reset();
      version = VERSIONS[draw(VERSIONS.length)]!;
      const made = { preset: "public_chat", room_version: version } as const;
      roomId = await here.rooms.create.room(alice, made);
      await there.rooms.members.join({ by: bob, room: roomId, via: [here.name] });
      await world.flush();
    }
    const id: RoomId = roomId;
    const forge = await forger(there, id, bob);
    const relation = { rel_type: "m.thread", event_id: "$x" };
    const honest = forge({
      ...(draw(3) === 0 ? { type: "org.example.state", stateKey: "k" } : {}),
      content: { body: "bad", "m.relates_to": relation },
    });
    const good = forge({ content: { body: `good ${i}` } });
    const pdus = [spoiledEvent(honest.pdu, version, draw), wire(good.pdu)];
    const what = JSON.stringify(pdus[0]).slice(0, 300);
    const results = await here.rooms.federation.receive(there.name, pdus);
    expect(results[good.eventId], `${version} ${what}`).toEqual({});
    await readAll(id);
    await there.rooms.federation.receive(there.name, [wire(good.pdu)]);
    await say(there, bob, id, `after ${i}`);
    await world.flush();
    const last = (await newest(here, id))?.event.content.body;
    expect(last, what).toBe(`after ${i}`);
  }
}, 1_800_000);

test("a published room's alias that is none is left out of the page", async () => {
  const roomId = await here.rooms.create.room(alice, {
    ...{ preset: "public_chat", visibility: "public" },
    power_level_content_override: { state_default: 0, events: {} },
  });
  await there.rooms.members.join({ by: bob, room: roomId, via: [here.name] });
  await world.flush();
  const forge = await forger(there, roomId, bob);
  const content = { alias: "not an alias" };
  const alias = forge({ type: "m.room.canonical_alias", stateKey: "", content });
  await here.rooms.federation.receive(there.name, [wire(alias.pdu)]);
  const room = await here.rooms.view.room(roomId);
  const set = await here.rooms.view.currentStateEvent(room!.nid, "m.room.canonical_alias", "");
  expect(set?.event.content).toEqual(content);
  const { chunk } = await here.rooms.directory.publicRooms({});
  expect(chunk.find((one) => one.room_id === roomId)).not.toHaveProperty("canonical_alias");
});

test("invites and what they show are refused, or readable", async () => {
  const draw = numbersOf(SEED + 1);
  for (let i = 0; i < CASES; i++) {
    world.reset();
    const version = VERSIONS[draw(VERSIONS.length)]!;
    const invitee = here.user(`invitee${i}`);
    const made = { room_version: version, name: "Den", topic: "t" };
    const roomId = await there.rooms.create.room(bob, made);
    world.pretend(here, "invite", async (_honest, roomOf, eventId, body) => {
      const isEvent = draw(2) === 0;
      const event = isEvent ? spoiledEvent(body.event, version, draw) : wire(body.event);
      const shown = wire({ list: body.invite_room_state }).list as JsonObject[];
      const inviteRoomState = isEvent
        ? shown
        : (wire({ list: spoiled(shown, draw) }).list as JsonObject[]);
      const asked = { event, roomVersion: version, inviteRoomState };
      if (!Array.isArray(inviteRoomState)) return {};
      await survives(
        here.rooms.federation.invite(there.name, roomOf, eventId, asked),
        JSON.stringify(asked).slice(0, 300),
      );
      return {};
    });
    const act = there.rooms.members.invite({ by: bob, roomId, userId: invitee.userId });
    await survives(act, `invite ${i}`);
    for (const row of await here.rooms.view.membershipsOf(invitee.userId)) {
      const shown = await here.rooms.view.strippedState(row.roomNid, invitee.userId);
      expect(JSON.stringify(shown)).not.toMatch(HALF);
    }
  }
}, 1_800_000);

test("joins, knocks and leaves of others are refused, or good enough", async () => {
  const draw = numbersOf(SEED + 2);
  for (let i = 0; i < CASES; i++) {
    world.reset();
    const version = VERSIONS[1 + draw(VERSIONS.length - 1)]!;
    const kind = (["sendJoin", "sendKnock", "sendLeave"] as const)[draw(3)]!;
    const mayKnock = kind === "sendKnock" && version !== "5";
    const rule = mayKnock ? "knock" : kind === "sendLeave" ? "invite" : "public";
    const roomId = await here.rooms.create.room(alice, {
      room_version: version,
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: rule } }],
    });
    const guest = there.user(`guest${i}`);
    const { federation } = here.rooms;
    const bad = async (eventId: EventId, pdu: JsonObject, told: typeof federation.sendLeave) =>
      survives(told(there.name, roomId, eventId, spoiledEvent(pdu, version, draw)), `${kind} ${i}`);
    world.pretend(here, "sendJoin", async (honest, join) => {
      await bad(
        join.eventId,
        join.pdu,
        async (...asked) => void (await federation.sendJoin(...asked, false)),
      );
      return honest();
    });
    world.pretend(here, "sendKnock", async (honest, _roomId, eventId, pdu) => {
      await bad(eventId, pdu, async (...asked) => void (await federation.sendKnock(...asked)));
      return honest();
    });
    world.pretend(here, "sendLeave", async (honest, _roomId, eventId, pdu) => {
      await bad(eventId, pdu, federation.sendLeave);
      return honest();
    });
    const via = [here.name];
    const { members } = there.rooms;
    if (kind === "sendLeave") {
      await here.rooms.members.invite({ by: alice, roomId, userId: guest.userId });
      await members.leave({ by: guest, roomId });
    } else if (mayKnock) await members.knock({ by: guest, room: roomId, via });
    else if (kind === "sendJoin") await members.join({ by: guest, room: roomId, via });
    await world.flush();
    await readAll(roomId);
    const room = await here.rooms.view.room(roomId);
    const member = await here.rooms.view.currentStateEvent(
      room!.nid,
      "m.room.member",
      guest.userId,
    );
    const expected = kind === "sendLeave" ? "leave" : mayKnock ? "knock" : "join";
    if (kind !== "sendKnock" || mayKnock) {
      expect(member?.event.content.membership, `${kind} ${version} ${i}`).toBe(expected);
    }
  }
}, 1_800_000);

test("answers to who leaves, invites or has an event judged end it for nobody", async () => {
  const draw = numbersOf(SEED + 3);
  const policed = await publicRoom(world, [here, alice], [there, bob]);
  const content = { via: there.name, public_keys: { ed25519: there.key.publicKeyBase64 } };
  const policy = { type: "m.room.policy", stateKey: "", content };
  await here.rooms.send.state({ by: alice, roomId: policed, ...policy });
  for (let i = 0; i < CASES; i++) {
    world.reset();
    const call = (["makeLeave", "sendLeave", "invite", "signByPolicy"] as const)[draw(4)]!;
    const answerOf = async (honest: () => Promise<unknown>): Promise<unknown> => {
      const answer = spoiled(((await honest()) ?? {}) as Json, draw);
      return typeof answer === "object" && !Array.isArray(answer) ? (answer ?? {}) : {};
    };
    if (call === "signByPolicy") {
      const signature = "A".repeat(86);
      const honest = async () => ({ [there.name]: { "ed25519:policy_server": signature } });
      world.pretend(there, call, () => answerOf(honest));
      await survives(say(here, alice, policed, "judged"), `${call} ${i}`);
      continue;
    }
    world.pretend(there, call as "makeLeave", answerOf);
    if (call === "invite") {
      const roomId = await here.rooms.create.room(alice, {});
      const userId = there.user(`invited${i}`).userId;
      await survives(here.rooms.members.invite({ by: alice, roomId, userId }), `${call} ${i}`);
      await say(here, alice, roomId, "after");
      await readAll(roomId);
      continue;
    }
    const roomId = await there.rooms.create.room(bob, {});
    await there.rooms.members.invite({ by: bob, roomId, userId: alice.userId });
    await here.rooms.members.leave({ by: alice, roomId });
    const room = await here.rooms.view.room(roomId);
    const row = await here.rooms.view.membership(room!.nid, alice.userId);
    expect(row?.membership, `${call} ${i}`).toBe("leave");
  }
}, 1_800_000);
