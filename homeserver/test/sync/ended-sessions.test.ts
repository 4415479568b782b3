/** A long-poll that is open when its session ends is told so, and nothing more. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser, userOf } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
});
afterAll(() => server.close());

const password = "bob-Secret-1";
const proof = {
  type: "m.login.password",
  identifier: { type: "m.id.user", user: "bob" },
  password,
};

async function signIn(): Promise<TestUser> {
  const body = { type: "m.login.password", identifier: proof.identifier, password };
  const response = await fetch(`${server.baseUrl}/_matrix/client/v3/login`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return userOf(server, (await response.json()) as never);
}

/** An operation that asks for the password. */
async function proven(by: TestUser, method: string, path: string, body: object): Promise<void> {
  const { session } = (await by.ask(method, path, body)).body;
  const done = await by.ask(method, path, { ...body, auth: { ...proof, session } });
  expect(done.status).toBe(200);
}

test("when it is signed out, deleted, or its password changes or account closes", async () => {
  const bob = await register(server, "bob");
  await bob.call("POST", `/rooms/${encodeURIComponent(roomId)}/join`, {});
  const main = await signIn();
  const ends: ((device: TestUser) => Promise<unknown>)[] = [
    (device) => device.call("POST", "/logout", {}),
    (device) => proven(main, "DELETE", `/devices/${device.deviceId}`, {}),
    (device) => proven(main, "POST", "/delete_devices", { devices: [device.deviceId] }),
    () => proven(main, "POST", "/account/password", { new_password: password }),
    (device) => device.call("POST", "/logout/all", {}),
    () => proven(other, "POST", "/account/deactivate", {}),
  ];
  let other = main;
  for (const end of ends) {
    other = await signIn();
    const device = await signIn();
    const { next_batch: since } = await device.sync();
    const query = new URLSearchParams({ since, timeout: "25000" });
    const waiting = device.ask("GET", `/sync?${query.toString()}`);
    await device.call("GET", "/account/whoami");
    await end(device);
    await alice.send(roomId, "not for who has gone");
    expect(await waiting).toMatchObject({ status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } });
  }
}, 180_000);
