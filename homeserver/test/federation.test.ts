import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "./support/server.ts";
import { type Body, register, type TestUser } from "./support/user.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer(), startServer()]);
  [alice, bob] = [await register(one, "alice"), await register(two, "bob")];
});
afterAll(() => Promise.all([one.close(), two.close()]));

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const VERSIONS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

function bodies(body: Body, roomId: string): string[] {
  const events = body.rooms?.join?.[roomId]?.timeline.events ?? [];
  return events.filter((e: Body) => e.type === "m.room.message").map((e: Body) => e.content.body);
}

/** The current state as comparable text. */
async function stateOf(user: TestUser, roomId: string): Promise<string[]> {
  const state = await user.call("GET", path(roomId, "/state"));
  return state.map((e: Body) => `${e.type} ${e.state_key} ${e.event_id}`).toSorted();
}

test.each(VERSIONS)(
  "two servers invite, join and talk in a room of version %s",
  async (room_version) => {
    const options = { room_version, preset: "private_chat", name: `V${room_version}` };
    const roomId = (await alice.call("POST", "/createRoom", options)).room_id;
    await alice.send(roomId, "before");
    const { next_batch: since } = await bob.sync();
    await alice.call("POST", path(roomId, "/invite"), { user_id: bob.userId });
    const invited = await bob.syncUntil(since, (body) => body.rooms?.invite?.[roomId]);
    const stripped = invited.rooms.invite[roomId].invite_state.events;
    expect(stripped.some((e: Body) => e.content.name === `V${room_version}`)).toBe(true);
    await bob.call("POST", path(roomId, "/join"), {});
    const { next_batch: here } = await alice.sync();
    await bob.send(roomId, "from two");
    const heard = await alice.syncUntil(here, (body) => bodies(body, roomId).length > 0);
    expect(bodies(heard, roomId)).toEqual(["from two"]);
    const { next_batch: there } = await bob.sync();
    await alice.send(roomId, "from one");
    const answered = await bob.syncUntil(there, (body) => bodies(body, roomId).length > 0);
    expect(bodies(answered, roomId)).toEqual(["from one"]);
    expect(await stateOf(bob, roomId)).toEqual(await stateOf(alice, roomId));
  },
);

test("a public room is joined by its alias on another server, and its history is read", async () => {
  const options = { preset: "public_chat", room_alias_name: "hall", visibility: "public" };
  const roomId = (await alice.call("POST", "/createRoom", options)).room_id;
  for (let i = 0; i < 5; i += 1) await alice.send(roomId, `old ${i}`);
  const directory = await bob.call("GET", `/publicRooms?server=${encodeURIComponent(one.name)}`);
  expect(directory.chunk.map((room: Body) => room.room_id)).toContain(roomId);
  const joined = await bob.call("POST", `/join/${encodeURIComponent(`#hall:${one.name}`)}`, {});
  expect(joined.room_id).toBe(roomId);
  const { chunk } = await bob.call("GET", path(roomId, "/messages?dir=b&limit=20"));
  const texts = chunk.map((e: Body) => e.content.body).filter(Boolean);
  expect(texts).toEqual(["old 4", "old 3", "old 2", "old 1", "old 0"]);
});

test("typing, receipts, redactions, profiles and leaving cross the link", async () => {
  const roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
  const eventId = await alice.send(roomId, "read me");
  await bob.syncUntil(undefined, (body) => bodies(body, roomId).includes("read me"));
  let { next_batch: since } = await alice.sync();
  const ephemeral = (body: Body, type: string) =>
    body.rooms?.join?.[roomId]?.ephemeral.events.find((e: Body) => e.type === type)?.content;
  await bob.call("PUT", path(roomId, `/typing/${encodeURIComponent(bob.userId)}`), {
    typing: true,
  });
  let body = await alice.syncUntil(since, (b) => ephemeral(b, "m.typing"));
  expect(ephemeral(body, "m.typing").user_ids).toEqual([bob.userId]);
  await bob.call("POST", path(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`), {});
  body = await alice.syncUntil(body.next_batch, (b) => ephemeral(b, "m.receipt"));
  expect(Object.keys(ephemeral(body, "m.receipt")[eventId]["m.read"])).toEqual([bob.userId]);
  await bob.call("PUT", `/profile/${encodeURIComponent(bob.userId)}/displayname`, {
    displayname: "Bob the Second",
  });
  body = await alice.syncUntil(body.next_batch, (b) =>
    b.rooms?.join?.[roomId]?.timeline.events.some(
      (e: Body) => e.content.displayname === "Bob the Second",
    ),
  );
  const profile = await alice.call("GET", `/profile/${encodeURIComponent(bob.userId)}`);
  expect(profile.displayname).toBe("Bob the Second");
  since = (await bob.sync()).next_batch;
  await alice.call("PUT", path(roomId, `/redact/${encodeURIComponent(eventId)}/r`), {});
  await bob.syncUntil(since, (b) =>
    b.rooms?.join?.[roomId]?.timeline.events.some((e: Body) => e.redacts === eventId),
  );
  const bare = await bob.call("GET", path(roomId, `/event/${encodeURIComponent(eventId)}`));
  expect(bare.content).toEqual({});
  since = (await alice.sync()).next_batch;
  await bob.call("POST", path(roomId, "/leave"), {});
  await alice.syncUntil(since, (b) =>
    b.rooms?.join?.[roomId]?.timeline.events.some((e: Body) => e.content.membership === "leave"),
  );
  const members = await alice.call("GET", path(roomId, "/joined_members"));
  expect(Object.keys(members.joined)).toEqual([alice.userId]);
});

test("what is said while a server is down reaches it when it is back", async () => {
  const roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
  await alice.send(roomId, "first");
  await bob.syncUntil(undefined, (body) => bodies(body, roomId).includes("first"));
  const { next_batch: since } = await bob.sync();
  await two.stop();
  for (let i = 0; i < 60; i += 1) await alice.send(roomId, `away ${i}`);
  await one.stop();
  await one.restart();
  await two.restart();
  await bob.send(roomId, "back"); // traffic wakes the other side
  const seen = new Set<string>();
  let token = since;
  for (let turn = 0; turn < 60 && seen.size < 60; turn += 1) {
    const filter = JSON.stringify({ room: { timeline: { limit: 200 } } });
    const body = await bob.sync({ since: token, timeout: "1000", filter });
    for (const text of bodies(body, roomId)) if (text.startsWith("away")) seen.add(text);
    token = body.next_batch;
  }
  expect(seen.size).toBe(60);
});
