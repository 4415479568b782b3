/** Who is locked out is told nothing by push, either. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register } from "../support/user.ts";
import { until } from "../support/wait.ts";
import { type Gateway, roomOf, setPusher, startGateway } from "./fake-gateway.ts";

let server: TestServer;
let gateway: Gateway;
beforeAll(async () => {
  server = await startServer();
  gateway = await startGateway();
}, 60_000);
afterAll(async () => {
  await server?.close();
  await gateway?.stop();
}, 60_000);

test("a locked account's pushers are told nothing, and go on when it is unlocked", async () => {
  const [alice, bob, carol] = [
    await register(server, "alice"),
    await register(server, "bob"),
    await register(server, "carol"),
  ];
  await setPusher(bob, gateway.url);
  await setPusher(carol, gateway.url, { pushkey: "carol" });
  const roomId = await roomOf(alice, bob, carol);
  const told = (pushkey: string) =>
    gateway
      .events()
      .flatMap((one) => (one.devices[0].pushkey === pushkey ? [one.content.body] : []));
  /** What carol is told is on its way after what bob would be. */
  const say = async (body: string) => {
    await alice.send(roomId, body);
    await until(() => told("carol").includes(body));
  };
  await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${alice.userId}`;
  const identifier = { type: "m.id.user", user: alice.userId };
  const login = { type: "m.login.password", identifier, password: "alice-Secret-1" };
  const { access_token: token } = await alice.call("POST", "/login", login);
  const lock = async (locked: boolean) => {
    const path = `/_matrix/client/v1/admin/lock/${encodeURIComponent(bob.userId)}`;
    const response = await fetch(`${server.baseUrl}${path}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ locked }),
    });
    expect(response.status).toBe(200);
  };

  await say("before");
  await until(() => told("key").includes("before"));
  await lock(true);
  await say("while");
  await lock(false);
  await say("after");
  await until(() => told("key").includes("after"));
  expect(told("key")).toEqual(["before", "after"]);
  expect((await bob.call("GET", "/pushers")).pushers).toHaveLength(1);
});
