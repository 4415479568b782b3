/** What application services may do with their token: over the wire, on a whole server. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { registrationFolder, registrationText, serviceClient } from "./support.ts";

const LOGIN = "m.login.application_service";
const files = registrationFolder({
  bridge: registrationText({
    users: [{ regex: "@_irc_.*", exclusive: true }],
    aliases: [{ regex: "#_irc_.*", exclusive: true }],
    rate_limited: false,
  }),
  puppets: registrationText({
    id: "puppets",
    url: null,
    as_token: "puppet-token",
    sender_localpart: "puppeteer",
    users: [{ regex: "@.*", exclusive: false }],
  }),
});
let server: TestServer;
let alice: TestUser;
let bridge: ReturnType<typeof serviceClient>;
let puppets: ReturnType<typeof serviceClient>;
const id = (name: string) => `@${name}:${server.name}`;

beforeAll(async () => {
  server = await startServer({ appservices: files.folder, rateLimits: true });
  alice = await register(server, "alice");
  bridge = serviceClient(server, "as-token");
  puppets = serviceClient(server, "puppet-token");
});
afterAll(async () => {
  await server.close();
  files.close();
});

describe("accounts", () => {
  test("a service opens accounts in its namespaces, without a password, and signs them in", async () => {
    const body = { type: LOGIN, username: "_irc_bob", device_id: "BOB" };
    const session = await bridge.call("POST", "/register", body);
    expect(session).toMatchObject({ user_id: id("_irc_bob"), device_id: "BOB" });
    const bob = userOf(server, session);
    expect((await bob.call("GET", "/account/whoami")).user_id).toBe(id("_irc_bob"));
    const identifier = { type: "m.id.user", user: "_irc_bob" };
    const second = await bridge.call("POST", "/login", { type: LOGIN, identifier });
    expect(second.user_id).toBe(id("_irc_bob"));
    const whole = { type: "m.id.user", user: id("_irc_bob") };
    const third = await bridge.call("POST", "/login", { type: LOGIN, identifier: whole });
    expect(third.access_token).not.toBe(second.access_token);
  });

  test("its sender has an account from the start, and may sign in", async () => {
    const taken = await bridge.ask("POST", "/register", { type: LOGIN, username: "bridgebot" });
    expect([taken.status, taken.body.errcode]).toEqual([400, "M_USER_IN_USE"]);
    const identifier = { type: "m.id.user", user: "bridgebot" };
    const { user_id: userId } = await bridge.call("POST", "/login", { type: LOGIN, identifier });
    expect(userId).toBe(id("bridgebot"));
    expect((await bridge.call("GET", "/account/whoami")).user_id).toBe(userId);
  });

  test("names that only other servers' users have otherwise are a service's to give", async () => {
    expect(await bridge.ghost("_irc_[Bob]^|")).toBe(id("_irc_[Bob]^|"));
  });

  test("the way to sign in is listed", async () => {
    const { flows } = await alice.call("GET", "/login");
    expect(flows).toContainEqual({ type: LOGIN });
  });

  test.each([
    ["/register", { username: "carol" }, 400, "M_EXCLUSIVE"],
    ["/register", { username: "_irc_a:b" }, 400, "M_INVALID_USERNAME"],
    ["/register", {}, 400, "M_MISSING_PARAM"],
    ["/login", { identifier: { type: "m.id.user", user: "alice" } }, 400, "M_EXCLUSIVE"],
    ["/login", { identifier: { type: "m.id.user", user: "_irc_nobody" } }, 403, "M_FORBIDDEN"],
    ["/login", {}, 400, "M_MISSING_PARAM"],
  ])("POST %s with %j is refused", async (path, body, status, errcode) => {
    const answer = await bridge.ask("POST", path, { type: LOGIN, ...body });
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  test.each(["/register", "/login"])("POST %s of a service needs its token", async (path) => {
    const body = { type: LOGIN, username: "_irc_x", user: "_irc_x" };
    const url = `${server.baseUrl}/_matrix/client/v3${path}`;
    const none = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    expect([none.status, ((await none.json()) as Body).errcode]).toEqual([401, "M_MISSING_TOKEN"]);
    for (const token of ["wrong", alice.token]) {
      const answer = await serviceClient(server, token).ask("POST", path, body);
      expect([answer.status, answer.body.errcode]).toEqual([401, "M_UNKNOWN_TOKEN"]);
    }
  });

  test("a client that signs in may show an old token nevertheless", async () => {
    const password = "alice-Secret-1";
    const body = { type: "m.login.password", user: "alice", password };
    const answer = await serviceClient(server, "old").ask("POST", "/login", body);
    expect(answer.status).toBe(200);
  });

  test("nobody else gets a name in an exclusive namespace, nor the sender's", async () => {
    const url = `${server.baseUrl}/_matrix/client/v3/register`;
    for (const username of ["_irc_carol", "bridgebot"]) {
      const answer = await fetch(`${url}/available?username=${username}`);
      const body = (await answer.json()) as Body;
      expect([answer.status, body.errcode]).toEqual([400, "M_EXCLUSIVE"]);
    }
    const other = await puppets.ask("POST", "/register", { type: LOGIN, username: "_irc_carol" });
    expect([other.status, other.body.errcode]).toEqual([400, "M_EXCLUSIVE"]);
    expect(await puppets.ghost("dora")).toBe(id("dora"));
  });

  test("an account that a service closes is closed, without a password", async () => {
    const gone = await bridge.ghost("_irc_gone");
    await bridge.call("POST", "/account/deactivate", {}, { as: gone });
    const after = await bridge.ask("GET", "/account/whoami", undefined, { as: gone });
    expect([after.status, after.body.errcode]).toEqual([403, "M_USER_DEACTIVATED"]);
    const identifier = { type: "m.id.user", user: "_irc_gone" };
    const login = await bridge.ask("POST", "/login", { type: LOGIN, identifier });
    expect([login.status, login.body.errcode]).toEqual([403, "M_USER_DEACTIVATED"]);
  });
});

describe("acting as a user", () => {
  test("is for its own users, and without one as its sender", async () => {
    const ghost = await bridge.ghost("_irc_actor");
    const whoami = async (as?: string) =>
      (await bridge.ask("GET", "/account/whoami", undefined, { ...(as && { as }) })).body;
    expect(await whoami()).toEqual({ user_id: id("bridgebot"), is_guest: false });
    expect(await whoami(ghost)).toEqual({ user_id: ghost, is_guest: false });
    for (const as of [alice.userId, id("_irc_unknown"), "@_irc_x:elsewhere.test", "nonsense"]) {
      expect((await whoami(as)).errcode).toBe("M_FORBIDDEN");
    }
    const asAlice = await puppets.call("GET", "/account/whoami", undefined, { as: alice.userId });
    expect(asAlice.user_id).toBe(alice.userId);
  });

  test("is not for the tokens of users", async () => {
    const role = { as: id("bridgebot") };
    const answer = await serviceClient(server, alice.token).call(
      "GET",
      "/account/whoami",
      undefined,
      role,
    );
    expect(answer.user_id).toBe(alice.userId);
  });

  test("as a device is for devices of that user", async () => {
    const ghost = await bridge.ghost("_irc_device");
    const identifier = { type: "m.id.user", user: ghost };
    await bridge.call("POST", "/login", { type: LOGIN, identifier, device_id: "ONE" });
    const whoami = (device: string) =>
      bridge.ask("GET", "/account/whoami", undefined, { as: ghost, device });
    expect((await whoami("ONE")).body.device_id).toBe("ONE");
    const query = { "org.matrix.msc3202.device_id": "ONE" };
    const old = await bridge.call("GET", "/account/whoami", undefined, { as: ghost, query });
    expect(old.device_id).toBe("ONE");
    const other = await whoami("OTHER");
    expect([other.status, other.body.errcode]).toEqual([400, "M_UNKNOWN_DEVICE"]);
    await bridge.call("DELETE", "/devices/ONE", {}, { as: ghost });
    expect((await whoami("ONE")).body.errcode).toBe("M_UNKNOWN_DEVICE");
    const keys = await bridge.ask("POST", "/keys/upload", {}, { as: ghost });
    expect([keys.status, keys.body.errcode]).toEqual([400, "M_MISSING_PARAM"]);
  });

  test("a device is made by naming it, renamed, and ended without a password", async () => {
    const ghost = await bridge.ghost("_irc_encrypts");
    const role = { as: ghost, device: "MADE" };
    const body = { display_name: "Bridge" };
    const put = () => bridge.ask("PUT", "/devices/MADE", body, { as: ghost });
    expect((await put()).status).toBe(201);
    expect((await put()).status).toBe(200);
    const shown = await bridge.call("GET", "/devices/MADE", undefined, role);
    expect(shown).toMatchObject({ device_id: "MADE", display_name: "Bridge" });
    expect((await bridge.ask("POST", "/keys/upload", {}, role)).status).toBe(200);
    const seen = await eventually("the device is seen", async () => {
      const { last_seen_ts: ts } = await bridge.call("GET", "/devices/MADE", undefined, role);
      return ts as number;
    });
    expect(seen).toBeGreaterThan(0);
    await bridge.call("POST", "/delete_devices", { devices: ["MADE"] }, { as: ghost });
    const { devices } = await bridge.call("GET", "/devices", undefined, { as: ghost });
    expect(devices).toEqual([]);
    const alien = await alice.ask("PUT", "/devices/NEW", body);
    expect([alien.status, alien.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
  });

  test("a sync as one of its users outlives that user's sessions", async () => {
    const ghost = await bridge.ghost("_irc_syncs");
    let since: string | undefined;
    const sync = async () => {
      const query = { timeout: 30_000, ...(since !== undefined && { since }) };
      const answer = await bridge.call("GET", "/sync", undefined, { as: ghost, query });
      since = answer.next_batch;
      return Object.keys(answer.rooms?.invite ?? {});
    };
    await sync();
    const waiting = eventually("the invite comes", async () => (await sync())[0]);
    const identifier = { type: "m.id.user", user: ghost };
    const session = await bridge.call("POST", "/login", { type: LOGIN, identifier });
    await userOf(server, session).call("POST", "/logout");
    const { room_id: roomId } = await alice.call("POST", "/createRoom", { invite: [ghost] });
    expect(await waiting).toBe(roomId);
  });
});

describe("events", () => {
  test("have the time that a service gives them, and nobody else", async () => {
    const ghost = await bridge.ghost("_irc_past");
    const as = { as: ghost };
    const { room_id: roomId } = await bridge.call(
      "POST",
      "/createRoom",
      { preset: "public_chat" },
      as,
    );
    const room = `/rooms/${encodeURIComponent(roomId)}`;
    const timeOf = async (eventId: string) => {
      const path = `${room}/event/${encodeURIComponent(eventId)}`;
      return (await bridge.call("GET", path, undefined, as)).origin_server_ts;
    };
    const past = { ...as, query: { ts: 1_234_567 } };
    const content = { msgtype: "m.text", body: "long ago" };
    const sent = await bridge.call("PUT", `${room}/send/m.room.message/past1`, content, past);
    expect(await timeOf(sent.event_id)).toBe(1_234_567);
    const topic = await bridge.call("PUT", `${room}/state/m.room.topic`, { topic: "old" }, past);
    expect(await timeOf(topic.event_id)).toBe(1_234_567);
    const path = `${room}/state/m.room.member/${encodeURIComponent(alice.userId)}`;
    const invite = await bridge.call("PUT", path, { membership: "invite" }, past);
    expect(await timeOf(invite.event_id)).toBe(1_234_567);
    const kick = await bridge.call("PUT", path, { membership: "leave" }, past);
    expect(await timeOf(kick.event_id)).toBe(1_234_567);
    const other = await bridge.ghost("_irc_joiner");
    const joining = `${room}/state/m.room.member/${encodeURIComponent(other)}`;
    const member = { as: other, query: { ts: 7 } };
    const join = await bridge.call("PUT", joining, { membership: "join" }, member);
    expect(await timeOf(join.event_id)).toBe(7);
    for (const ts of ["-5", "soon", "9007199254740993"]) {
      const role = { ...as, query: { ts } };
      const wrong = await bridge.ask("PUT", `${room}/send/m.room.message/w${ts}`, content, role);
      expect([wrong.status, wrong.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    }
    await alice.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    const now = await alice.call("PUT", `${room}/send/m.room.message/now?ts=5`, content);
    expect(await timeOf(now.event_id)).toBeGreaterThan(1_000_000_000_000);
  });

  test("of a service are counted against no rate where it says so, and its sender's never", async () => {
    const { room_id: roomId } = await bridge.call("POST", "/createRoom", {});
    const send = (client: typeof bridge, n: number, as?: string) =>
      client.ask(
        "PUT",
        `/rooms/${encodeURIComponent(roomId)}/typing/${encodeURIComponent(as ?? "")}`,
        { typing: n % 2 === 0 },
        { ...(as && { as }) },
      );
    const ghost = await bridge.ghost("_irc_quick");
    const statuses = new Set<number>();
    for (let n = 0; n < 150; n += 1) statuses.add((await send(bridge, n, ghost)).status);
    expect(statuses.has(429)).toBe(false);
    const limited = new Set<number>();
    for (let n = 0; n < 150; n += 1) limited.add((await send(puppets, n, alice.userId)).status);
    expect(limited.has(429)).toBe(true);
    const own = new Set<number>();
    for (let n = 0; n < 150; n += 1) own.add((await send(puppets, n, id("puppeteer"))).status);
    expect(own.has(429)).toBe(false);
  });
});

describe("aliases", () => {
  test("in an exclusive namespace are the service's, all of them, and no others", async () => {
    const ghost = await bridge.ghost("_irc_namer");
    const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
    const path = (name: string) =>
      `/directory/room/${encodeURIComponent(`#${name}:${server.name}`)}`;
    const body = { room_id: roomId };
    const taken = await alice.ask("PUT", path("_irc_a"), body);
    expect([taken.status, taken.body.errcode]).toEqual([400, "M_EXCLUSIVE"]);
    const made = await alice.ask("POST", "/createRoom", { room_alias_name: "_irc_b" });
    expect([made.status, made.body.errcode]).toEqual([400, "M_EXCLUSIVE"]);
    const outside = await bridge.ask("PUT", path("plain"), body);
    expect([outside.status, outside.body.errcode]).toEqual([400, "M_EXCLUSIVE"]);
    await bridge.call("PUT", path("_irc_a"), body);
    const alien = await alice.ask("DELETE", path("_irc_a"));
    expect([alien.status, alien.body.errcode]).toEqual([400, "M_EXCLUSIVE"]);
    await bridge.call("DELETE", path("_irc_a"), undefined, { as: ghost });
    const { room_id: own } = await bridge.call("POST", "/createRoom", {
      room_alias_name: "_irc_b",
    });
    expect((await alice.call("GET", path("_irc_b"))).room_id).toBe(own);
  });
});

test("a registration that comes or goes while the server runs counts at once", async () => {
  const late = serviceClient(server, "late-token");
  const whoami = () => late.ask("GET", "/account/whoami");
  expect((await whoami()).body.errcode).toBe("M_UNKNOWN_TOKEN");
  const keys = { id: "late", url: null, as_token: "late-token", sender_localpart: "late" };
  files.write("late", registrationText(keys));
  await eventually("the new service acts", async () => (await whoami()).status === 200);
  files.delete("late");
  await eventually("the old service does not", async () => (await whoami()).status === 401);
});
