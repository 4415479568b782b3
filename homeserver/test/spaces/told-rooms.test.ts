/** What other servers tell of spaces, however wrong, however long. */
import { describe, expect, test } from "vitest";
import type { RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";
import type { Json, JsonObject } from "../../src/protocol/json.ts";
import { createManualClock } from "../../src/platform/clock.ts";
import { errors } from "../../src/protocol/errors.ts";
import { createRemoteRooms } from "../../src/spaces/remote-rooms.ts";
import { toldSpace } from "../../src/spaces/told-rooms.ts";
import type { LocalRooms } from "../../src/spaces/local-rooms.ts";
import { STRANGER } from "../../src/spaces/access.ts";
import { createHierarchy } from "../../src/spaces/walk.ts";
import { numbersOf, spoiled } from "../bad-input/hostile.ts";

const SPACE_ID = "!space:there.example" as RoomId;
const via = ["there.example" as ServerName];
const child = (roomId: string, content: JsonObject = { via: [...via] }): JsonObject => ({
  type: "m.space.child",
  state_key: roomId,
  sender: "@a:there.example",
  origin_server_ts: 1,
  content,
});
const room = (roomId: string, more: JsonObject = {}): JsonObject => ({
  room_id: roomId,
  num_joined_members: 3,
  world_readable: false,
  guest_can_join: false,
  join_rule: "public",
  ...more,
});
const answerOf = (ids: readonly string[]): JsonObject => ({
  room: room(SPACE_ID, { room_type: "m.space", children_state: ids.map((id) => child(id)) }),
  children: ids.map((id) => room(id)),
  inaccessible_children: [],
});

describe("an answer about a space", () => {
  test("counts only for the room that was asked for, and the children that it names", () => {
    const answer = answerOf(["!a:there.example"]);
    (answer.children as Json[]).push(room("!b:here.example"));
    answer.inaccessible_children = ["!c:here.example", "!a:there.example", 7];
    const found = toldSpace(answer, SPACE_ID)!;
    expect([...found.told!.rooms.keys()]).toEqual(["!a:there.example"]);
    expect([...found.told!.inaccessible]).toEqual(["!a:there.example"]);
    expect(toldSpace(answer, "!other:there.example" as RoomId)).toBeUndefined();
  });

  test("loses members that have not the right shape, and no more", () => {
    const bad = { name: 7, topic: "\0", avatar_url: "javascript:1", canonical_alias: "tea" };
    const answer = {
      room: room(SPACE_ID, { ...bad, num_joined_members: -4, children_state: [7, {}] }),
    };
    expect(toldSpace(answer, SPACE_ID)!.summary).toEqual({
      room_id: SPACE_ID,
      join_rule: "public",
      num_joined_members: 0,
      world_readable: false,
      guest_can_join: false,
    });
  });

  test("is cut: texts, children, the rooms that let one in, and what children say", () => {
    const many = Array.from({ length: 3000 }, (_, n) => `!r${n}:there.example`);
    const answer = answerOf(many);
    Object.assign(answer.room as JsonObject, {
      ...{ name: "n".repeat(100_000), join_rule: "restricted", allowed_room_ids: many },
    });
    const { summary, children, told } = toldSpace(answer, SPACE_ID)!;
    expect(summary.name).toHaveLength(4096);
    expect(summary.allowed_room_ids).toHaveLength(100);
    expect(children).toHaveLength(1000);
    expect(told!.rooms.size).toBe(1000);
    const long = { via: Array.from({ length: 500 }, () => via[0]!), note: "x".repeat(9000) };
    const one = {
      room: room(SPACE_ID, { room_type: "m.space", children_state: [child("!a:b", long)] }),
    };
    expect(toldSpace(one, SPACE_ID)!.children[0]!.content).toEqual({ via: Array(20).fill(via[0]) });
  });

  test("with hostile values anywhere is read or refused, and never throws", () => {
    const draw = numbersOf(31);
    for (let n = 0; n < 400; n += 1) {
      const answer = spoiled(answerOf(["!a:there.example", "!b:there.example"]), draw);
      const isObject = typeof answer === "object" && answer !== null && !Array.isArray(answer);
      if (isObject) expect(() => toldSpace(answer, SPACE_ID)).not.toThrow();
    }
  });
});

describe("questions to other servers", () => {
  function asking(answer: (server: string) => JsonObject) {
    const clock = createManualClock();
    const asked: string[] = [];
    const remote = {
      async hierarchy(server: ServerName): Promise<JsonObject> {
        asked.push(server);
        return answer(server);
      },
    };
    const serverName = "here.example" as ServerName;
    return { clock, asked, rooms: createRemoteRooms({ remote, serverName, clock }) };
  }

  test("go to three servers at most, never to this one, until one tells something", async () => {
    const { asked, rooms } = asking((server) => {
      if (server === "b.example") return answerOf([]);
      throw errors.notFound("no");
    });
    const servers = ["here.example", "a.example", "b.example", "c.example"] as ServerName[];
    expect(await rooms.find(SPACE_ID, servers, false)).toBeDefined();
    expect(asked).toEqual(["a.example", "b.example"]);
    const others = ["d.example", "e.example", "f.example", "b.example"] as ServerName[];
    expect(await rooms.find(SPACE_ID, others, false)).toBeUndefined();
  });

  test("are asked once in five minutes, and once a minute where there was no answer", async () => {
    const { clock, asked, rooms } = asking((server) => {
      if (server === "there.example") return answerOf([]);
      throw errors.notFound("no");
    });
    const find = async () => {
      await rooms.find(SPACE_ID, ["deaf.example", "there.example"] as ServerName[], false);
      return asked.splice(0);
    };
    expect(await find()).toEqual(["deaf.example", "there.example"]);
    expect(await find()).toEqual([]);
    clock.advance(61_000);
    expect(await find()).toEqual(["deaf.example"]);
    clock.advance(240_000);
    expect(await find()).toEqual(["deaf.example", "there.example"]);
  });

  test("one server's answer never stands for another's", async () => {
    const { rooms } = asking((server) => ({
      ...{ room: room(SPACE_ID, { name: server }), children: [] },
    }));
    const nameAt = async (server: string) =>
      (await rooms.find(SPACE_ID, [server as ServerName], false))?.summary.name;
    expect(await nameAt("liar.example")).toBe("liar.example");
    expect(await nameAt("there.example")).toBe("there.example");
  });

  test("of a tree without end come to one", async () => {
    let asked = 0;
    const local: LocalRooms = {
      find: async () => new Map(),
      standingOfServer: async () => ({ of: () => [] }),
    };
    const remote = {
      async find(roomId: RoomId) {
        asked += 1;
        const ids = Array.from(
          { length: 3 },
          (_, n) => `${roomId.split(":")[0]}.${n}:there.example`,
        );
        return toldSpace(
          {
            room: room(roomId, {
              room_type: "m.space",
              children_state: ids.map((id) => child(id)),
            }),
          },
          roomId,
        );
      },
    };
    const standingOf = async () => STRANGER;
    const hierarchy = createHierarchy({ standingOf, local, remote, clock: createManualClock() });
    let from: string | undefined;
    let rooms = 0;
    do {
      const page = await hierarchy("@a:here.example" as UserId, SPACE_ID, { limit: 100, from });
      rooms += page.rooms.length;
      from = page.next_batch;
      expect(from?.length ?? 0).toBeLessThan(8000);
    } while (from !== undefined);
    expect(rooms).toBeLessThan(2000);
    expect(asked).toBeLessThan(6000);
  });
});
