/** Erased users: who was there keeps what they saw, who comes later has redacted copies, on every path. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { syncOn } from "../../sync/support.ts";
import type { Body } from "../../support/user.ts";
import { createWorld } from "../support/world.ts";
import { allOf } from "../support/wire.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let hq: TestServer;
let other: TestServer;
let early: TestServer;
let alice: Actor;
let bob: Actor;
let gone: Actor;
let carol: Actor;
let roomId: RoomId;
let root: EventId;
let reply: EventId;
let edit: EventId;
let named: EventId;
let on: ReturnType<typeof syncOn>;

beforeAll(async () => {
  world = createWorld();
  hq = await world.server("hq.test");
  other = await world.server("other.test");
  early = await world.server("early.test");
  [alice, bob, gone, carol] = ["alice", "bob", "gone", "carol"].map((name) => hq.user(name)) as [
    Actor,
    Actor,
    Actor,
    Actor,
  ];
  on = syncOn({ log: hq.log, rooms: hq.rooms, sql: hq.db.sql, serverName: hq.name });
});
afterAll(async () => {
  on.sync.stop();
  await on.ephemeral.stop();
  await world.close();
});

let erased = 0;

/** Gone says something, bob has left before the erasure, and carol joins after it. */
beforeEach(async () => {
  world.reset();
  gone = hq.user(`gone${++erased}`);
  roomId = await hq.rooms.create.room(alice, { preset: "public_chat" });
  for (const by of [gone, bob]) await hq.rooms.members.join({ by, room: roomId });
  await early.rooms.members.join({ by: early.user("eve"), room: roomId, via: [hq.name] });
  root = await say(alice, "root");
  named = await say(gone, "secret");
  const relates = (rel: string, eventId: EventId) => ({
    "m.relates_to": { rel_type: rel, event_id: eventId },
  });
  reply = await say(gone, "in the thread", relates("m.thread", root));
  edit = await say(gone, "* secret", {
    ...relates("m.replace", named),
    "m.new_content": { body: "edited" },
  });
  await hq.rooms.members.leave({ by: bob, roomId });
  await hq.log.append({ records: [{ kind: "erasure", userId: gone.userId }] });
  await hq.rooms.members.leave({ by: gone, roomId });
  await hq.rooms.members.join({ by: carol, room: roomId });
});

function say(by: Actor, body: string, more: object = {}): Promise<EventId> {
  const content = { body, ...more };
  return hq.rooms.send.message({ by, roomId, type: "m.room.message", content });
}

const parsed = (texts: readonly string[]): Body[] => texts.map((text) => JSON.parse(text));
const of = (events: Body[], eventId: string): Body =>
  events.find((event) => event.event_id === eventId);

/** The secret and the names, wherever they may stand in an answer. */
const leaks = (answer: unknown): string[] =>
  [
    "secret",
    "edited",
    "in the thread",
    `"displayname":"${gone.userId.slice(1, gone.userId.indexOf(":"))}"`,
  ].filter((word) => JSON.stringify(answer).replaceAll("\\", "").includes(word));

/** All that a reader may ask of the room. */
async function everything(by: Actor): Promise<Record<string, unknown>> {
  const { history } = hq.rooms;
  const user = on.user(by.userId.slice(1, by.userId.indexOf(":")));
  const lazy = { filter: { room: { state: { lazy_load_members: true } } } };
  const all = { dir: "b", limit: 100 } as const;
  return {
    messages: await history.messages(by, roomId, { ...all }),
    lazy: await history.messages(by, roomId, {
      ...all,
      filter: { admitsAll: true, lazyLoadMembers: true } as never,
    }),
    context: await history.context(by, roomId, named, { limit: 20 }),
    event: await history.event(by, roomId, named),
    relations: await history.relations(by, roomId, named, {}),
    thread: await history.relations(by, roomId, root, { relType: "m.thread" }),
    threads: await history.threads(by, roomId, {}),
    bundle: await history.event(by, roomId, root),
    sync: await user.sync(undefined, {
      ...lazy,
      filter: { room: { ...lazy.filter.room, include_leave: true, timeline: { limit: 100 } } },
    }),
    full: await user.sync(undefined, { filter: { room: { timeline: { limit: 2 } } } }),
    state: (await history.state(by.userId, roomId)).map(({ event }) => event.pdu),
  };
}

