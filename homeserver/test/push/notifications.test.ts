/** What push gateways are told of messages, invites and what is read. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { type Gateway, read, roomOf, setPusher, startGateway } from "./fake-gateway.ts";

let server: TestServer;
let [alice, bob]: TestUser[] = [];
let people = 0;
const gateways: Gateway[] = [];

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server?.close();
  for (const gateway of gateways) {
    expect(gateway.faults).toEqual([]);
    await gateway.stop();
  }
}, 60_000);

/** Two people with a room, one of whom has a pusher. */
async function scene(more: Body = {}) {
  people += 1;
  alice = await register(server, `alice${people}`);
  bob = await register(server, `bob${people}`);
  const gateway = await startGateway();
  gateways.push(gateway);
  await setPusher(bob, gateway.url, more);
  const roomId = await roomOf(alice, bob);
  return { alice, bob, gateway, roomId };
}

const path = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
let sent = 0;
const send = async (user: TestUser, roomId: string, type: string, content: Body) => {
  sent += 1;
  const answer = await user.call("PUT", path(roomId, `/send/${type}/t${sent}`), content);
  return answer.event_id as string;
};

test("a message is told with its room, its sender, and how much is unread", async () => {
  const { alice, gateway, roomId } = await scene({ data: { custom: [1] }, profile_tag: "work" });
  await alice.call("PUT", path(roomId, "/state/m.room.name/"), { name: "Garden" });
  const profile = `/profile/${encodeURIComponent(alice.userId)}/displayname`;
  await alice.call("PUT", profile, { displayname: "Alice A." });
  const member = path(roomId, `/state/m.room.member/${encodeURIComponent(alice.userId)}`);
  await eventually("the new name is in the room", async () => {
    const { body } = await alice.ask("GET", member);
    return body.displayname === "Alice A.";
  });
  const eventId = await alice.send(roomId, "one");
  await until(() => gateway.events().length === 1);
  await alice.send(roomId, "two");
  await until(() => gateway.events().length === 2);
  const { counts: _counts, ...first } = gateway.events()[0]!;
  expect(first).toEqual({
    ...{ event_id: eventId, room_id: roomId, type: "m.room.message", sender: alice.userId },
    ...{ sender_display_name: "Alice A.", room_name: "Garden", prio: "high" },
    content: { msgtype: "m.text", body: "one" },
    devices: [
      {
        ...{ app_id: "org.example.app", pushkey: "key", data: { custom: [1] } },
        pushkey_ts: expect.any(Number) as number,
        tweaks: { sound: "default" },
      },
    ],
  });
  expect(gateway.bodies()).toEqual(["one", "two"]);
  await until(() => gateway.badge() === 2);
});

test("nobody is told of what is their own, silent, or of somebody whom they ignore", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  const carol = await register(server, `carol${people}`);
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await bob.call(
    "PUT",
    `/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`,
    {
      ignored_users: { [carol.userId]: {} },
    },
  );
  await bob.send(roomId, "my own");
  await carol.send(roomId, "ignored");
  await send(alice, roomId, "m.room.message", { msgtype: "m.notice", body: "a machine" });
  await send(alice, roomId, "m.reaction", {});
  await bob.call("PUT", `/pushrules/global/room/${encodeURIComponent(roomId)}`, { actions: [] });
  // Rules hold when they are evaluated: that this is over is seen by somebody else.
  const witness = await startGateway();
  gateways.push(witness);
  await setPusher(carol, witness.url, { pushkey: "witness" });
  await alice.send(roomId, "muted");
  await until(() => witness.bodies().includes("muted"));
  await bob.call("DELETE", `/pushrules/global/room/${encodeURIComponent(roomId)}`);
  await alice.send(roomId, "heard");
  await until(() => gateway.events().length > 0);
  expect(gateway.bodies()).toEqual(["heard"]);
});

test("with event_id_only nothing but identifiers is told of it", async () => {
  const { alice, gateway, roomId } = await scene({ data: { format: "event_id_only" } });
  const eventId = await alice.send(roomId, "secret");
  await until(() => gateway.events().length === 1);
  const { devices, counts: _counts, ...rest } = gateway.events()[0]!;
  expect(rest).toEqual({ event_id: eventId, room_id: roomId, prio: "high" });
  expect(devices[0].data).toEqual({ format: "event_id_only" });
  expect(JSON.stringify(gateway.asked)).not.toContain("secret");
});

