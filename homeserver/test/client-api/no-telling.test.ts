/** An answer does not tell whether a room exists to who is not in it: whatever is asked, both answers are the same. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let eve: TestUser;
let there: string;
let eventId: string;

beforeAll(async () => {
  server = await startServer();
  [alice, eve] = [await register(server, "alice"), await register(server, "eve")];
  there = (await alice.call("POST", "/createRoom", { preset: "private_chat" })).room_id;
  eventId = await alice.send(there, "secret");
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
];

let transactions = 0;

function fill(text: string, event: string): string {
  return text
    .replaceAll("{event}", text.startsWith("/") ? encodeURIComponent(event) : event)
    .replaceAll("{txn}", `n${++transactions}`)
    .replaceAll("{user}", text.startsWith("/") ? encodeURIComponent(eve.userId) : eve.userId);
}

async function answer(roomId: string, event: string, one: (typeof asked)[number]) {
  const [method, path, body] = one;
  const filled = body && (JSON.parse(fill(JSON.stringify(body), event)) as object);
  const prefix = /^\/(relations|threads|timestamp)/.test(path) ? "v1" : "v3";
  const url = `${server.baseUrl}/_matrix/client/${prefix}/rooms/${encodeURIComponent(roomId)}`;
  const response = await fetch(`${url}${fill(path, event)}`, {
    method,
    headers: { authorization: `Bearer ${eve.token}` },
    ...(filled === undefined ? {} : { body: JSON.stringify(filled) }),
  });
  return { asked: `${method} ${path}`, status: response.status, body: await response.json() };
}

test.each(asked.map((one) => [`${one[0]} ${one[1]}`, one] as const))("%s", async (_, one) => {
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
