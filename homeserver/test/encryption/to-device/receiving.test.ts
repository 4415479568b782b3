import { afterAll, beforeAll, expect, test } from "vitest";
import { createReceiving } from "../../../src/encryption/to-device/receiving.ts";
import { createManualClock, systemClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import type { ServerName } from "../../../src/protocol/identifiers.ts";
import { type JsonObject, parseLoose } from "../../../src/protocol/json.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { askAs, tellAs } from "../../support/signed-requests.ts";
import { register, type TestUser } from "../../support/user.ts";
import { anotherDevice, inbox } from "./inbox.ts";

let here: TestServer;
let there: TestServer;
let alice: TestUser;

beforeAll(async () => {
  [here, there] = await Promise.all([startServer(), startServer()]);
  alice = await register(here, "alice");
});

afterAll(() => Promise.all([here.close(), there.close()]));

const bob = () => `@bob:${there.name}`;
const edu = (more: JsonObject = {}): JsonObject => ({
  edu_type: "m.direct_to_device",
  content: {
    ...{ sender: bob(), type: "org.example.message", message_id: `m${++messages}` },
    messages: { [alice.userId]: { [alice.deviceId]: { n: messages } } },
    ...more,
  },
});
let messages = 0;
const received = async () => (await inbox(here, alice)).map(({ content }) => content.n as number);

test("a message comes to its device, also of a server that shares no room", async () => {
  await tellAs(there, here, { edus: [edu()] });
  expect(await inbox(here, alice)).toEqual([
    { sender: bob(), type: "org.example.message", content: { n: 1 } },
  ]);
});

test("a star means all devices of the user", async () => {
  const phone = await anotherDevice(here, alice);
  await tellAs(there, here, { edus: [edu({ messages: { [alice.userId]: { "*": { n: 0 } } } })] });
  expect((await received()).at(-1)).toBe(0);
  expect(await inbox(here, phone)).toHaveLength(1);
});

test("the messages of a transaction come in its order", async () => {
  const before = (await received()).length;
  const edus = Array.from({ length: 100 }, () => edu());
  expect((await tellAs(there, here, { edus })).status).toBe(200);
  const numbers = (await received()).slice(before);
  expect(numbers).toHaveLength(100);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test("a message that comes again comes once, in another transaction and after a restart", async () => {
  const before = (await received()).length;
  const same = edu();
  await Promise.all([
    tellAs(there, here, { edus: [same, same] }),
    tellAs(there, here, { edus: [same] }),
  ]);
  await here.stop();
  await here.restart();
  await tellAs(there, here, { edus: [same] });
  expect((await received()).slice(before)).toHaveLength(1);
});

test("what is malformed, or of another server's user, is dropped alone", async () => {
  const before = (await received()).length;
  const mine = { [alice.userId]: { [alice.deviceId]: { n: 0 } } };
  const wrong = [
    edu({ sender: alice.userId }),
    edu({ sender: "@bob:third.example" }),
    edu({ sender: "bob" }),
    edu({ type: 5 }),
    edu({ type: "x".repeat(256) }),
    edu({ message_id: "é".repeat(200) }),
    edu({ message_id: { id: 1 } }),
    edu({ messages: [mine] }),
    edu({ messages: { [alice.userId]: [{}] } }),
    edu({ messages: { [alice.userId]: { [alice.deviceId]: "text" } } }),
    edu({ messages: { [alice.userId]: { [alice.deviceId]: { text: "x".repeat(70_000) } } } }),
  ];
  const last = edu({ messages: { ...mine, "@zoe:third.example": { "*": {} }, nobody: {} } });
  const { status } = await tellAs(there, here, { edus: [...wrong, last] });
  expect(status).toBe(200);
  expect((await received()).slice(before)).toEqual([0]);
});

test("what clients cannot read is dropped: halves of surrogate pairs, and deep nesting", async () => {
  const appended: unknown[] = [];
  const receive = createReceiving({
    log: { append: async (append: unknown) => void appended.push(append) } as never,
    devices: { of: async () => new Map([["@alice:here.test", new Set(["A"])]]) } as never,
    serverName: "here.test" as ServerName,
    rateLimits: () => false,
    clock: systemClock,
    logger: silentLogger(),
    sharing: { has: async () => false },
  });
  const tell = (content: string) =>
    receive(
      "there.test" as ServerName,
      parseLoose(
        `{"sender":"@bob:there.test","type":"t","message_id":"m","messages":{"@alice:here.test":{"A":${content}}}}`,
      ) as JsonObject,
    );
  await tell(`{"half":"\\ud800"}`);
  await tell(`{"deep":${"[".repeat(200)}${"]".repeat(200)}}`);
  expect(appended).toEqual([]);
  await tell(`{"deep":${"[".repeat(50)}${"]".repeat(50)}}`);
  expect(appended).toHaveLength(1);
});

/** Takes in EDUs for alice's device A, by the rates; `shares`: the servers share a room. */
function limited(shares: boolean) {
  const clock = createManualClock();
  let stored = 0;
  const receive = createReceiving({
    log: { append: async () => void (stored += 1) } as never,
    devices: { of: async () => new Map([["@alice:here.test", new Set(["A"])]]) } as never,
    serverName: "here.test" as ServerName,
    rateLimits: () => true,
    clock,
    logger: silentLogger(),
    sharing: { has: async () => shares },
  });
  const tell = (sender: string, n: number) =>
    receive("there.test" as ServerName, {
      ...{ sender, type: "t", message_id: `m${n}` },
      messages: { "@alice:here.test": { A: { text: "x".repeat(60_000) } } },
    });
  return { clock, tell, stored: () => stored };
}

test("of a server that shares no room little is taken, and a little more after a while", async () => {
  const { clock, tell, stored } = limited(false);
  for (let n = 0; n < 100; n += 1) await tell(`@u${n}:there.test`, n);
  const first = stored();
  expect(first).toBeGreaterThan(10);
  expect(first).toBeLessThan(25);
  clock.advance(60_000);
  for (let n = 0; n < 100; n += 1) await tell(`@u${n}:there.test`, n);
  expect(stored() - first).toBeGreaterThan(1);
  expect(stored() - first).toBeLessThan(10);
});

test("one user of a server that shares a room cannot use up what all of it may send", async () => {
  const { tell, stored } = limited(true);
  for (let n = 0; n < 3_000; n += 1) await tell("@mallory:there.test", n);
  expect(stored()).toBeLessThan(1_500);
  const before = stored();
  await tell("@bob:there.test", 0);
  expect(stored()).toBe(before + 1);
});

test("a server whose users all send too much has to come again later", async () => {
  const { clock, tell } = limited(true);
  const flood = async () => {
    for (let n = 0; n < 20_000; n += 1) await tell(`@u${n % 50}:there.test`, n);
  };
  await expect(flood()).rejects.toMatchObject({ errcode: "M_LIMIT_EXCEEDED" });
  clock.advance(60_000);
  await tell("@u:there.test", 1);
});

test("an EDU that names more users than there could be is dropped before anybody looks", async () => {
  const looked: unknown[] = [];
  const receive = createReceiving({
    log: {} as never,
    devices: { of: async (users: unknown) => void looked.push(users) } as never,
    serverName: "here.test" as ServerName,
    rateLimits: () => false,
    clock: systemClock,
    logger: silentLogger(),
    sharing: { has: async () => false },
  });
  const messages = Object.fromEntries(
    Array.from({ length: 10_001 }, (_, n) => [`@u${n}:here.test`, { A: {} }]),
  );
  await receive("there.test" as ServerName, {
    ...{ sender: "@bob:there.test", type: "t", message_id: "m", messages },
  });
  expect(looked).toEqual([]);
});

test("a transaction is not answered as taken while its messages cannot be stored", async () => {
  const { sql } = here.database;
  const before = (await received()).length;
  const txnId = "not-at-once";
  const content = { origin: there.name, origin_server_ts: 0, pdus: [], edus: [edu()] };
  const uri = `/_matrix/federation/v1/send/${txnId}`;
  await sql.unsafe(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON to_device_messages EXECUTE FUNCTION refuse()`);
  const refusedOnce = await askAs(there, here, "PUT", uri, content);
  expect(refusedOnce.status).toBeGreaterThanOrEqual(500);
  await sql`DROP TRIGGER refuse ON to_device_messages`;
  expect((await askAs(there, here, "PUT", uri, content)).status).toBe(200);
  expect((await received()).slice(before)).toHaveLength(1);
});
