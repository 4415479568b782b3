/** What moves along in an upgrade, from any version to any. */
import { describe, expect, test } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { ROOM_VERSION_IDS } from "../../../src/protocol/room-versions.ts";
import { startServers } from "../support/servers.ts";

const [, hq] = await startServers("hq.test");
const [alice, bob] = [hq.user("alice"), hq.user("bob")];

async function content(roomId: RoomId, type: string): Promise<JsonObject> {
  return (await hq.rooms.history.stateEvent(alice.userId, roomId, type, "")).event.content;
}

describe("the join rule of an upgraded room", () => {
  const allow = [{ type: "m.room_membership", room_id: "!hall:hq.test" }];

  /** Which rule the successor has, and that the invited can join by it. */
  async function moved(from: string, to: string, rule: string): Promise<unknown> {
    const old = await hq.rooms.create.room(alice, {
      room_version: from,
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: rule, allow } }],
    });
    const next = await hq.rooms.create.upgrade(alice, old, to);
    await hq.rooms.members.invite({ by: alice, roomId: next, userId: bob.userId });
    await hq.rooms.members.join({ by: bob, room: next });
    const rules = await content(next, "m.room.join_rules");
    expect(rules.allow).toEqual(allow);
    return rules.join_rule;
  }

  test("is one that its version knows", async () => {
    const expected: Record<string, (to: number) => string> = {
      knock_restricted: (to) =>
        to >= 10 ? "knock_restricted" : to >= 8 ? "restricted" : to >= 7 ? "knock" : "invite",
      restricted: (to) => (to >= 8 ? "restricted" : "invite"),
      knock: (to) => (to >= 7 ? "knock" : "invite"),
      invite: () => "invite",
    };
    for (const [rule, at] of Object.entries(expected)) {
      for (const to of ROOM_VERSION_IDS) {
        expect([rule, to, await moved("11", to, rule)]).toEqual([rule, to, at(Number(to))]);
      }
    }
  });
});

test("an upgrade goes through although old state holds numbers that the new version forbids", async () => {
  const old = await hq.rooms.create.room(alice, {
    room_version: "5",
    initial_state: [
      {
        type: "m.room.avatar",
        content: { url: "mxc://hq.test/a", info: { w: 12.5, big: 1e300, list: [1, 2.5, null] } },
      },
    ],
    power_level_content_override: { "org.example.weight": 0.5 },
  });
  const next = await hq.rooms.create.upgrade(alice, old, "6");
  expect(await content(next, "m.room.avatar")).toEqual({
    url: "mxc://hq.test/a",
    info: { w: 12, list: [1, 2, null] },
  });
  expect(await content(next, "m.room.power_levels")).toMatchObject({ "org.example.weight": 0 });
});

test("the old room is made quiet, and never louder than it was", async () => {
  const users = { [alice.userId]: 100, [bob.userId]: 60 };
  const old = await hq.rooms.create.room(alice, {
    room_version: "11",
    preset: "public_chat",
    power_level_content_override: { users, events_default: 75, invite: 20 },
  });
  await hq.rooms.members.join({ by: bob, room: old });
  await hq.rooms.create.upgrade(alice, old, "12");
  expect(await content(old, "m.room.power_levels")).toMatchObject({
    events_default: 75,
    invite: 50,
  });
});
