/** Every value of history_visibility × what became of the reader, on the client's and the servers' side. */
import { describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { startServers } from "../support/servers.ts";

const [world, hq, far] = await startServers("hq.test", "far.test");
const alice = hq.user("alice");

const VALUES = ["world_readable", "shared", "invited", "joined"] as const;
type Value = (typeof VALUES)[number];

const openRoom = (visibility: Value) =>
  hq.rooms.create.room(alice, {
    preset: "public_chat",
    initial_state: [
      { type: "m.room.history_visibility", content: { history_visibility: visibility } },
    ],
  });

const say = (roomId: RoomId, body: string) =>
  hq.rooms.send.message({ by: alice, roomId, type: "m.room.message", content: { body } });

/** The story of a reader: one message in each part of it. */
async function story(roomId: RoomId, reader: Actor): Promise<Map<string, EventId>> {
  const by = alice;
  const { userId } = reader;
  const said = new Map<string, EventId>();
  const note = async (body: string) => said.set(body, await say(roomId, body));
  await note("before");
  await hq.rooms.members.invite({ by, roomId, userId });
  await note("invited");
  await hq.rooms.members.join({ by: reader, room: roomId });
  await note("in");
  await hq.rooms.members.leave({ by: reader, roomId });
  await note("out");
  return said;
}

async function seen(by: Actor, roomId: RoomId, said: Map<string, EventId>): Promise<string[]> {
  const page = await hq.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  const listed = page.chunk.flatMap((text) => JSON.parse(text).content.body ?? []).toReversed();
  const single: string[] = [];
  for (const [body, eventId] of said) {
    const event = await hq.rooms.history.event(by, roomId, eventId).catch(() => undefined);
    if (event !== undefined) single.push(body);
  }
  // By rule 4 an event of the time of an invite may be asked for by its name.
  expect(single.filter((body) => body !== "again" || listed.includes(body))).toEqual(listed);
  return listed;
}

/** value → what is seen. */
const expected = {
  left: {
    world_readable: ["before", "invited", "in", "out"],
    shared: ["before", "invited", "in"],
    invited: ["invited", "in"],
    joined: ["in"],
  },
  "left, and was banned then": {
    world_readable: ["before", "invited", "in", "out", "banned"],
    shared: ["before", "invited", "in"],
    invited: ["invited", "in"],
    joined: ["in"],
  },
  "left, was invited again, and refused": {
    world_readable: ["before", "invited", "in", "out", "again", "refused"],
    shared: ["before", "invited", "in"],
    invited: ["invited", "in"],
    joined: ["in"],
  },
  "came back": {
    world_readable: ["before", "invited", "in", "out", "back"],
    shared: ["before", "invited", "in", "out", "back"],
    invited: ["invited", "in", "back"],
    joined: ["in", "back"],
  },
} as const;

let readers = 0;

describe.each(VALUES)("history that is %s", (value) => {
  test.each(Object.keys(expected) as (keyof typeof expected)[])(
    "shows a reader who %s what it should",
    async (what) => {
      const [roomId, reader] = [await openRoom(value), hq.user(`reader${++readers}`)];
      const { userId } = reader;
      const said = await story(roomId, reader);
      const note = async (body: string) => said.set(body, await say(roomId, body));
      if (what === "left, and was banned then") {
        await hq.rooms.members.ban({ by: alice, roomId, userId });
        await note("banned");
      } else if (what === "left, was invited again, and refused") {
        await hq.rooms.members.invite({ by: alice, roomId, userId });
        await note("again");
        await hq.rooms.members.leave({ by: reader, roomId });
        await note("refused");
      } else if (what === "came back") {
        await hq.rooms.members.join({ by: reader, room: roomId });
        await note("back");
      }
      expect(await seen(reader, roomId, said)).toEqual(expected[what][value]);
    },
  );

  test("shows who is invited, or a stranger, nothing unless it is world-readable", async () => {
    const roomId = await openRoom(value);
    const invited = hq.user(`invited${++readers}`);
    const said = new Map([["one", await say(roomId, "one")]]);
    await hq.rooms.members.invite({ by: alice, roomId, userId: invited.userId });
    for (const by of [invited, hq.user("stranger")]) {
      const reading = hq.rooms.history.messages(by, roomId, { dir: "b" });
      if (value === "world_readable") {
        await reading;
        expect(await seen(by, roomId, said)).toEqual(["one"]);
      } else {
        await expect(reading).rejects.toMatchObject({ status: 403 });
        const event = hq.rooms.history.event(by, roomId, said.get("one")!);
        await expect(event).rejects.toMatchObject({ status: 404 });
      }
    }
  });

  test("goes to another server redacted where its users may not see it", async () => {
    const roomId = await openRoom(value);
    const bob = far.user(`bob${++readers}`);
    const before = await say(roomId, "before");
    await far.rooms.members.join({ by: bob, room: roomId, via: [hq.name] });
    const since = await say(roomId, "in");
    const may = (eventId: EventId) =>
      eventId === since || ["world_readable", "shared"].includes(value);
    const bodyOf = (text: string) => JSON.parse(text).content.body;
    for (const eventId of [before, since]) {
      const wanted = may(eventId) ? (eventId === since ? "in" : "before") : undefined;
      const event = await hq.rooms.federation.event(far.name, eventId);
      expect(bodyOf(event)).toBe(wanted);
      const [first] = await hq.rooms.federation.backfill(far.name, roomId, [eventId], 1);
      expect(bodyOf(first!)).toBe(wanted);
    }
    const tip = await say(roomId, "tip");
    const missing = await hq.rooms.federation.missingEvents(far.name, roomId, {
      earliest: [],
      latest: [tip],
      limit: 20,
      minDepth: 0,
    });
    const texts = missing.flatMap((text) => bodyOf(text) ?? []);
    expect(texts).toEqual(may(before) ? ["before", "in"] : ["in"]);
    await far.rooms.members.leave({ by: bob, roomId });
    await world.flush();
    const late = await say(roomId, "late");
    for (const asked of [
      () => hq.rooms.federation.event(far.name, late),
      () => hq.rooms.federation.state(far.name, roomId, late),
      () => hq.rooms.federation.stateIds(far.name, roomId, late),
    ]) {
      await expect(asked()).rejects.toMatchObject({ status: 403 });
    }
    expect(await hq.rooms.federation.backfill(far.name, roomId, [late], 10)).toEqual([]);
    for (const asked of [
      () => hq.rooms.federation.event("stranger.test" as never, since),
      () => hq.rooms.federation.backfill("stranger.test" as never, roomId, [since], 10),
      () => hq.rooms.federation.closestTo("stranger.test" as never, roomId, { ts: 0, dir: "f" }),
    ]) {
      await expect(asked()).rejects.toMatchObject({ status: 403 });
    }
    // What is done to who has left changes nothing of what their server took part in.
    await hq.rooms.members.ban({ by: alice, roomId, userId: bob.userId });
    expect(bodyOf(await hq.rooms.federation.event(far.name, since))).toBe("in");
    await expect(hq.rooms.federation.event(far.name, late)).rejects.toMatchObject({ status: 403 });
    // A server that is not in the room is not told whether there is one.
    const nowhere = "!nowhere:hq.test" as RoomId;
    const refused = [roomId, nowhere].map(async (room) => {
      const { federation } = hq.rooms;
      const none = { earliest: [], latest: [since], limit: 1, minDepth: 0 };
      const asked = [
        federation.backfill("stranger.test" as never, room, [since], 10),
        federation.missingEvents("stranger.test" as never, room, none),
        federation.state("stranger.test" as never, room, since),
        federation.stateIds("stranger.test" as never, room, since),
        federation.eventAuth("stranger.test" as never, room, since),
        federation.closestTo("stranger.test" as never, room, { ts: 0, dir: "f" }),
      ];
      return (await Promise.allSettled(asked)).map((answer) =>
        answer.status === "rejected" ? answer.reason.toJSON() : "told",
      );
    });
    const [known, unknown] = await Promise.all(refused);
    expect(known).toEqual(unknown);
    expect(known).not.toContain("told");
  });
});

test("a change of the visibility counts before or after itself, and so does the reader's own membership", async () => {
  const roomId = await openRoom("joined");
  await hq.rooms.send.state({
    by: alice,
    roomId,
    type: "m.room.history_visibility",
    stateKey: "",
    content: { history_visibility: "world_readable" },
  });
  const eve = hq.user("eve");
  const page = await hq.rooms.history.messages(eve, roomId, { dir: "b" });
  expect(page.chunk.map((text) => JSON.parse(text).type)).toEqual(["m.room.history_visibility"]);
});
