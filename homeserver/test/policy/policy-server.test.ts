/** A server that is the policy server of rooms, by the policy lists that it is given. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createValidators } from "@weft/spec/validators";
import { startServer, type TestServer } from "../support/server.ts";
import { askAs } from "../support/signed-requests.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";

const validators = createValidators();
let [policy, other]: TestServer[] = [];
let [mod, alice, spammer, bob]: TestUser[] = [];
let list: string;
let roomId: string;
let key: string;

const path = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}${rest}`;

beforeAll(async () => {
  const first = await startServer({ registration: "open" });
  mod = await register(first, "mod");
  list = (await mod.call("POST", "/createRoom", { preset: "private_chat" })).room_id;
  await first.stop();
  // The same server, told of its list.
  Object.assign(first.config, { policyLists: [list] });
  await first.restart();
  policy = first;
  other = await startServer();
  [alice, spammer] = [await register(policy, "alice"), await register(other, "spammer")];
  bob = await register(other, "bob");
  const answer = await fetch(`${policy.baseUrl}/.well-known/matrix/policy_server`);
  const body = (await answer.json()) as Body;
  expect(validators.response("getWellknownPolicy", answer.status, body)).toEqual([]);
  key = body.public_keys.ed25519;
  roomId = (await bob.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  for (const user of [alice, spammer]) {
    await user.call("POST", `/join/${encodeURIComponent(roomId)}?via=${other.name}`, {});
  }
  const content = { via: policy.name, public_keys: { ed25519: key } };
  await bob.call("PUT", path(roomId, "/state/m.room.policy"), content);
  await eventually("the policy server knows that it is one", async () => {
    const state = await alice!.ask("GET", path(roomId, "/state/m.room.policy"));
    return state.status === 200;
  });
});

afterAll(() => Promise.all([policy?.close(), other?.close()]));

let transactions = 0;
const say = (user: TestUser, body: string, room = roomId) =>
  user.ask("PUT", path(room, `/send/m.room.message/p${++transactions}`), {
    msgtype: "m.text",
    body,
  });

const ban = (kind: string, entity: string, stateKey = "rule") =>
  mod!.call("PUT", path(list, `/state/m.policy.rule.${kind}/${encodeURIComponent(stateKey)}`), {
    ...{ entity, recommendation: "m.ban", reason: "spam" },
  });

const unban = (kind: string, stateKey: string) =>
  mod!.call("PUT", path(list, `/state/m.policy.rule.${kind}/${encodeURIComponent(stateKey)}`), {});

test("who is not banned may send, from here and from elsewhere, and all servers take it", async () => {
  expect((await say(alice!, "from the policy server itself")).status).toBe(200);
  const said = await say(bob!, "from elsewhere");
  expect(said.status).toBe(200);
  await alice!.syncUntil(undefined, (body) => JSON.stringify(body).includes("from elsewhere"));
});

test("a banned user is refused, until the ban is lifted", async () => {
  await ban("user", spammer!.userId);
  expect(await say(spammer!, "buy")).toMatchObject({
    status: 400,
    body: { errcode: "M_FORBIDDEN" },
  });
  expect((await say(bob!, "others may")).status).toBe(200);
  await unban("user", "rule");
  expect((await say(spammer!, "sorry")).status).toBe(200);
});

test("patterns count, of users and of servers, and a banned user of this server is refused too", async () => {
  await ban("user", "@spam*:*", "pattern");
  expect((await say(spammer!, "buy")).status).toBe(400);
  await unban("user", "pattern");
  await ban("server", other!.name.replace(/:.*/, ""), "server");
  expect((await say(bob!, "x")).status).toBe(400);
  // This server has the same host's name.
  expect((await say(alice!, "x")).status).toBe(400);
  await unban("server", "server");
  expect((await say(bob!, "x")).status).toBe(200);
});

test("who is banned is not let in, but may leave", async () => {
  await ban("user", spammer!.userId);
  expect((await spammer!.ask("POST", path(roomId, "/leave"), {})).status).toBe(200);
  expect(
    (await bob!.ask("POST", path(roomId, "/invite"), { user_id: spammer!.userId })).status,
  ).toBe(400);
  const join = await spammer!.ask("POST", path(roomId, "/join"), {});
  expect([400, 403]).toContain(join.status);
  await unban("user", "rule");
});

async function sign(event: object): Promise<{ status: number; body: Body }> {
  const answer = await askAs(other!, policy!, "POST", "/_matrix/policy/v1/sign", event as never);
  expect(validators.response("askPolicyServerToSign", answer.status, answer.body)).toEqual([]);
  return answer;
}

const eventIn = (room: string, more: object = {}) => ({
  ...{
    room_id: room,
    type: "m.room.message",
    sender: bob!.userId,
    content: { body: "x" },
    depth: 5,
  },
  ...{
    origin_server_ts: 1,
    prev_events: [],
    auth_events: [],
    hashes: { sha256: "" },
    signatures: {},
  },
  ...more,
});

test("signs for rooms only that chose it, and what is an event of theirs", async () => {
  const signed = await sign(eventIn(roomId));
  expect(Object.keys(signed.body[policy!.name])).toEqual(["ed25519:policy_server"]);
  const elsewhere = (await alice!.call("POST", "/createRoom", {})).room_id;
  for (const room of [elsewhere, "!nowhere:here.test", list]) {
    expect(await sign(eventIn(room))).toMatchObject({
      status: 404,
      body: { errcode: "M_NOT_FOUND" },
    });
  }
  expect(await sign(eventIn(roomId, { sender: "bob" }))).toMatchObject({ status: 400 });
  const own = eventIn(roomId, { type: "m.room.policy", state_key: "" });
  expect(await sign(own)).toMatchObject({ status: 400, body: { errcode: "M_FORBIDDEN" } });
});

test("a room that keeps a server out has nothing signed for it, and one that was left nothing for anybody", async () => {
  const { room_id: own } = await alice!.call("POST", "/createRoom", {
    preset: "public_chat",
    initial_state: [
      {
        type: "m.room.policy",
        state_key: "",
        content: { via: policy!.name, public_keys: { ed25519: key } },
      },
    ],
  });
  expect((await sign(eventIn(own))).status).toBe(200);
  expect((await say(alice!, "alone", own)).status).toBe(200);
  const acl = { allow: [policy!.name.replace(/:.*/, "")], deny: ["*"], allow_ip_literals: true };
  await alice!.call("PUT", path(own, "/state/m.room.server_acl"), acl);
  expect(await sign(eventIn(own))).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
  await alice!.call("POST", path(own, "/leave"), {});
  expect(await sign(eventIn(own))).toMatchObject({ status: 404 });
});

test("a server without policy lists is no policy server", async () => {
  const url = `${other!.baseUrl}/.well-known/matrix/policy_server`;
  expect((await fetch(url)).status).toBe(404);
  const answer = await askAs(policy!, other!, "POST", "/_matrix/policy/v1/sign", eventIn(roomId));
  expect(answer).toMatchObject({ status: 404, body: { errcode: "M_UNRECOGNIZED" } });
});

test("questions of unknown kinds are not recognised", async () => {
  const answer = await askAs(
    other!,
    policy!,
    "GET",
    "/_matrix/federation/v1/query/weather?where=here",
  );
  expect(answer).toMatchObject({ status: 404, body: { errcode: "M_UNRECOGNIZED" } });
  expect(validators.response("queryInfo", answer.status, answer.body)).toEqual([]);
});