test("what is encrypted is told, without making a sound in a room of many", async () => {
  const { alice, gateway, roomId } = await scene();
  const carol = await register(server, `carol${people}`);
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  const content = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "abc" };
  await send(alice, roomId, "m.room.encrypted", content);
  await until(() => gateway.events().length === 1);
  const { type, prio, devices } = gateway.events()[0]!;
  expect({ type, prio, tweaks: devices[0].tweaks }).toEqual({
    ...{ type: "m.room.encrypted", prio: "high", tweaks: {} },
  });
  await alice.send(roomId, "plain");
  await until(() => gateway.events().length === 2);
  expect(gateway.events()[1]!.prio).toBe("low");
});

test("a mention is a highlight", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  const mentions = { "m.mentions": { user_ids: [bob.userId] } };
  await send(alice, roomId, "m.room.message", { msgtype: "m.text", body: "you", ...mentions });
  await until(() => gateway.events().length === 1);
  expect(gateway.events()[0]!.devices[0].tweaks).toEqual({
    ...{ sound: "default", highlight: true },
  });
});

test("an invite is told with the room's name, and counts until it is answered", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  const { room_id: other } = await alice.call("POST", "/createRoom", {
    ...{ preset: "private_chat", name: "Cellar", invite: [bob.userId] },
  });
  await until(() => gateway.events().length === 1);
  expect(gateway.events()[0]).toMatchObject({
    ...{ type: "m.room.member", room_id: other, room_name: "Cellar", membership: "invite" },
    ...{ user_is_target: true, sender: alice.userId },
  });
  await until(() => gateway.badge() === 1);
  await alice.send(roomId, "beside it");
  await until(() => gateway.events().length === 2);
  await until(() => gateway.badge() === 2);
  await bob.call("POST", path(other, "/leave"), {});
  await until(() => gateway.badge() === 1);
});

test("a receipt clears the count at the gateway", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  const first = await alice.send(roomId, "one");
  const second = await alice.send(roomId, "two");
  await until(() => gateway.badge() === 2);
  await read(bob, roomId, first);
  await read(bob, roomId, second);
  await until(() => gateway.badge() === 0);
  const { devices, ...rest } = gateway.told.at(-1)!.notification;
  expect(rest).toEqual({ counts: { unread: 0 }, prio: "low" });
  expect(devices).toHaveLength(1);
});

test("threads count, and are read by themselves", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  const root = await alice.send(roomId, "root");
  await until(() => gateway.events().length === 1);
  const relation = { "m.relates_to": { rel_type: "m.thread", event_id: root } };
  const content = { msgtype: "m.text", body: "reply", ...relation };
  const reply = await send(alice, roomId, "m.room.message", content);
  await until(() => gateway.badge() === 2);
  await read(bob, roomId, root, { thread_id: "main" });
  await until(() => gateway.badge() === 1);
  await read(bob, roomId, reply, { thread_id: root });
  await until(() => gateway.badge() === 0);
});

test("a gateway that rejects a pushkey loses the pusher", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  gateway.answer(() => ({ body: { rejected: ["another", "key"] } }));
  await alice.send(roomId, "one");
  await eventually("the pusher is gone", async () => {
    const { pushers } = await bob.call("GET", "/pushers");
    return pushers.length === 0;
  });
  await alice.send(roomId, "two");
  await setPusher(bob, gateway.url, { pushkey: "new" });
  gateway.answer(() => undefined);
  await alice.send(roomId, "three");
  await until(() => gateway.bodies().length === 2);
  expect(gateway.bodies()).toEqual(["one", "three"]);
});

test("several pushers of one user are told, each at its gateway, over TLS too", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  const { tlsCert: cert, tlsKey: key } = server.config;
  const secure = await startGateway({ cert: cert!, key: key! });
  gateways.push(secure);
  await setPusher(bob, secure.url, { pushkey: "other" });
  await alice.send(roomId, "both");
  await until(() => gateway.events().length === 1 && secure.events().length === 1);
  expect(secure.events()[0]!.devices[0].pushkey).toBe("other");
});

test("whoever left a room, or was never in it, is told nothing of it", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  await alice.send(roomId, "before");
  await until(() => gateway.events().length === 1);
  await bob.call("POST", path(roomId, "/leave"), {});
  await alice.send(roomId, "without");
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await alice.send(roomId, "after");
  await until(() => gateway.bodies().includes("after"));
  expect(gateway.bodies()).toEqual(["before", "after"]);
});
