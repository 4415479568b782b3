/** Notifications arrive whatever gateways and the server do, and none holds up another. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { type Gateway, read, roomOf, setPusher, startGateway } from "./fake-gateway.ts";

let server: TestServer;
let people = 0;
let gateways: Gateway[] = [];

beforeAll(async () => {
  server = await startServer({}, { mortal: true });
}, 60_000);
afterAll(() => server?.close(), 60_000);
afterEach(async () => {
  for (const gateway of gateways) await gateway.stop();
  gateways = [];
});

async function gatewayFor(user: TestUser, more: Body = {}): Promise<Gateway> {
  const gateway = await startGateway();
  gateways.push(gateway);
  await setPusher(user, gateway.url, { pushkey: `key of ${user.userId}`, ...more });
  return gateway;
}

async function scene() {
  people += 1;
  const alice = await register(server, `alice${people}`);
  const bob = await register(server, `bob${people}`);
  return { alice, bob, gateway: await gatewayFor(bob), roomId: await roomOf(alice, bob) };
}

const isBehind = async (user: TestUser) => {
  const [row] = await server.database.sql`
    SELECT 1 FROM pushers WHERE user_id = ${user.userId} AND behind AND failures > 0`;
  return row !== undefined;
};

test("a gateway that fails is told the same later, each thing once and in order", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  gateway.answer(() => ({ status: 502 }));
  const said: string[] = [];
  const say = async (text: string) => {
    said.push(text);
    await alice.send(roomId, text);
  };
  for (let n = 0; n < 5; n += 1) await say(`failing ${n}`);
  await until(() => isBehind(bob));
  gateway.answer(() => undefined);
  for (let n = 0; n < 5; n += 1) await say(`back ${n}`);
  await until(() => gateway.bodies().length === said.length);
  await say("last");
  await until(() => gateway.bodies().includes("last"));
  expect(gateway.bodies()).toEqual(said);
});

test("more than waits in memory is told, too", { timeout: 120_000 }, async () => {
  const { alice, gateway, roomId } = await scene();
  const first = Promise.withResolvers<void>();
  gateway.answer(() => first.promise.then(() => undefined));
  const said = Array.from({ length: 130 }, (_, n) => `message ${n}`);
  for (const text of said) await alice.send(roomId, text);
  first.resolve();
  // On a busy machine the first was given up, and is told twice.
  await until(() => new Set(gateway.bodies()).size === said.length);
  expect([...new Set(gateway.bodies())]).toEqual(said);
});

test("what a killed server has not told, the next one does", { timeout: 120_000 }, async () => {
  const { alice, bob, gateway, roomId } = await scene();
  await alice.send(roomId, "before");
  await until(() => gateway.bodies().length === 1);
  await until(async () => {
    const [row] = await server.database.sql`
      SELECT 1 FROM pushers
      WHERE user_id = ${bob.userId} AND badge IS NOT NULL AND NOT behind`;
    return row !== undefined;
  });
  gateway.answer(() => (response) => response.destroy());
  for (const text of ["one", "two"]) await alice.send(roomId, text);
  await until(() => gateway.asked.length > 1);
  await server.kill();
  gateway.answer(() => undefined);
  await server.restart();
  await until(() => gateway.bodies().includes("two"));
  expect([...new Set(gateway.bodies())]).toEqual(["before", "one", "two"]);
  expect(gateway.bodies().filter((body) => body === "before")).toHaveLength(1);
});

test("pauses outlive a restart, and so does what waits", { timeout: 120_000 }, async () => {
  const { alice, bob, gateway, roomId } = await scene();
  await gateway.stop();
  await alice.send(roomId, "while it was away");
  await until(() => isBehind(bob));
  await server.stop();
  await gateway.start();
  await server.restart();
  await until(() => gateway.bodies().length > 0);
  expect(gateway.bodies()).toEqual(["while it was away"]);
});

test("a gateway that never answers holds up nobody else", { timeout: 120_000 }, async () => {
  const { alice, bob, gateway, roomId } = await scene();
  const hanging: (() => void)[] = [];
  gateway.answer(() => (response) => hanging.push(() => response.destroy()));
  const carol = await register(server, `carol${people}`);
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  const other = await gatewayFor(carol);
  // More than its host may have at once.
  for (let n = 0; n < 50; n += 1)
    await setPusher(bob, gateway.url, { pushkey: `${n}`, append: true });
  for (let n = 0; n < 10; n += 1) await alice.send(roomId, `message ${n}`);
  await until(() => other.bodies().length === 10);
  expect(gateway.told).toEqual([]);
  await until(() => hanging.length > 0);
});

test("what is read or redacted before its gateway is back is not told", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  gateway.answer(() => ({ status: 500 }));
  const seen = await alice.send(roomId, "read");
  await until(() => isBehind(bob));
  await read(bob, roomId, seen);
  const regretted = await alice.send(roomId, "redacted");
  const room = `/rooms/${encodeURIComponent(roomId)}`;
  await alice.call("PUT", `${room}/redact/${encodeURIComponent(regretted)}/r${people}`, {});
  await alice.send(roomId, "news");
  gateway.answer(() => undefined);
  await until(() => gateway.bodies().includes("news"));
  expect(gateway.bodies()).toEqual(["news"]);
});

test("what happened more than an hour ago is no news", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  gateway.answer(() => ({ status: 500 }));
  const old = await alice.send(roomId, "old");
  await until(() => isBehind(bob));
  await server.database.sql`
    UPDATE events SET origin_server_ts = origin_server_ts - 3700000 WHERE event_id = ${old}`;
  await alice.send(roomId, "new");
  gateway.answer(() => undefined);
  await until(() => gateway.bodies().length > 0);
  expect(gateway.bodies()).toEqual(["new"]);
});

test("whatever else a gateway answers counts as taken, and leads nowhere", async () => {
  const { alice, gateway, roomId } = await scene();
  const answers = [
    (response: Body) => response.end("no JSON"),
    (response: Body) => response.end(JSON.stringify({ rejected: "key" })),
    (response: Body) => response.end(JSON.stringify([null])),
    (response: Body) => response.end("x".repeat(1_000_000)),
  ];
  for (const [n, answer] of answers.entries()) {
    gateway.answer(() => answer);
    await alice.send(roomId, `message ${n}`);
    await until(() => gateway.asked.length === n + 1);
  }
  const elsewhere = await startGateway();
  gateways.push(elsewhere);
  gateway.answer(() => ({ status: 307, headers: { location: elsewhere.url } }));
  await alice.send(roomId, "redirected");
  await until(() => gateway.asked.length > answers.length);
  gateway.answer(() => undefined);
  await until(() => gateway.bodies().length === 1);
  expect(gateway.bodies()).toEqual(["redirected"]);
  expect(elsewhere.asked).toEqual([]);
});

test("a gateway whose name leads to a private address is not called", async () => {
  const strict = await startServer({ allowPrivateAddresses: false });
  const { tlsCert: cert, tlsKey: key } = strict.config;
  const gateway = await startGateway({ cert: cert!, key: key! });
  gateways.push(gateway);
  const [alice, bob] = [await register(strict, "alice"), await register(strict, "bob")];
  await setPusher(bob, gateway.url);
  await alice.send(await roomOf(alice, bob), "hello");
  await eventually("it has failed", async () => {
    const [row] = await strict.database.sql`SELECT failures FROM pushers`;
    return row?.["failures"] > 0;
  });
  expect(gateway.asked).toEqual([]);
  await strict.close();
});

test("a client that sets its pusher again is told without delay, elsewhere if it says so", async () => {
  const { alice, bob, gateway, roomId } = await scene();
  gateway.answer(() => ({ status: 429, headers: { "retry-after": "3000" } }));
  await alice.send(roomId, "waiting");
  await until(() => isBehind(bob));
  const other = await gatewayFor(bob);
  await until(() => other.bodies().length === 1);
  expect([gateway.bodies(), other.bodies()]).toEqual([[], ["waiting"]]);
});
