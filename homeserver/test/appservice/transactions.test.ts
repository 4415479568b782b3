/** What application services are told of: over the wire, on whole servers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { registrationFolder, registrationText, serviceClient } from "./support.ts";

let server: TestServer;
let other: TestServer;
let bridge: FakeService;
let named: FakeService;
let slow: FakeService;
let client: ReturnType<typeof serviceClient>;
let alice: TestUser;
let files: ReturnType<typeof registrationFolder>;
const path = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;
const textsAt = (service: FakeService) =>
  service.all("events").flatMap((event) => event.content.body ?? []);

beforeAll(async () => {
  bridge = await startFakeService();
  named = await startFakeService();
  slow = await startFakeService(() => () => undefined);
  const ghosts = [{ regex: "@_irc_.*", exclusive: true }];
  files = registrationFolder({
    bridge: registrationText({ url: `${bridge.url}/base`, users: ghosts }),
    named: registrationText({
      ...{ id: "named", url: named.url, as_token: "named", sender_localpart: "namer" },
      rooms: [{ regex: "!.*", exclusive: false }],
    }),
    slow: registrationText({
      ...{ id: "slow", url: slow.url, as_token: "slow", sender_localpart: "slow" },
      aliases: [{ regex: "#slow_.*", exclusive: false }],
    }),
  });
  [server, other] = await Promise.all([startServer({ appservices: files.folder }), startServer()]);
  client = serviceClient(server, "as-token");
  alice = await register(server, "alice");
});
afterAll(async () => {
  await Promise.all([server.close(), other.close()]);
  await Promise.all([bridge.stop(), named.stop(), slow.stop()]);
  files.close();
});

test("a service is told of the rooms where its users are, while they are there", async () => {
  const ghost = await client.ghost("_irc_member");
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  const { room_id: elsewhere } = await alice.call("POST", "/createRoom", {});
  await alice.send(roomId, "before");
  await client.call("POST", `/join/${encodeURIComponent(roomId)}`, {}, { as: ghost });
  await alice.send(roomId, "there");
  await alice.send(elsewhere, "elsewhere");
  await client.call("POST", `${path(roomId)}/leave`, {}, { as: ghost });
  await alice.send(roomId, "after");
  await alice.call("POST", `${path(roomId)}/invite`, { user_id: ghost });
  const of = () => bridge.all("events").filter((event) => event.room_id === roomId);
  const memberships = () => of().filter(({ type }) => type === "m.room.member");
  await until(() => memberships().length === 3);
  expect(memberships().map(({ content }) => content.membership)).toEqual([
    "join",
    "leave",
    "invite",
  ]);
  expect(of().flatMap(({ content }) => content.body ?? [])).toEqual(["there"]);
  const [, leave] = memberships();
  expect(leave).toMatchObject({ sender: ghost, state_key: ghost, room_id: roomId });
  expect(leave.unsigned.prev_content.membership).toBe("join");
  expect(leave.event_id).toMatch(/^\$/);
  expect(textsAt(bridge)).not.toContain("elsewhere");
  expect(bridge.asked.every(({ token }) => token === "hs-token")).toBe(true);
  expect(bridge.asked[0]!.path).toMatch(/^\/base\/_matrix\/app\/v1\/transactions\/\w+-1$/);
});

test("a service with a namespace of rooms is told of all of them, and one of aliases of those so named", async () => {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
  await alice.send(roomId, "in any room");
  await until(() => textsAt(named).includes("in any room"));
  expect(textsAt(bridge)).not.toContain("in any room");
  const alias = encodeURIComponent(`#slow_one:${server.name}`);
  const before = slow.asked.length;
  await alice.call("PUT", `/directory/room/${alias}`, { room_id: roomId });
  await alice.send(roomId, "named");
  await eventually("the slow service is asked", () => slow.asked.length > before);
  expect(JSON.parse(slow.asked.at(-1)!.text).events[0].content.body).toBe("named");
});

test("a service that never answers holds up nobody else", async () => {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {
    room_alias_name: "slow_two",
  });
  await alice.send(roomId, "for the quick");
  await until(() => textsAt(named).includes("for the quick"));
  expect(slow.transactions).toEqual([]);
});

test("an invite from another server is told with what the room is", async () => {
  const bob = await register(other, "bob");
  const ghost = await client.ghost("_irc_invited");
  const { room_id: roomId } = await bob.call("POST", "/createRoom", {
    name: "Far away",
    invite: [ghost],
  });
  const invite = await eventually("the invite", () =>
    bridge.all("events").find((event) => event.room_id === roomId),
  );
  expect(invite).toMatchObject({ type: "m.room.member", state_key: ghost, sender: bob.userId });
  const names = invite.unsigned.invite_room_state.map((event: Body) => event.content.name);
  expect(names).toContain("Far away");
  await client.call(
    "POST",
    `/join/${encodeURIComponent(roomId)}?via=${other.name}`,
    {},
    { as: ghost },
  );
  await bob.send(roomId, "from there");
  await until(() => textsAt(bridge).includes("from there"));
});

test("a user of another server does not make a service interested, whatever the name", async () => {
  const lookalike = await register(other, "_irc_lookalike");
  const { room_id: roomId } = await lookalike.call("POST", "/createRoom", {
    preset: "public_chat",
  });
  await alice.call("POST", `/join/${encodeURIComponent(roomId)}?via=${other.name}`, {});
  await lookalike.send(roomId, "not for the bridge");
  await until(() => textsAt(named).includes("not for the bridge"));
  const ghost = await client.ghost("_irc_marker");
  const { room_id: own } = await client.call("POST", "/createRoom", {}, { as: ghost });
  const marker = { msgtype: "m.text", body: "marker" };
  await client.call("PUT", `${path(own)}/send/m.room.message/1`, marker, { as: ghost });
  await until(() => textsAt(bridge).includes("marker"));
  expect(textsAt(bridge)).not.toContain("not for the bridge");
});

describe("a service that is away", () => {
  let roomId: string;
  beforeAll(async () => {
    const ghost = await client.ghost("_irc_keeper");
    roomId = (await alice.call("POST", "/createRoom", { invite: [ghost] })).room_id;
    await client.call("POST", `/join/${encodeURIComponent(roomId)}`, {}, { as: ghost });
  });

  test("gets everything later, once and in order, over restarts of the server", async () => {
    await bridge.stop();
    const said = Array.from({ length: 250 }, (_, i) => `missed ${i}`);
    for (const text of said.slice(0, 125)) await alice.send(roomId, text);
    await server.stop();
    await server.restart();
    for (const text of said.slice(125)) await alice.send(roomId, text);
    await server.stop();
    await bridge.start();
    await server.restart();
    const missed = () => textsAt(bridge).filter((text) => text.startsWith("missed"));
    await until(() => missed().length >= said.length);
    expect(missed()).toEqual(said);
    expect(bridge.transactions.every(({ body }) => body.events.length <= 100)).toBe(true);
  });

  test("is told of a room that its last user left meanwhile, up to then", async () => {
    const ghost = await client.ghost("_irc_leaver");
    const { room_id: left } = await alice.call("POST", "/createRoom", { invite: [ghost] });
    await client.call("POST", `/join/${encodeURIComponent(left)}`, {}, { as: ghost });
    await until(() => bridge.all("events").some((event) => event.room_id === left));
    await bridge.stop();
    await alice.send(left, "before it left");
    await client.call("POST", `${path(left)}/leave`, {}, { as: ghost });
    await alice.send(left, "after it left");
    await alice.send(roomId, "afterwards");
    await server.stop();
    await bridge.start();
    await server.restart();
    await until(() => textsAt(bridge).includes("afterwards"));
    expect(textsAt(bridge)).toContain("before it left");
    expect(textsAt(bridge)).not.toContain("after it left");
  });

  test("is asked again with the same bytes, until it answers with success", async () => {
    let tries = 0;
    bridge.answer(({ path: where }) => {
      if (!where.includes("/transactions/")) return undefined;
      tries += 1;
      if (tries === 1) return { status: 500, body: "nonsense" };
      if (tries === 2) return (response) => response.destroy();
      return { status: 200, body: "nonsense" };
    });
    const before = bridge.asked.length;
    await alice.send(roomId, "again and again");
    await until(() => textsAt(bridge).includes("again and again"));
    const same = bridge.asked.slice(before).filter(({ text }) => text.includes("again and again"));
    expect(same.length).toBe(3);
    expect(new Set(same.map(({ path: where, text }) => `${where} ${text}`)).size).toBe(1);
    bridge.answer(() => undefined);
  });

  test("and that knows the old paths only is told there, with the token in the query", async () => {
    bridge.answer(({ path: where }) =>
      where.includes("/_matrix/app/") ? { status: 404, body: {} } : undefined,
    );
    await alice.send(roomId, "to an old service");
    await until(() => textsAt(bridge).includes("to an old service"));
    const last = bridge.asked.at(-1)!;
    expect(last.path).toMatch(/^\/base\/transactions\//);
    expect(last.query.get("access_token")).toBe("hs-token");
    bridge.answer(() => undefined);
  });

  test("is tried at once when it gives a sign of life", async () => {
    await bridge.stop();
    await alice.send(roomId, "while it is down");
    await eventually("several attempts have failed", async () => {
      const [row] = await server.database.sql<{ failures: number }[]>`
        SELECT failures FROM appservice_deliveries WHERE service = 'bridge'`;
      return (row?.failures ?? 0) >= 3;
    });
    await bridge.start();
    await eventually("it is told", async () => {
      await client.call("GET", "/account/whoami");
      return textsAt(bridge).includes("while it is down");
    });
  });
});

test("a registration that changes its address while the server runs is told there, from where it was", async () => {
  const ghost = await client.ghost("_irc_mover");
  const { room_id: roomId } = await client.call("POST", "/createRoom", {}, { as: ghost });
  const say = (body: string) =>
    client.call(
      "PUT",
      `${path(roomId)}/send/m.room.message/${body}`,
      { msgtype: "m.text", body },
      { as: ghost },
    );
  await say("first");
  await until(() => textsAt(bridge).includes("first"));
  await bridge.stop();
  await say("second");
  const moved = await startFakeService();
  const users = [{ regex: "@_irc_.*", exclusive: true }];
  files.write("bridge", registrationText({ url: moved.url, users }));
  await until(() => textsAt(moved).includes("second"));
  expect(textsAt(moved)).not.toContain("first");
  await moved.stop();
});

test("all transactions are as the contract says", () => {
  expect([...bridge.faults, ...named.faults, ...slow.faults]).toEqual([]);
});
