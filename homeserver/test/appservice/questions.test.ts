/** What application services are asked: users, aliases, other networks, pings. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import { registrationFolder, registrationText, serviceClient } from "./support.ts";

let server: TestServer;
let other: TestServer;
let bridge: FakeService;
let second: FakeService;
let files: ReturnType<typeof registrationFolder>;
let client: ReturnType<typeof serviceClient>;
let alice: TestUser;
let bob: TestUser;
const id = (name: string) => `@${name}:${server.name}`;
const alias = (name: string) => `#${name}:${server.name}`;
const path = (text: string) => encodeURIComponent(text);

beforeAll(async () => {
  [bridge, second] = await Promise.all([startFakeService(), startFakeService()]);
  const keys = { protocols: ["irc"], aliases: [{ regex: "#_irc_.*", exclusive: true }] };
  files = registrationFolder({
    bridge: registrationText({
      ...{ ...keys, url: bridge.url, users: [{ regex: "@_irc_.*", exclusive: true }] },
    }),
    second: registrationText({
      ...{ id: "second", url: second.url, as_token: "second", sender_localpart: "second" },
      protocols: ["irc", "xmpp"],
    }),
    silent: registrationText({
      ...{ id: "silent", url: null, as_token: "silent", sender_localpart: "silent" },
    }),
    dead: registrationText({
      ...{ id: "dead", url: "http://127.0.0.1:9", as_token: "dead", sender_localpart: "dead" },
      aliases: [{ regex: "#dead_.*", exclusive: true }],
    }),
  });
  [server, other] = await Promise.all([startServer({ appservices: files.folder }), startServer()]);
  client = serviceClient(server, "as-token");
  [alice, bob] = await Promise.all([register(server, "alice"), register(other, "bob")]);
});
afterAll(async () => {
  await Promise.all([server.close(), other.close()]);
  await Promise.all([bridge.stop(), second.stop()]);
  files.close();
});

/** How many questions of a kind the bridge was asked. */
const asked = (kind: string) => bridge.asked.filter((one) => one.path.includes(kind)).length;

/** Answers a question at a path by making what is asked for. */
function makes(where: string, make: () => Promise<unknown>): void {
  bridge.answer((one) => {
    if (decodeURIComponent(one.path) !== `/_matrix/app/v1${where}`) return { status: 404 };
    return (response) => {
      void make().then(() => response.end("{}"));
    };
  });
}

