/** What other servers may ask and tell, over the wire, by requests that are signed by hand. */
import { expect, test } from "vitest";
import { verifyKeyFromBase64 } from "../../src/protocol/crypto.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { verifySignedJson } from "../../src/protocol/signed-json.ts";
import { type TestServer } from "../support/server.ts";
import { askAs } from "../support/signed-requests.ts";
import { type Body, register } from "../support/user.ts";
import { alice, bob, carol, one, sharedRoom, tell, two, typingEdu } from "./three-servers.ts";

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const name = (server: TestServer) => server.name as ServerName;

test("a server that the room's ACL denies is heard in nothing that concerns the room", async () => {
  const roomId = await sharedRoom();
  const acl = { allow: ["*"], deny: [two.name.replace(/:\d+$/, "")], allow_ip_literals: true };
  const eventId = await alice.send(roomId, "before");
  await alice.call("PUT", path(roomId, "/state/m.room.server_acl/"), acl);
  const { next_batch: since } = await alice.sync();
  const receipt = {
    edu_type: "m.receipt",
    content: {
      [roomId]: { "m.read": { [bob.userId]: { event_ids: [eventId], data: { ts: 1 } } } },
    },
  };
  expect((await tell([], [typingEdu(roomId), receipt])).status).toBe(200);
  expect((await alice.sync({ since, timeout: "100" })).rooms).toBeUndefined();
  const room = encodeURIComponent(roomId);
  const user = encodeURIComponent(bob.userId);
  const event = encodeURIComponent(eventId);
  for (const [method, uri, body] of [
    ["GET", `/make_join/${room}/${user}?ver=12`],
    ["GET", `/make_leave/${room}/${user}`],
    ["GET", `/state/${room}?event_id=${event}`],
    ["GET", `/state_ids/${room}?event_id=${event}`],
    ["GET", `/backfill/${room}?v=${event}&limit=5`],
    ["GET", `/event_auth/${room}/${event}`],
    ["POST", `/get_missing_events/${room}`, { earliest_events: [], latest_events: [eventId] }],
  ] as const) {
    const answer = await askAs(two, one, method, `/_matrix/federation/v1${uri}`, body as never);
    expect([uri, answer.status, answer.body.errcode]).toEqual([uri, 403, "M_FORBIDDEN"]);
  }
  const invited = {
    ...{ type: "m.room.member", room_id: roomId, sender: bob.userId, state_key: alice.userId },
    ...{ content: { membership: "invite" }, origin_server_ts: 1, depth: 1 },
    ...{ prev_events: [], auth_events: [], hashes: { sha256: "" }, signatures: {} },
  };
  const invite = { event: invited, room_version: "12", invite_room_state: [] };
  const uri = `/_matrix/federation/v2/invite/${room}/${event}`;
  const answer = await askAs(two, one, "PUT", uri, invite);
  expect([answer.status, answer.body.error]).toEqual([403, expect.stringContaining("keeps")]);
});

test("a join through one server is told to the others in the room, before the newcomer says a word", async () => {
  const roomId = await sharedRoom();
  const { next_batch: since } = await bob.sync();
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
  const isThere = (body: Body) =>
    (body.rooms?.join?.[roomId]?.timeline.events ?? []).some(
      (event: Body) => event.state_key === carol.userId && event.content.membership === "join",
    );
  const told = await bob.syncUntil(since, isThere);
  const { next_batch: next } = told;
  await carol.call("POST", path(roomId, "/leave"), {});
  await bob.syncUntil(next, (body) =>
    (body.rooms?.join?.[roomId]?.timeline.events ?? []).some(
      (event: Body) => event.state_key === carol.userId && event.content.membership === "leave",
    ),
  );
});

test("a server's keys are signed by themselves, valid for a while, and its notary signs others'", async () => {
  const own = (await (await fetch(`${one.baseUrl}/_matrix/key/v2/server`)).json()) as Body;
  const [[keyId, { key }]] = Object.entries(own.verify_keys) as [[string, { key: string }]];
  expect(verifySignedJson(own, name(one), keyId, verifyKeyFromBase64(key))).toBe(true);
  expect(own.valid_until_ts).toBeGreaterThan(Date.now() + 3600_000);
  expect(own.valid_until_ts).toBeLessThanOrEqual(Date.now() + 7 * 24 * 3600_000);
  const query = {
    server_keys: { [two.name]: {}, [one.name]: {}, "nobody.invalid": {}, "no server": {} },
  };
  const response = await fetch(`${one.baseUrl}/_matrix/key/v2/query`, {
    method: "POST",
    body: JSON.stringify(query),
  });
  const { server_keys: found } = (await response.json()) as Body;
  expect(found.map((object: Body) => object.server_name).toSorted()).toEqual(
    [one.name, two.name].toSorted(),
  );
  for (const object of found) {
    expect(verifySignedJson(object, name(one), keyId, verifyKeyFromBase64(key))).toBe(true);
    expect(Object.keys(object.signatures)).toContain(object.server_name);
  }
});

test("who has left does not read later members by naming a later place", async () => {
  const roomId = await sharedRoom();
  const local = await register(one, "local");
  await local.call("POST", path(roomId, "/join"), {});
  await local.call("POST", path(roomId, "/leave"), {});
  const late = await register(one, "late");
  await late.call("POST", path(roomId, "/join"), {});
  const { next_batch: now } = await alice.sync();
  const { chunk } = await local.call("GET", path(roomId, `/members?at=${now}`));
  expect(chunk.map((event: Body) => event.state_key)).not.toContain(late.userId);
});

test("a room's access list comes before what is wrong with the request", async () => {
  const roomId = await sharedRoom();
  const acl = { allow: ["*"], deny: [two.name.split(":")[0]!] };
  await alice.call("PUT", path(roomId, "/state/m.room.server_acl/"), acl);
  const room = encodeURIComponent(roomId);
  for (const [method, uri, content] of [
    ["PUT", `/_matrix/federation/v2/send_join/${room}/nothing`, { wrong: true }],
    ["PUT", `/_matrix/federation/v2/invite/${room}/$x`, {}],
    ["PUT", `/_matrix/federation/v1/send_knock/${room}/$x`, {}],
    ["POST", `/_matrix/federation/v1/get_missing_events/${room}`, { latest_events: 5 }],
    ["GET", `/_matrix/federation/v1/state/${room}`],
    ["GET", `/_matrix/federation/v1/make_join/${room}/nobody`],
    ["GET", `/_matrix/federation/v1/backfill/${room}`],
  ] as const) {
    const { status, body } = await askAs(two, one, method, uri, content);
    expect([uri, status, body.errcode]).toEqual([uri, 403, "M_FORBIDDEN"]);
  }
});
