/** An answer does not tell whether a room exists to who is not in it: whatever is asked, both answers are the same. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let eve: TestUser;
let there: string;
let eventId: string;
/** An event of a thread: no thread begins with it. */
let reply: string;

beforeAll(async () => {
  server = await startServer();
  [alice, eve] = [await register(server, "alice"), await register(server, "eve")];
  there = (await alice.call("POST", "/createRoom", { preset: "private_chat" })).room_id;
  eventId = await alice.send(there, "secret");
  const thread = { rel_type: "m.thread", event_id: eventId };
  const send = `/rooms/${encodeURIComponent(there)}/send/m.room.message/reply`;
  reply = (await alice.call("PUT", send, { ...say, "m.relates_to": thread })).event_id;
});
afterAll(() => server.close());

const NOWHERE = `!${"n".repeat(42)}A`;
const UNKNOWN = `$${"n".repeat(42)}A`;
const say = { msgtype: "m.text", body: "x" };

/** method, path of the room, body; `{event}` stands for an event of the room, or for one that is not. */
const asked: readonly (readonly [string, string, object?])[] = [
  ["GET", "/messages?dir=b"],
  ["GET", "/messages?dir=f&from=s1_1"],
  ["GET", "/state"],
  ["GET", "/state/m.room.name/"],
  ["GET", "/state/m.room.create/"],
  ["GET", "/members"],
  ["GET", "/members?at=s1_1"],
  ["GET", "/joined_members"],
  ["GET", "/aliases"],
  ["GET", "/event/{event}"],
  ["GET", "/context/{event}"],
  ["GET", "/relations/{event}"],
  ["GET", "/threads"],
  ["GET", "/timestamp_to_event?ts=0&dir=f"],
  ["PUT", "/send/m.room.message/{txn}", say],
  [
    "PUT",
    "/send/m.reaction/{txn}",
    {
      "m.relates_to": { rel_type: "m.annotation", event_id: UNKNOWN, key: "x" },
    },
  ],
  ["PUT", "/state/m.room.name", { name: "x" }],
  ["PUT", "/state/m.room.topic/", { topic: "x" }],
  ["PUT", "/state/m.room.power_levels/", {}],
  ["PUT", "/state/m.room.canonical_alias/", { alias: "#x:y" }],
  ["PUT", "/redact/{event}/{txn}", {}],
  ["POST", "/receipt/m.read/{event}", {}],
  ["POST", "/receipt/m.fully_read/{event}", {}],
  ["POST", "/read_markers", { "m.fully_read": UNKNOWN }],
  ["PUT", "/typing/{user}", { typing: true }],
  ["POST", "/invite", { user_id: "{user}" }],
  ["POST", "/kick", { user_id: "@a:b" }],
  ["POST", "/ban", { user_id: "@a:b" }],
  ["POST", "/unban", { user_id: "@a:b" }],
  ["POST", "/leave", {}],
  ["POST", "/forget", {}],
  ["POST", "/upgrade", { new_version: "12" }],
  ["POST", "/report/{event}", { reason: "x" }],
  ["POST", "/report", { reason: "x" }],
  // What is wrong with what is sent is not told to who is not in the room, either.
  [
    "PUT",
    "/send/m.room.message/{txn}",
    { ...say, "m.relates_to": { rel_type: "m.thread", event_id: "{reply}" } },
  ],
  [
    "PUT",
    "/send/m.reaction/{txn}",
    { "m.relates_to": { rel_type: "m.annotation", event_id: "{event}", key: "x" } },
  ],
  ["PUT", "/send/m.room.redaction/{txn}", { redacts: "{event}" }],
  ["PUT", "/send/m.room.redaction/{txn}", { redacts: 1 }],
  ["PUT", "/send/m.room.member/{txn}", { membership: "join" }],
  ["PUT", "/send/m.room.create/{txn}", {}],
  ["PUT", "/send/m.x/{txn}", { body: "{big}" }],
  ["PUT", "/state/m.room.create/", {}],
  ["PUT", "/state/m.room.power_levels/", { users: { x: 1 } }],
  ["PUT", "/state/m.room.canonical_alias/", { alias: 1 }],
  ["PUT", "/state/m.room.server_acl/", { allow: 1 }],
  ["PUT", "/state/m.room.third_party_invite/", {}],
  ["PUT", "/state/m.x/{alice}", {}],
  ...["leave", "ban", "invite", "what"].map(
    (membership) => ["PUT", "/state/m.room.member/{user}", { membership }] as const,
  ),
  ...["join", "knock", "leave", "ban", "invite", "what"].map(
    (membership) => ["PUT", "/state/m.room.member/{alice}", { membership }] as const,
  ),
  ["POST", "/invite", { user_id: "{alice}" }],
  ["POST", "/invite", { user_id: "@nobody:{server}" }],
  ["POST", "/invite", { user_id: "@nobody:remote.invalid" }],
  ["POST", "/kick", { user_id: "{alice}" }],
  ["POST", "/ban", { user_id: "{user}" }],
  ["POST", "/unban", { user_id: "{alice}" }],
  ["POST", "/upgrade", { new_version: "nonsense" }],
  ["GET", "/members?at=t1_0"],
  ["GET", "/members?at=junk"],
  ["GET", "/messages?dir=b&from=junk"],
  ["GET", "/messages?dir=b&from=s999999999_1"],
  ["GET", "/threads?from=junk"],
  ["GET", "/relations/{event}?from=junk"],
  ["GET", "/relations/{event}/m.thread/m.room.message"],
  ["GET", "/state/m.room.member/{alice}"],
  ["GET", "/state/m.room.member/{user}"],
  ["POST", "/receipt/m.read/{event}", { thread_id: "main" }],
  ["POST", "/receipt/m.read.private/{event}", {}],
  ["PUT", "#/directory/room/%23{txn}:{server}", { room_id: "{room}" }],
  ["PUT", "#/user/{user}/rooms/{room}/tags/x", {}],
  ["GET", "#/user/{user}/rooms/{room}/tags"],
  ["PUT", "#/user/{user}/rooms/{room}/account_data/x", {}],
  ["GET", "#/user/{user}/rooms/{room}/account_data/x"],
];

