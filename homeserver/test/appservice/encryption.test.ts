/** Typing, receipts, presence, messages for devices and device lists, as application services get them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { type FakeService, startFakeService } from "./fake-service.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { makeDevice, makeIdentity } from "../users/keys/devices.ts";
import { registrationFolder, registrationText, serviceClient } from "./support.ts";

const OLD = "de.sorunome.msc2409.ephemeral";
const MESSAGES = "de.sorunome.msc2409.to_device";
const LISTS = "org.matrix.msc3202.device_lists";
const COUNTS = "org.matrix.msc3202.device_one_time_keys_count";
const FALLBACK = "org.matrix.msc3202.device_unused_fallback_key_types";

let server: TestServer;
let bridge: FakeService;
let plain: FakeService;
let files: ReturnType<typeof registrationFolder>;
let client: ReturnType<typeof serviceClient>;
let alice: TestUser;
let ghost: string;
let roomId: string;
let elsewhere: string;
const room = (id: string) => `/rooms/${encodeURIComponent(id)}`;

beforeAll(async () => {
  [bridge, plain] = await Promise.all([startFakeService(), startFakeService()]);
  const users = [{ regex: "@_e_.*", exclusive: true }];
  files = registrationFolder({
    bridge: registrationText({
      ...{
        url: bridge.url,
        users,
        receive_ephemeral: true,
        [OLD.replace("ephemeral", "push_ephemeral")]: true,
      },
      "org.matrix.msc3202": true,
    }),
    plain: registrationText({
      ...{ id: "plain", url: plain.url, as_token: "plain", sender_localpart: "plain" },
      users: [{ regex: "@_e_.*", exclusive: false }],
    }),
  });
  server = await startServer({ appservices: files.folder });
  client = serviceClient(server, "as-token");
  alice = await register(server, "alice");
  ghost = await client.ghost("_e_ghost");
  roomId = (await alice.call("POST", "/createRoom", { invite: [ghost] })).room_id;
  elsewhere = (await alice.call("POST", "/createRoom", {})).room_id;
  await client.call("POST", `/join/${encodeURIComponent(roomId)}`, {}, { as: ghost });
});
afterAll(async () => {
  await server.close();
  await Promise.all([bridge.stop(), plain.stop()]);
  files.close();
});

const ephemeral = (type: string) => bridge.all("ephemeral").filter((event) => event.type === type);

test("typing is told where the service is interested, with its room", async () => {
  const typing = (id: string, typing: boolean) =>
    alice.call("PUT", `${room(id)}/typing/${encodeURIComponent(alice.userId)}`, {
      typing,
      timeout: 30_000,
    });
  await typing(elsewhere, true);
  await typing(roomId, true);
  await until(() => ephemeral("m.typing").length > 0);
  await typing(roomId, false);
  await until(() => ephemeral("m.typing").length > 1);
  expect(ephemeral("m.typing").slice(0, 2)).toEqual([
    { type: "m.typing", room_id: roomId, content: { user_ids: [alice.userId] } },
    { type: "m.typing", room_id: roomId, content: { user_ids: [] } },
  ]);
  expect(bridge.all(OLD)).toEqual(bridge.all("ephemeral"));
});

test("receipts are told, private ones of the service's own users only", async () => {
  const eventId = await alice.send(roomId, "read me");
  const receipt = (type: string) =>
    `${room(roomId)}/receipt/${type}/${encodeURIComponent(eventId)}`;
  await alice.call("POST", receipt("m.read.private"), {});
  await alice.call("POST", receipt("m.read"), { thread_id: "main" });
  await client.call("POST", receipt("m.read.private"), {}, { as: ghost });
  const told = () =>
    ephemeral("m.receipt").flatMap(({ content, room_id: id }) =>
      Object.entries(content[eventId] ?? {}).map(([type, of]) => [id, type, of as Body]),
    );
  await until(() => told().length >= 2);
  expect(told()).toEqual([
    [roomId, "m.read", { [alice.userId]: { ts: expect.any(Number), thread_id: "main" } }],
    [roomId, "m.read.private", { [ghost]: { ts: expect.any(Number) } }],
  ]);
});

test("presence is told of those who share a room with the service's users", async () => {
  const carol = await register(server, "carol");
  const set = (user: TestUser, message: string) =>
    user.call("PUT", `/presence/${encodeURIComponent(user.userId)}/status`, {
      ...{ presence: "online", status_msg: message },
    });
  await set(carol, "alone");
  await set(alice, "with ghosts");
  const told = () =>
    ephemeral("m.presence").map(({ sender, content }) => [sender, content.status_msg]);
  await until(() =>
    told().some(([sender, text]) => sender === alice.userId && text === "with ghosts"),
  );
  expect(told().some(([sender]) => sender === carol.userId)).toBe(false);
});

test("messages for devices of the service's users are told once, and those of exclusive ones are gone then", async () => {
  await client.ask("PUT", "/devices/GHOST", {}, { as: ghost });
  const message = { messages: { [ghost]: { "*": { secret: 1 } } } };
  await alice.call("PUT", "/sendToDevice/org.example.secret/once", message);
  await until(() => bridge.all(MESSAGES).length > 0);
  expect(bridge.all(MESSAGES)).toEqual([
    {
      ...{ type: "org.example.secret", sender: alice.userId, content: { secret: 1 } },
      ...{ to_user_id: ghost, to_device_id: "GHOST" },
    },
  ]);
  await until(() => plain.all(MESSAGES).length > 0);
  await eventually("they are deleted", async () => {
    const [row] = await server.database.sql<{ n: number }[]>`
      SELECT count(*)::int AS n FROM to_device_messages WHERE user_id = ${ghost}`;
    return row?.n === 0;
  });
});

test("keys that are uploaded and given out are counted", async () => {
  await client.ask("PUT", "/devices/KEYS", {}, { as: ghost });
  const device = makeDevice(ghost as UserId, "KEYS");
  const keys = {
    device_keys: device.deviceKeys(),
    one_time_keys: device.oneTimeKeys(["A", "B"]),
    fallback_keys: device.oneTimeKeys(["F"], { fallback: true }),
  };
  await client.call("POST", "/keys/upload", keys, { as: ghost, device: "KEYS" });
  const counts = () =>
    bridge.transactions.flatMap(({ body }) => {
      const of = body[COUNTS]?.[ghost]?.KEYS;
      return of === undefined ? [] : [[of.signed_curve25519, body[FALLBACK][ghost].KEYS]];
    });
  await until(() => counts().some(([count]) => count === 2));
  const claim = { one_time_keys: { [ghost]: { KEYS: "signed_curve25519" } } };
  for (const left of [1, 0]) {
    await alice.call("POST", "/keys/claim", claim);
    await until(() => counts().at(-1)?.[0] === left);
  }
  expect(counts().at(-1)).toEqual([0, ["signed_curve25519"]]);
  await alice.call("POST", "/keys/claim", claim);
  await until(() => counts().at(-1)?.[1].length === 0);
  const cross = (seed: string) => makeIdentity(ghost as UserId, seed).keys;
  const upload = (seed: string) =>
    client.ask("POST", "/keys/device_signing/upload", cross(seed), { as: ghost, device: "KEYS" });
  // Without a password, the second time as well.
  for (const seed of ["first", "second"]) expect((await upload(seed)).status).toBe(200);
});

test("whose devices change is told of those who share a room, and a service that does not ask is told of none", async () => {
  const dave = await register(server, "dave");
  const { user_id: userId } = await alice.call("POST", "/login", {
    ...{ type: "m.login.password", user: "alice", password: "alice-Secret-1" },
    device_id: "SECOND",
  });
  const changed = () => bridge.transactions.flatMap(({ body }) => body[LISTS]?.changed ?? []);
  await until(() => changed().includes(userId));
  expect(changed()).not.toContain(dave.userId);
  await alice.call("POST", `${room(roomId)}/invite`, { user_id: dave.userId });
  await dave.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await until(() => changed().includes(dave.userId));
  await dave.call("POST", `${room(roomId)}/leave`, {});
  const left = () => bridge.transactions.flatMap(({ body }) => body[LISTS]?.left ?? []);
  await until(() => left().includes(dave.userId));
  const others = plain.transactions.flatMap(({ body }) => Object.keys(body));
  expect(others.filter((key) => key === LISTS || key === COUNTS || key === FALLBACK)).toEqual([]);
  expect(plain.all("ephemeral")).toEqual([]);
});

test("all of that is as the contract says", () => {
  expect(bridge.transactions.length).toBeGreaterThan(5);
  expect([...bridge.faults, ...plain.faults]).toEqual([]);
});
