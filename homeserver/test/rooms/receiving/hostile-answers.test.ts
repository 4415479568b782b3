/**
 * What another server answers, with hostile values in every member: whoever asked is told that it went wrong, or gets
 * what is good of it, and the room stands. WEFT_TEST_HOSTILE_VALUES: how many (80).
 */
import { describe, expect, test } from "vitest";
import type { RoomAlias, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Json, JsonObject } from "../../../src/protocol/json.ts";
import type { RemoteRooms } from "../../../src/federation-client/types.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { AnswerPart, TakeParts } from "../../../src/federation-client/reading/read-parts.ts";
import { publicRoomsPage } from "../../../src/client-api/remote-public-rooms.ts";
import { HALF, numbersOf, spoiled, survives } from "../../bad-input/hostile.ts";
import { newest } from "../support/forge.ts";
import { type TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

const CASES = Number(process.env["WEFT_TEST_HOSTILE_VALUES"] ?? 80);
const SEED = Number(process.env["WEFT_TEST_SEED"] ?? 8);
const [world, here, there] = await startServers("here", "there");
const [alice, bob] = [here.user("alice"), there.user("bob")];

type Call = keyof RemoteRooms;

/** From now on `there` answers this call with hostile values. */
function spoil(call: Call, draw: (below: number) => number): void {
  const isParts = call === "sendJoin" || call === "state" || call === "joinedState";
  world.pretend(
    there,
    call as "makeJoin",
    async (honest: () => Promise<Json>, ...asked: unknown[]) => {
      if (!isParts) {
        const answer = spoiled((await honest()) ?? {}, draw);
        // The client takes objects alone.
        return typeof answer === "object" && answer !== null && !Array.isArray(answer)
          ? answer
          : {};
      }
      const take = asked.at(-1) as TakeParts;
      const direct = asked.slice(0, -1);
      const parts: AnswerPart[] = [];
      await honestParts(call, direct, async (some) => void parts.push(...some));
      const bad = draw(parts.length);
      await take(
        parts.map((part, i) => (i === bad ? { ...part, value: spoiled(part.value, draw) } : part)),
      );
      return undefined;
    },
  );
}

async function honestParts(call: Call, asked: unknown[], take: TakeParts): Promise<void> {
  const { federation } = there.rooms;
  const give = async (key: string, texts: AsyncIterable<readonly string[]>) => {
    for await (const some of texts) {
      await take(some.map((text) => ({ key, value: JSON.parse(text) as Json })));
    }
  };
  if (call === "sendJoin") {
    const [join] = asked as [Parameters<RemoteRooms["sendJoin"]>[1]];
    const pdu = JSON.parse(JSON.stringify(join.pdu)) as JsonObject;
    const answer = await federation.sendJoin(
      here.name,
      join.roomId,
      join.eventId,
      pdu,
      join.omitMembers,
    );
    for (const [key, value] of Object.entries(answer.head)) {
      const items = Array.isArray(value) ? value : [value as Json];
      await take(items.map((item) => ({ key, value: item })));
    }
    await give("auth_chain", answer.authChain);
    return give("state", answer.pdus);
  }
  const answer = await federation.state(here.name, ...(asked as [RoomId, never]));
  await give("auth_chain", answer.authChain);
  await give("pdus", answer.pdus);
}

const STEPS: readonly [Call, (step: { roomId: RoomId; alias: RoomAlias }) => Promise<unknown>][] = [
  [
    "makeJoin",
    ({ roomId }) => here.rooms.members.join({ by: alice, room: roomId, via: [there.name] }),
  ],
  [
    "sendJoin",
    ({ roomId }) => here.rooms.members.join({ by: alice, room: roomId, via: [there.name] }),
  ],
  [
    "makeKnock",
    ({ roomId }) => here.rooms.members.knock({ by: alice, room: roomId, via: [there.name] }),
  ],
  [
    "sendKnock",
    ({ roomId }) => here.rooms.members.knock({ by: alice, room: roomId, via: [there.name] }),
  ],
  ["directory", ({ alias }) => here.rooms.directory.resolve(alias)],
];

describe("answers with hostile values", () => {
  test("to who wants to come in are refused, or good enough", async () => {
    const draw = numbersOf(SEED);
    for (let i = 0; i < CASES; i++) {
      world.reset();
      const [call, act] = STEPS[draw(STEPS.length)]!;
      const isKnock = call.endsWith("Knock");
      const roomId = await there.rooms.create.room(bob, {
        preset: isKnock ? "private_chat" : "public_chat",
        room_alias_name: `room${i}`,
        ...(isKnock
          ? {
              initial_state: [
                { type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } },
              ],
            }
          : {}),
      });
      const alias = `#room${i}:${there.name}` as RoomAlias;
      spoil(call, draw);
      await survives(act({ roomId, alias }), `${call} ${i}`);
      world.reset();
      // What was made of it is read, and the way in is open.
      const rows = await here.rooms.view.membershipsOf(alice.userId);
      for (const row of rows.slice(-3)) {
        const shown = await here.rooms.view.strippedState(row.roomNid, alice.userId);
        expect(JSON.stringify(shown)).not.toMatch(HALF);
      }
      await survives(here.rooms.members.leave({ by: alice, roomId }), `leaving after ${call} ${i}`);
    }
  }, 1_800_000);

  test("about what is missing leave the room as it is, and what comes later is taken", async () => {
    const draw = numbersOf(SEED + 1);
    const calls: Call[] = [
      "missingEvents",
      "event",
      "stateIds",
      "state",
      "eventAuth",
      "backfill",
      "timestampToEvent",
      "joinedState",
    ];
    let roomId: RoomId | undefined;
    for (let i = 0; i < CASES; i++) {
      if (roomId === undefined || i % 25 === 0) {
        world.reset();
        roomId = await there.rooms.create.room(bob, { preset: "public_chat" });
        for (let n = 0; n < 5; n++) await say(there, bob, roomId, `before ${n}`);
        await here.rooms.members.join({ by: alice, room: roomId, via: [there.name] });
        await world.flush();
      }
      const id: RoomId = roomId;
      spoil(calls[draw(calls.length)]!, draw);
      await world.lose(() => say(there, bob, id, `lost ${i}`));
      await say(there, bob, id, `seen ${i}`);
      await world.flush();
      await survives(
        here.rooms.history.messages({ userId: alice.userId }, id, { dir: "b", limit: 20 }),
        `messages ${i}`,
      );
      await survives(
        here.rooms.history.closestTo({ userId: alice.userId }, id, { ts: 0, dir: "f" }),
        `by time ${i}`,
      );
      world.reset();
      const mark = await say(there, bob, id, `mark ${i}`);
      await world.flush();
      expect((await newest(here, id))?.event.eventId, `after ${i}`).toBe(mark);
    }
  }, 1_800_000);

  test("of directories are pages of what is good in them", () => {
    const draw = numbersOf(SEED + 2);
    const good = {
      room_id: "!good:there",
      num_joined_members: 3,
      world_readable: true,
      guest_can_join: false,
    };
    const entry = {
      ...good,
      room_id: "!other:there",
      canonical_alias: "#a:there",
      name: "n",
      topic: "t",
      avatar_url: "mxc://there/a",
    };
    for (let i = 0; i < CASES * 10; i++) {
      const answer = {
        chunk: [spoiled(entry, draw), good],
        next_batch: spoiled("b", draw),
        total_room_count_estimate: spoiled(1, draw),
      };
      const page = publicRoomsPage(answer);
      expect(page.chunk).toContainEqual(good);
      expect(JSON.stringify(page)).not.toMatch(HALF);
      for (const room of page.chunk) {
        expect(typeof room.room_id).toBe("string");
        for (const key of ["name", "topic", "canonical_alias", "avatar_url"] as const) {
          expect(["string", "undefined"]).toContain(typeof room[key]);
        }
      }
    }
  });
});

async function say(server: TestServer, by: Actor, roomId: RoomId, body: string) {
  const content = { msgtype: "m.text", body };
  return server.rooms.send.message({
    by,
    roomId,
    type: "m.room.message",
    content,
    txnId: undefined,
  });
}