describe("a user who is not there", () => {
  test("is made by the service whose user it would be, when somebody invites them", async () => {
    makes(`/users/${id("_irc_new")}`, () => client.ghost("_irc_new"));
    const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
    await alice.call("POST", `/rooms/${path(roomId)}/invite`, { user_id: id("_irc_new") });
    const query = bridge.asked.filter((one) => one.path.includes("/users/"));
    expect(query.map(({ token }) => token)).toEqual(["hs-token"]);
  });

  test("is made when somebody of another server invites them", async () => {
    makes(`/users/${id("_irc_far")}`, () => client.ghost("_irc_far"));
    const { room_id: roomId } = await bob.call("POST", "/createRoom", {});
    await bob.call("POST", `/rooms/${path(roomId)}/invite`, { user_id: id("_irc_far") });
  });

  test("is made when somebody looks at their profile", async () => {
    makes(`/users/${id("_irc_seen")}`, async () => {
      const as = await client.ghost("_irc_seen");
      const name = { displayname: "Seen" };
      await client.call("PUT", `/profile/${path(as)}/displayname`, name, { as });
    });
    const profile = await alice.call("GET", `/profile/${path(id("_irc_seen"))}`);
    expect(profile).toEqual({ displayname: "Seen" });
  });

  test("and is not made either way is not there", async () => {
    bridge.answer(() => ({ status: 404, body: { errcode: "M_NOT_FOUND" } }));
    const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
    const invite = { user_id: id("_irc_nobody") };
    const answer = await alice.ask("POST", `/rooms/${path(roomId)}/invite`, invite);
    expect([answer.status, answer.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    const profile = await alice.ask("GET", `/profile/${path(id("_irc_nobody"))}`);
    expect(profile.status).toBe(404);
    const before = asked("/users/");
    await alice.ask("GET", `/profile/${path(id("somebody"))}`);
    expect(asked("/users/")).toBe(before);
  });
});

describe("an alias that is not there", () => {
  const making = (name: string) =>
    makes(`/rooms/${alias(name)}`, () =>
      client.call("POST", "/createRoom", { room_alias_name: name, preset: "public_chat" }),
    );

  test("is made by the service whose alias it would be, when somebody joins", async () => {
    making("_irc_weft");
    const { room_id: roomId } = await alice.call("POST", `/join/${path(alias("_irc_weft"))}`, {});
    expect(roomId).toMatch(/^!/);
  });

  test("is made when another server asks", async () => {
    making("_irc_far");
    const { room_id: roomId } = await bob.call("POST", `/join/${path(alias("_irc_far"))}`, {});
    expect(roomId).toMatch(/^!/);
  });

  test("is not asked of the service that asks for it", async () => {
    bridge.answer(() => ({ status: 404 }));
    const before = asked("/rooms/");
    const answer = await client.ask("GET", `/directory/room/${path(alias("_irc_own"))}`);
    expect([answer.status, answer.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    expect(asked("/rooms/")).toBe(before);
  });

  test("of a service that does not answer ends in 408", async () => {
    const answer = await alice.ask("GET", `/directory/room/${path(alias("dead_room"))}`);
    expect([answer.status, answer.body.errcode]).toEqual([408, "M_UNKNOWN"]);
    const join = await alice.ask("POST", `/join/${path(alias("dead_room"))}`, {});
    expect(join.status).toBe(408);
  });
});

describe("a ping", () => {
  const ping = (token: string, service: string, body: object = {}) =>
    serviceClient(server, token).ask("POST", `/appservice/${service}/ping`, body, {
      version: "v1",
    });

  test("tells a service that it is reached", async () => {
    bridge.answer(() => undefined);
    const { status, body } = await ping("as-token", "bridge", { transaction_id: "meow" });
    expect(status).toBe(200);
    expect(body.duration_ms).toBeGreaterThanOrEqual(0);
    const last = bridge.asked.at(-1)!;
    expect([last.method, last.path, last.token]).toEqual([
      "POST",
      "/_matrix/app/v1/ping",
      "hs-token",
    ]);
    expect(JSON.parse(last.text)).toEqual({ transaction_id: "meow" });
  });

  test("shows a wrong answer", async () => {
    bridge.answer(() => ({ status: 403, body: { errcode: "M_FORBIDDEN" } }));
    const { status, body } = await ping("as-token", "bridge");
    const shown = { errcode: "M_BAD_STATUS", status: 403, body: '{"errcode":"M_FORBIDDEN"}' };
    expect([status, body]).toMatchObject([502, shown]);
    bridge.answer(() => (response) => void response.end("x".repeat(10_000_000)));
    expect((await ping("as-token", "bridge")).status).toBe(200);
  });

  test.each([
    ["dead", "dead", 502, "M_CONNECTION_FAILED"],
    ["silent", "silent", 400, "M_URL_NOT_SET"],
    ["as-token", "second", 403, "M_FORBIDDEN"],
    ["as-token", "unknown", 403, "M_FORBIDDEN"],
    ["wrong", "bridge", 401, "M_UNKNOWN_TOKEN"],
  ])("by %s of %s is answered %i %s", async (token, service, status, errcode) => {
    const answer = await ping(token, service);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  test("is for no user", async () => {
    const answer = await ping(alice.token, "bridge");
    expect([answer.status, answer.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
  });
});

describe("other networks", () => {
  const irc = (network: string) => ({
    user_fields: ["network", "nickname"],
    location_fields: ["network", "channel"],
    icon: "mxc://here.test/irc",
    field_types: { network: { regexp: ".*", placeholder: "irc.test" } },
    instances: [{ desc: network, network_id: network, fields: { network } }],
  });
  const location = (channel: string) => ({
    alias: alias(`_irc_${channel}`),
    protocol: "irc",
    fields: { channel: `#${channel}` },
  });

  beforeAll(() => {
    bridge.answer(({ path: where, query }) => {
      if (where.endsWith("/thirdparty/protocol/irc")) return { status: 200, body: irc("libera") };
      if (where.endsWith("/thirdparty/location/irc")) {
        return { status: 200, body: query.get("channel") === "#weft" ? [location("weft")] : [] };
      }
      if (where.endsWith("/thirdparty/user/irc")) {
        const fields = Object.fromEntries(query);
        return { status: 200, body: [{ userid: id("_irc_bob"), protocol: "irc", fields }, 5, {}] };
      }
      if (where.endsWith("/thirdparty/location")) return { status: 200, body: [location("weft")] };
      if (where.endsWith("/thirdparty/user")) return { status: 200, body: { nonsense: true } };
      return { status: 404 };
    });
    second.answer(({ path: where }) => {
      // The one of older services.
      if (where === "/_matrix/app/unstable/thirdparty/protocol/irc") {
        return { status: 200, body: irc("oftc") };
      }
      if (where.endsWith("/protocol/xmpp")) return { status: 200, body: ["nonsense"] };
      return { status: 404 };
    });
  });

  test("are described by their services, all instances together, and nonsense is left out", async () => {
    const protocols = await alice.call("GET", "/thirdparty/protocols");
    expect(Object.keys(protocols)).toEqual(["irc"]);
    const ids = protocols.irc.instances.map((instance: Body) => instance.instance_id);
    expect(ids).toEqual(["bridge|libera", "second|oftc"]);
    expect(await alice.call("GET", "/thirdparty/protocol/irc")).toEqual(protocols.irc);
    const none = await alice.ask("GET", "/thirdparty/protocol/xmpp");
    expect([none.status, none.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
  });

  test("are searched for places and people by their fields", async () => {
    const found = await alice.call("GET", "/thirdparty/location/irc?channel=%23weft");
    expect(found).toEqual([location("weft")]);
    const none = await alice.ask("GET", "/thirdparty/location/irc?channel=%23none");
    expect([none.status, none.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    const users = await alice.call("GET", "/thirdparty/user/irc?nickname=bob&network=libera");
    const fields = { nickname: "bob", network: "libera" };
    expect(users).toEqual([{ userid: id("_irc_bob"), protocol: "irc", fields }]);
    const unknown = await alice.ask("GET", "/thirdparty/user/gopher?nickname=bob");
    expect(unknown.status).toBe(404);
  });

  test("are asked what an alias or a user is there", async () => {
    const query = `alias=${path(alias("_irc_weft"))}`;
    expect(await alice.call("GET", `/thirdparty/location?${query}`)).toEqual([location("weft")]);
    const user = await alice.ask("GET", `/thirdparty/user?userid=${path(id("_irc_bob"))}`);
    expect([user.status, user.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    const missing = await alice.ask("GET", "/thirdparty/user");
    expect([missing.status, missing.body.errcode]).toEqual([400, "M_MISSING_PARAM"]);
  });
});

describe("a service's own directory", () => {
  test("lists rooms for those who ask for the network, or for all networks", async () => {
    const { room_id: roomId } = await alice.call("POST", "/createRoom", { name: "Bridged" });
    const list = `/directory/list/appservice/libera/${path(roomId)}`;
    await client.call("PUT", list, { visibility: "public" });
    const rooms = async (body: object) =>
      (await alice.call("POST", "/publicRooms", body)).chunk.map((room: Body) => room.room_id);
    expect(await rooms({})).not.toContain(roomId);
    expect(await rooms({ third_party_instance_id: "bridge|libera" })).toEqual([roomId]);
    expect(await rooms({ third_party_instance_id: "second|libera" })).toEqual([]);
    expect(await rooms({ include_all_networks: true })).toContain(roomId);
    const both = { include_all_networks: true, third_party_instance_id: "bridge|libera" };
    const wrong = await alice.ask("POST", "/publicRooms", both);
    expect([wrong.status, wrong.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    await client.call("PUT", list, { visibility: "private" });
    expect(await rooms({ third_party_instance_id: "bridge|libera" })).toEqual([]);
  });

  test("is the service's alone", async () => {
    const { room_id: roomId } = await alice.call("POST", "/createRoom", {});
    const list = `/directory/list/appservice/libera/${path(roomId)}`;
    const user = await alice.ask("PUT", list, { visibility: "public" });
    expect([user.status, user.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    const unknown = `/directory/list/appservice/libera/${path("!unknown:here.test")}`;
    const none = await client.ask("PUT", unknown, { visibility: "public" });
    expect([none.status, none.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    const without = await client.ask("PUT", list, {});
    expect([without.status, without.body.errcode]).toEqual([400, "M_MISSING_PARAM"]);
  });
});
