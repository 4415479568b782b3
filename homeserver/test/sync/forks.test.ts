/** Forks that are resolved under a client that syncs. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { Body } from "../support/user.ts";
import { createWorld, type TestServer, type World } from "../rooms/support/world.ts";
import { joinedRoom, leftRoom, syncOn, type SyncWorld, texts } from "./support.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let onB: Pick<SyncWorld, "sync" | "ephemeral" | "user">;

beforeAll(async () => {
  world = createWorld();
  [a, b] = [await world.server("a.test"), await world.server("b.test")];
  onB = syncOn({ log: b.log, rooms: b.rooms, sql: b.db.sql, serverName: b.name });
});
afterAll(async () => {
  onB.sync.stop();
  await onB.ephemeral.stop();
  await world.close();
});

const state = (
  server: TestServer,
  who: string,
  roomId: RoomId,
  type: string,
  content: JsonObject,
) => server.rooms.send.state({ by: server.user(who), roomId, type, stateKey: "", content });

/** A room of both servers, in which everybody may set the topic. */
async function forked(): Promise<RoomId> {
  const roomId = await a.rooms.create.room(a.user("alice"), {
    preset: "public_chat",
    topic: "Of old",
    power_level_content_override: {
      events: { "m.room.topic": 0 },
      users: { [b.user("carol").userId]: 50 },
    },
  });
  for (const who of ["bob", "carol"]) {
    await b.rooms.members.join({ by: b.user(who), room: roomId, via: [a.name] });
    await world.flush();
  }
  return roomId;
}

test.each([false, true])(
  "state that a resolved fork brings back is told without an event of its own (state_after: %s)",
  async (stateAfter) => {
    const roomId = await forked();
    const bob = onB.user("bob");
    world.cut(a, b);
    await state(a, "alice", roomId, "m.room.power_levels", {
      events: { "m.room.topic": 60 },
      users: { [b.user("carol").userId]: 50 },
    });
    await state(b, "carol", roomId, "m.room.topic", { topic: "Of Carol" });
    const { next_batch: since } = await bob.sync(undefined, { stateAfter });
    world.heal();
    await world.flush();
    const section = joinedRoom(await bob.sync(since, { stateAfter }), roomId);
    const timeline = section.timeline.events.map((event: Body) => event.type);
    expect(timeline).toEqual(["m.room.power_levels"]);
    const told = stateAfter ? section.state_after : section.state;
    const topics = told.events.filter((event: Body) => event.type === "m.room.topic");
    expect(topics.map((event: Body) => event.content.topic)).toEqual(["Of old"]);
  },
);

test("an event that is soft-failed is shown in no sync and counts for nothing", async () => {
  const roomId = await forked();
  const eve = a.user("eve");
  await a.rooms.members.join({ by: eve, room: roomId });
  await world.flush();
  const bob = onB.user("bob");
  world.cut(a, b);
  // Eve does not know of the ban yet, and goes on talking.
  await b.rooms.members.ban({ by: b.user("carol"), roomId, userId: eve.userId });
  const { next_batch: since } = await bob.sync();
  const content = { msgtype: "m.text", body: "still talking" };
  const type = "m.room.message";
  const failed = await a.rooms.send.message({ by: eve, roomId, type, content });
  world.heal();
  await world.flush();
  expect((await b.rooms.view.eventsById([failed])).get(failed)?.status).toBe("soft-failed");
  expect((await bob.sync(since)).rooms).toBeUndefined();
  const room = joinedRoom(await bob.sync(), roomId);
  expect(texts(room)).toEqual([]);
  expect(room.unread_notifications.notification_count).toBe(0);
});

test("somebody whom a resolved fork puts out is told that they are out", async () => {
  const roomId = await forked();
  const bob = onB.user("bob");
  const { next_batch: since } = await bob.sync();
  world.cut(a, b);
  await a.rooms.members.ban({ by: a.user("alice"), roomId, userId: bob.userId });
  await b.rooms.send.state({
    by: b.user("bob"),
    roomId,
    type: "m.room.member",
    stateKey: bob.userId,
    content: { membership: "join", displayname: "Still here" },
  });
  world.heal();
  await world.flush();
  const body = await bob.sync(since);
  expect(joinedRoom(body, roomId)).toBeUndefined();
  const members = leftRoom(body, roomId).timeline.events.filter(
    (event: Body) => event.state_key === bob.userId,
  );
  expect(members.at(-1).content.membership).toBe("ban");
});
