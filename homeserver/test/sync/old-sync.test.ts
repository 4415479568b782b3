/** What was before GET /sync: the same things, in other forms. */
import { createValidators } from "@weft/spec/validators";
import type { OperationId } from "@weft/spec/operations";
import { expect, test } from "vitest";
import type { Body, TestUser } from "../support/user.ts";
import { alice, bob, path, publicRoom, server } from "./whole-server.ts";
import { register } from "../support/user.ts";
import { eventually } from "../support/wait.ts";

const validators = createValidators();

/** An answer that is as the contract says. */
async function get(user: TestUser, id: OperationId, uri: string, status = 200): Promise<Body> {
  const answer = await user.ask("GET", uri);
  expect({ status: answer.status, body: answer.body.errcode }).toMatchObject({ status });
  expect(validators.response(id, status, answer.body)).toEqual([]);
  return answer.body;
}

const events = (user: TestUser, query: Record<string, string> = {}) =>
  get(user, "getEvents", `/events?${new URLSearchParams(query).toString()}`);
const texts = (chunk: Body[]) =>
  chunk.filter(({ type }) => type === "m.room.message").map(({ content }) => content.body);

test("/events goes on where the initial sync ended, and tells each event once", async () => {
  const roomId = await publicRoom(alice, { name: "Old" });
  await alice.send(roomId, "before");
  const first = await get(alice, "initialSync", "/initialSync?limit=3");
  const room = first.rooms.find((one: Body) => one.room_id === roomId);
  expect(room).toMatchObject({ membership: "join", visibility: "private" });
  expect(texts(room.messages.chunk)).toEqual(["before"]);
  expect(room.messages.chunk).toHaveLength(3);
  expect(room.state.map(({ type }: Body) => type)).toContain("m.room.name");
  // Its tokens page on.
  const from = encodeURIComponent(room.messages.start);
  const page = await alice.call("GET", path(roomId, `/messages?dir=b&from=${from}`));
  expect(page.chunk.length).toBeGreaterThan(2);

  await alice.send(roomId, "one");
  await alice.send(roomId, "two");
  const told = await events(alice, { from: first.end, timeout: "1000" });
  expect(texts(told.chunk)).toEqual(["one", "two"]);
  expect(told.chunk.every((event: Body) => event.room_id === roomId)).toBe(true);
  expect(told.start).toBe(first.end);
  expect((await events(alice, { from: told.end })).chunk).toEqual([]);
});

test("/events waits for news, and begins now without a token", async () => {
  const roomId = await publicRoom(alice);
  await alice.send(roomId, "past");
  let told: Body;
  const waiting = events(alice, { timeout: "30000" }).then((body) => (told = body));
  await eventually("the waiting request has been told", async () => {
    await alice.send(roomId, "news");
    return told;
  });
  const { chunk } = await waiting;
  expect(new Set(texts(chunk))).toEqual(new Set(["news"]));
});

test("a room that the user joins comes without its past, and an invite as the event that it is", async () => {
  const roomId = await publicRoom(alice, { preset: "private_chat" });
  await alice.send(roomId, "before the invite");
  const { end } = await events(bob);
  await alice.call("POST", path(roomId, "/invite"), { user_id: bob.userId });
  const invited = await events(bob, { from: end, timeout: "1000" });
  expect(invited.chunk).toMatchObject([
    {
      type: "m.room.member",
      state_key: bob.userId,
      content: { membership: "invite" },
      room_id: roomId,
    },
  ]);
  const whole = await get(bob, "initialSync", "/initialSync");
  const pending = whole.rooms.find((one: Body) => one.room_id === roomId);
  expect(pending).toMatchObject({ membership: "invite", invite: { sender: alice.userId } });
  expect(pending.messages).toBe(undefined);

  await bob.call("POST", path(roomId, "/join"), {});
  const { chunk, end: joinedAt } = await events(bob, { from: invited.end, timeout: "1000" });
  expect(chunk.filter(({ type }: Body) => type === "m.room.member")).toMatchObject([
    { state_key: bob.userId, content: { membership: "join" } },
  ]);
  expect(texts(chunk)).toEqual([]);

  await alice.send(roomId, "while there");
  await bob.call("POST", path(roomId, "/leave"), {});
  await alice.send(roomId, "after the leave");
  const left = await events(bob, { from: joinedAt, timeout: "1000" });
  expect(texts(left.chunk)).toEqual(["while there"]);
  expect(left.chunk.at(-1)).toMatchObject({ content: { membership: "leave" } });
  const now = await get(bob, "initialSync", "/initialSync");
  expect(now.rooms.some((one: Body) => one.room_id === roomId)).toBe(false);
  const archived = await get(bob, "initialSync", "/initialSync?archived=true");
  const gone = archived.rooms.find((one: Body) => one.room_id === roomId);
  expect(gone.membership).toBe("leave");
  expect(texts(gone.messages.chunk)).not.toContain("after the leave");
});