describe("what an erased user sent", () => {
  test("is redacted for who came later, on every path", async () => {
    for (const [path, answer] of Object.entries(await everything(carol))) {
      expect({ path, leaks: leaks(answer) }).toEqual({ path, leaks: [] });
    }
    const { chunk } = await hq.rooms.history.messages(carol, roomId, { dir: "b", limit: 100 });
    const copy = of(parsed(chunk), named);
    expect(copy).toMatchObject({ sender: gone.userId, type: "m.room.message", content: {} });
    expect(copy.unsigned["m.relations"]).toBeUndefined();
    expect(of(parsed(chunk), root).unsigned["m.relations"]).toBeUndefined();
  });

  test("stays as it was for who was there, or had been", async () => {
    for (const by of [alice, bob]) {
      const answers = await everything(by);
      const { chunk } = answers["messages"] as { chunk: string[] };
      const event = of(parsed(chunk), named);
      expect(event.content.body).toBe("secret");
      expect(event.unsigned["m.relations"]["m.replace"].event_id).toBe(edit);
      expect(of(parsed(chunk), root).unsigned["m.relations"]["m.thread"]).toMatchObject({
        count: 1,
        latest_event: { event_id: reply },
      });
      expect(leaks(answers["sync"])).toContain("secret");
    }
  });

  test("is redacted for servers that come later, and not for those that were there", async () => {
    await world.flush();
    const { federation } = hq.rooms;
    await other.rooms.members.join({ by: other.user("otto"), room: roomId, via: [hq.name] });
    const room = await hq.rooms.view.room(roomId);
    const [latest] = await hq.rooms.view.currentState(room!.nid, {
      members: [other.user("otto").userId],
      types: ["m.room.member"],
    });
    const answers = async (server: TestServer) => ({
      event: await federation.event(server.name, named),
      backfill: await federation.backfill(server.name, roomId, [latest!.event.eventId], 50),
      missing: await federation.missingEvents(server.name, roomId, {
        ...{ earliest: [], latest: [latest!.event.eventId], limit: 20, minDepth: 0 },
      }),
      state: await allOf((await federation.state(server.name, roomId, edit)).pdus),
      auth: await federation.eventAuth(server.name, roomId, edit),
    });
    for (const [path, answer] of Object.entries(await answers(other))) {
      expect({ path, leaks: leaks(answer) }).toEqual({ path, leaks: [] });
    }
    for (const [path, answer] of Object.entries(await answers(early))) {
      expect({ path, leaks: leaks(answer).length > 0 }).toEqual({ path, leaks: true });
    }
    // The other server takes the copies for what they are.
    const there = await other.rooms.history.messages(other.user("otto"), roomId, {
      ...{ dir: "b", limit: 100 },
    });
    expect(of(parsed(there.chunk), named)).toMatchObject({ content: {} });
    expect(of(parsed(there.chunk), root)).toMatchObject({ content: { body: "root" } });
  });
});

test("the reason of a redaction is redacted with the redaction, also where it lies in another event", async () => {
  const dora = hq.user(`dora${++erased}`);
  await hq.rooms.members.join({ by: dora, room: roomId });
  const eventId = await say(dora, "oops");
  await hq.rooms.send.redact({ by: dora, roomId, eventId, reason: "it was a secret" });
  await hq.log.append({ records: [{ kind: "erasure", userId: dora.userId }] });
  const late = hq.user(`late${erased}`);
  await hq.rooms.members.join({ by: late, room: roomId });
  const [was, came] = await Promise.all(
    [carol, late].map((by) => hq.rooms.history.messages(by, roomId, { dir: "b", limit: 100 })),
  );
  const because = (page: typeof was) =>
    of(parsed(page!.chunk), eventId).unsigned.redacted_because.content;
  expect(because(was)).toMatchObject({ reason: "it was a secret" });
  expect(because(came).reason).toBeUndefined();
  expect(leaks(came)).toEqual([]);
});

test("another replica knows of an erasure that it had looked for before", async () => {
  const two = await world.replica(hq);
  const dora = hq.user(`dora${erased}`);
  await hq.rooms.members.join({ by: dora, room: roomId });
  const said = await say(dora, "not for later");
  await two.log.append({
    records: [{ kind: "account_data", userId: "@x:hq.test", roomNid: 0, type: "x", content: "{}" }],
  });
  expect(await two.rooms.history.event(carol, roomId, said)).toContain("not for later");
  await hq.log.append({ records: [{ kind: "erasure", userId: dora.userId }] });
  const fred = hq.user("fred");
  await hq.rooms.members.join({ by: fred, room: roomId });
  await two.log.append({
    records: [{ kind: "account_data", userId: "@x:hq.test", roomNid: 0, type: "x", content: "{}" }],
  });
  expect(await two.rooms.history.event(fred, roomId, said)).not.toContain("not for later");
  expect(await two.rooms.history.event(carol, roomId, said)).toContain("not for later");
});