let transactions = 0;

function fill(text: string, roomId: string, event: string): string {
  const write = (value: string) => (/^[/#]/.test(text) ? encodeURIComponent(value) : value);
  return text
    .replaceAll("{room}", write(roomId))
    .replaceAll("{event}", write(event))
    .replaceAll("{reply}", write(event === UNKNOWN ? UNKNOWN : reply))
    .replaceAll("{txn}", `n${++transactions}`)
    .replaceAll("{user}", write(eve.userId))
    .replaceAll("{alice}", write(alice.userId))
    .replaceAll("{server}", server.name)
    .replaceAll("{big}", "x".repeat(66_000));
}

/** A path with # in front is not one below the room. */
async function answer(roomId: string, event: string, one: (typeof asked)[number]) {
  const [method, path, body] = one;
  const filled = body && (JSON.parse(fill(JSON.stringify(body), roomId, event)) as object);
  const prefix = /^\/(relations|threads|timestamp)/.test(path) ? "v1" : "v3";
  const rest = fill(path, roomId, event);
  const url = `${server.baseUrl}/_matrix/client/${prefix}`;
  const below = path.startsWith("#")
    ? rest.slice(1)
    : `/rooms/${encodeURIComponent(roomId)}${rest}`;
  const response = await fetch(`${url}${below}`, {
    method,
    headers: { authorization: `Bearer ${eve.token}` },
    ...(filled === undefined ? {} : { body: JSON.stringify(filled) }),
  });
  return { asked: `${method} ${path}`, status: response.status, body: await response.json() };
}

const named = asked.map((one) => [one.map((part) => JSON.stringify(part)).join(" "), one] as const);

test.each(named)("%s", async (_, one) => {
  const known = await answer(there, eventId, one);
  expect(await answer(NOWHERE, UNKNOWN, one)).toEqual(known);
  // An event that is there, and one that is not.
  expect(await answer(there, UNKNOWN, one)).toEqual(known);
});

test.each([
  ["PUT", "/account_data/x.y", {}],
  ["PUT", "/account_data/m.fully_read", {}],
  ["GET", "/account_data/x.y", undefined],
  ["PUT", "/tags/u.x", { order: 0.5 }],
  ["GET", "/tags", undefined],
  ["DELETE", "/tags/u.x", undefined],
])("nor does what is stored with one's account for it: %s %s", async (method, path, body) => {
  const ask = (roomId: string) => {
    const rooms = `/user/${encodeURIComponent(eve.userId)}/rooms/`;
    return eve.ask(method, `${rooms}${encodeURIComponent(roomId)}${path}`, body);
  };
  expect(await ask(there)).toEqual(await ask(NOWHERE));
});

test("nor does publishing it", async () => {
  const ask = (roomId: string) =>
    eve.ask("PUT", `/directory/list/room/${encodeURIComponent(roomId)}`, { visibility: "public" });
  expect(await ask(NOWHERE)).toEqual(await ask(there));
});

test("but its members may put their own things to a room, also after they have left it", async () => {
  const path = (name: string) =>
    `/user/${encodeURIComponent(alice.userId)}/rooms/${encodeURIComponent(there)}/${name}`;
  await alice.call("PUT", path("account_data/x"), { a: 1 });
  await alice.call("POST", `/rooms/${encodeURIComponent(there)}/leave`, {});
  await alice.call("PUT", path("account_data/x"), { a: 2 });
  expect(await alice.call("GET", path("account_data/x"))).toEqual({ a: 2 });
});
