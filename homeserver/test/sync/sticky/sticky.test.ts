/** Sticky events (MSC4354) on one server: by /sync and by sliding sync. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { delayedApi } from "../../delayed-events/delayed-api.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { register, type TestUser } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";
import { bury, idsOf, join, slide, stick, stickState, stickyIn, timelineIn } from "./sticky-api.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  bob = await register(server, "bob");
});

afterAll(() => server.close());

async function newRoom(more: object = {}): Promise<string> {
  const body = { preset: "public_chat", ...more };
  return (await alice.call("POST", "/createRoom", body)).room_id;
}

const HISTORY_OF_MEMBERS = {
  initial_state: [{ type: "m.room.history_visibility", content: { history_visibility: "joined" } }],
};

describe("by /sync", () => {
  test("one that is in the timeline comes there alone, with how long it lasts", async () => {
    const roomId = await newRoom();
    await join(bob, roomId);
    const { next_batch: since } = await bob.sync();
    const id = await stick(alice, roomId, { n: 1 }, 300_000);
    const body = await bob.sync({ since });
    const [event] = timelineIn(body, roomId);
    expect(event.event_id).toBe(id);
    expect(event.msc4354_sticky).toEqual({ duration_ms: 300_000 });
    const ttl = event.unsigned.msc4354_sticky_duration_ttl_ms;
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(300_000);
    expect(stickyIn(body, roomId)).toEqual([]);
    // Once told, it is not told again.
    const later = await bob.sync({ since: body.next_batch });
    expect(later.rooms?.join?.[roomId]).toBeUndefined();
  });

  test("one that the timeline does not reach back to comes beside it, once, also state", async () => {
    const roomId = await newRoom();
    await join(bob, roomId);
    const { next_batch: since } = await bob.sync();
    const ids = [
      await stick(alice, roomId, { n: 1 }),
      await stickState(alice, roomId, "key", { n: 2 }),
    ];
    await bury(alice, roomId);
    const body = await bob.sync({ since });
    expect(idsOf(stickyIn(body, roomId))).toEqual(ids);
    expect(stickyIn(body, roomId)[0].unsigned.msc4354_sticky_duration_ttl_ms).toBeGreaterThan(0);
    const later = await bob.sync({ since: body.next_batch });
    expect(stickyIn(later, roomId)).toEqual([]);
    // A client that begins is told of all.
    expect(idsOf(stickyIn(await bob.sync(), roomId))).toEqual(ids);
  });

  test("one that a filter keeps from the timeline comes beside it", async () => {
    const roomId = await newRoom();
    await join(bob, roomId);
    const { next_batch: since } = await bob.sync();
    const id = await stick(alice, roomId, { n: 1 });
    const filter = JSON.stringify({ room: { timeline: { types: ["m.room.message"] } } });
    const body = await bob.sync({ since, filter });
    expect(timelineIn(body, roomId)).toEqual([]);
    expect(idsOf(stickyIn(body, roomId))).toEqual([id]);
  });

  test("who joins later is told, whatever may be seen of what was said before", async () => {
    const roomId = await newRoom(HISTORY_OF_MEMBERS);
    const buried = await stick(alice, roomId, { n: 1 });
    await bury(alice, roomId);
    const last = await stick(alice, roomId, { n: 2 });
    const { next_batch: since } = await bob.sync();
    await join(bob, roomId);
    const body = await bob.sync({ since });
    expect(idsOf(stickyIn(body, roomId))).toEqual([buried, last]);
    const shown = timelineIn(body, roomId).filter(({ type }) => type === "m.room.message");
    expect(shown).toEqual([]);
    expect(stickyIn(await bob.sync({ since: body.next_batch }), roomId)).toEqual([]);
  });

  test("who has left, who is ignored, what is redacted or has run out is not told", async () => {
    const roomId = await newRoom();
    await join(bob, roomId);
    const redacted = await stick(alice, roomId, { n: 1 });
    const brief = await stick(alice, roomId, { n: 2 }, 1);
    const by = await stick(bob, roomId, { n: 3 });
    const path = `/rooms/${encodeURIComponent(roomId)}`;
    await alice.call("PUT", `${path}/redact/${redacted}/t1`, {});
    await bury(alice, roomId);
    const ids = idsOf(stickyIn(await alice.sync(), roomId));
    expect(ids).toEqual([by]);
    expect(ids).not.toContain(brief);
    const ignored = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`;
    await alice.call("PUT", ignored, { ignored_users: { [bob.userId]: {} } });
    expect(stickyIn(await alice.sync(), roomId)).toEqual([]);
    await alice.call("PUT", ignored, { ignored_users: {} });
    await bob.call("POST", `${path}/leave`, {});
    const left = await bob.sync({ filter: '{"room":{"include_leave":true}}' });
    expect(left.rooms.leave[roomId].msc4354_sticky).toBeUndefined();
  });

  test("an hour is the most, and of one sender a hundred events", async () => {
    const roomId = await newRoom();
    const id = await stick(alice, roomId, {}, 86_400_000);
    const event = await alice.call("GET", `/rooms/${encodeURIComponent(roomId)}/event/${id}`);
    expect(event.msc4354_sticky).toEqual({ duration_ms: 3_600_000 });
    expect(event.unsigned.msc4354_sticky_duration_ttl_ms).toBeLessThanOrEqual(3_600_000);
    const ids: string[] = [];
    for (let n = 0; n < 105; n += 1) ids.push(await stick(alice, roomId, { n }));
    await bury(alice, roomId);
    expect(idsOf(stickyIn(await alice.sync(), roomId))).toEqual(ids.slice(-100));
    const plain = await stick(alice, roomId, {}, 0);
    const other = await alice.call("GET", `/rooms/${encodeURIComponent(roomId)}/event/${plain}`);
    expect(other.msc4354_sticky).toBeUndefined();
    const bad = `/rooms/${encodeURIComponent(roomId)}/send/t/bad?org.matrix.msc4354.sticky_duration_ms=`;
    expect((await alice.ask("PUT", `${bad}-1`, {})).status).toBe(400);
    expect((await alice.ask("PUT", `${bad}soon`, {})).status).toBe(400);
  });

  test("a delayed event is sticky from when it is sent", async () => {
    const roomId = await newRoom();
    const api = delayedApi(server, alice);
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/org.example.member/d1`;
    const query = "org.matrix.msc4140.delay=50&org.matrix.msc4354.sticky_duration_ms=60000";
    const { body } = await api.ask("PUT", `${path}?${query}`, { n: 1 });
    const { event_id: id } = await eventually(
      "it is sent",
      async () => (await api.one(body.delay_id)).body.finalised,
    );
    await bury(alice, roomId);
    expect(idsOf(stickyIn(await alice.sync(), roomId))).toEqual([id]);
  });
});

describe("by sliding sync", () => {
  test("beside the timelines, of all rooms of a list, once each, by pages", async () => {
    const [one, other] = [await newRoom(), await newRoom()];
    for (const roomId of [one, other]) await join(bob, roomId);
    const first = await slide(server, bob);
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      ids.push(await stick(alice, one, { n }));
      await bury(alice, one);
    }
    // That room is not in the list's range any more.
    await alice.send(other, "newer");
    const asked = { pos: first.pos, since: first.next, limit: 2 };
    const second = await slide(server, bob, asked);
    expect(idsOf(second.sticky(one))).toEqual(ids.slice(0, 2));
    // The answer is lost: it comes again.
    expect(idsOf((await slide(server, bob, asked)).sticky(one))).toEqual(ids.slice(0, 2));
    const third = await slide(server, bob, { pos: second.pos, since: second.next, limit: 2 });
    expect(idsOf(third.sticky(one))).toEqual(ids.slice(2));
    const fourth = await slide(server, bob, { pos: third.pos, since: third.next });
    expect(fourth.next).toBeUndefined();
    expect(fourth.sticky(one)).toEqual([]);
  });

  test("what the answer's timeline shows is left out, and who joins is told of all", async () => {
    const roomId = await newRoom(HISTORY_OF_MEMBERS);
    const before = await stick(alice, roomId, { n: 1 });
    const carol = await register(server, `carol${Date.now()}`);
    const first = await slide(server, carol);
    const elsewhere = await newRoom();
    await join(carol, elsewhere);
    await stick(alice, elsewhere, { n: 0 });
    const second = await slide(server, carol, { pos: first.pos });
    expect(second.timeline(elsewhere).at(-1).content).toEqual({ n: 0 });
    expect(second.sticky(elsewhere)).toEqual([]);
    expect(second.next).toBeDefined();
    await join(carol, roomId);
    const third = await slide(server, carol, { pos: second.pos, since: second.next });
    expect(idsOf(third.sticky(roomId))).toEqual([before]);
    const fourth = await slide(server, carol, { pos: third.pos, since: third.next });
    expect(fourth.sticky(roomId)).toEqual([]);
  });

  test("only rooms that a list, or a subscription, is about; and only its own tokens", async () => {
    const roomId = await newRoom();
    const id = await stick(alice, roomId, { n: 1 });
    const none = {
      lists: {
        none: {
          timeline_limit: 1,
          required_state: [],
          ranges: [[0, 9]],
          filters: { is_invite: true },
        },
      },
    };
    expect((await slide(server, alice, { body: none })).sticky(roomId)).toEqual([]);
    const subscribed = {
      ...none,
      room_subscriptions: { [roomId]: { timeline_limit: 0, required_state: [] } },
    };
    expect(idsOf((await slide(server, alice, { body: subscribed })).sticky(roomId))).toEqual([id]);
    await expect(slide(server, alice, { since: "nonsense" })).rejects.toThrow("M_INVALID_PARAM");
  });
});