test("messages for a device outlive what /events tells", async () => {
  const first = await alice.sync();
  const { end } = await events(alice, { from: first.next_batch });
  const messages = { [alice.userId]: { [alice.deviceId]: { n: 1 } } };
  await bob.call("PUT", "/sendToDevice/org.test/old1", { messages });
  const roomId = await publicRoom(alice);
  const told = await events(alice, { from: end, timeout: "1000" });
  expect(told.chunk.some((event: Body) => event.room_id === roomId)).toBe(true);
  expect(told.chunk.some((event: Body) => event.type === "org.test")).toBe(false);
  const next = await events(alice, { from: told.end });
  const synced = await alice.sync({ since: next.end });
  expect(synced.to_device.events).toMatchObject([{ type: "org.test", content: { n: 1 } }]);
});

test("typing, receipts, presence and account data come with /events", async () => {
  const roomId = await publicRoom(alice);
  await bob.call("POST", path(roomId, "/join"), {});
  const eventId = await alice.send(roomId, "read me");
  let { end } = await events(alice);
  const seen = new Set<string>();
  await bob.call("PUT", path(roomId, `/typing/${bob.userId}`), { typing: true, timeout: 20_000 });
  await bob.call("POST", path(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`), {});
  await alice.call("PUT", `/user/${alice.userId}/account_data/org.test.old`, { a: 1 });
  await bob.call("PUT", `/presence/${bob.userId}/status`, { presence: "unavailable" });
  const all = ["m.typing", "m.receipt", "org.test.old", "m.presence"];
  await eventually("all was told", async () => {
    const told = await events(alice, { from: end, timeout: "1000" });
    end = told.end;
    for (const { type } of told.chunk) seen.add(type);
    return all.every((type) => seen.has(type));
  });
});

test("who is outside follows a world-readable room, and no other", async () => {
  const carol = await register(server, "carol");
  const visibility = {
    type: "m.room.history_visibility",
    state_key: "",
    content: { history_visibility: "world_readable" },
  };
  const open = await publicRoom(alice, { initial_state: [visibility] });
  const closed = await publicRoom(alice);
  await alice.send(open, "past");
  const room = await get(carol, "roomInitialSync", path(open, "/initialSync"));
  expect(texts(room.messages.chunk)).toEqual(["past"]);
  expect(room.membership).toBe(undefined);
  expect(room.state.map(({ type }: Body) => type)).toContain("m.room.create");

  const { end } = await events(carol, { room_id: open });
  await alice.send(open, "seen from outside");
  const told = await events(carol, { room_id: open, from: end, timeout: "1000" });
  expect(texts(told.chunk)).toEqual(["seen from outside"]);
  // Waiting, too; and what is said once the history is closed is not seen.
  const waiting = events(carol, { room_id: open, from: told.end, timeout: "30000" });
  await alice.send(open, "awaited");
  expect(texts((await waiting).chunk)).toEqual(["awaited"]);
  await alice.call("PUT", path(open, "/state/m.room.history_visibility"), {
    history_visibility: "joined",
  });
  await alice.send(open, "hidden");
  await get(carol, "getEvents", `/events?room_id=${encodeURIComponent(open)}`, 403);
  await get(carol, "getEvents", `/events?room_id=${encodeURIComponent(closed)}`, 403);
  await get(carol, "roomInitialSync", path(closed, "/initialSync"), 403);
  // Her own stream has none of it.
  expect((await events(carol, { from: end })).chunk).toEqual([]);
});

test("a member gets one room alone, as it was at the end for who has left", async () => {
  const [wanted, other] = [await publicRoom(alice), await publicRoom(alice)];
  const { end } = await events(alice);
  await alice.send(other, "elsewhere");
  await alice.send(wanted, "here");
  const told = await events(alice, { room_id: wanted, from: end, timeout: "1000" });
  expect(texts(told.chunk)).toEqual(["here"]);
  await bob.call("POST", path(wanted, "/join"), {});
  const name = `/state/m.room.name`;
  await alice.call("PUT", path(wanted, name), { name: "then" });
  await bob.call("POST", path(wanted, "/leave"), {});
  await alice.call("PUT", path(wanted, name), { name: "now" });
  const nameOf = (room: Body) =>
    room.state.find(({ type }: Body) => type === "m.room.name").content.name;
  const mine = await get(alice, "roomInitialSync", path(wanted, "/initialSync?limit=1"));
  expect(nameOf(mine)).toBe("now");
  expect(mine.messages.chunk).toHaveLength(1);
  const his = await get(bob, "roomInitialSync", path(wanted, "/initialSync"));
  expect(nameOf(his)).toBe("then");
  expect(his.membership).toBe("leave");
});

test("an event is found without its room by who may see it", async () => {
  const roomId = await publicRoom(alice);
  const eventId = await alice.send(roomId, "find me");
  const uri = `/events/${encodeURIComponent(eventId)}`;
  const event = await get(alice, "getOneEvent", uri);
  expect(event).toMatchObject({ event_id: eventId, room_id: roomId, content: { body: "find me" } });
  await get(await register(server, "dora"), "getOneEvent", uri, 404);
  await get(alice, "getOneEvent", "/events/$nowhere", 404);
  await get(alice, "getEvents", "/events?from=nonsense", 400);
});
