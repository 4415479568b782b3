import { afterAll, beforeAll, expect, test } from "vitest";
import { openLog } from "../log/support.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  roomId = (await alice.call("POST", "/createRoom", {})).room_id;
});
afterAll(() => server.close());

const isCalled = (name: string) => (body: { rooms?: { join?: Record<string, unknown> } }) =>
  JSON.stringify(body.rooms?.join?.[roomId] ?? {}).includes(`"displayname":"${name}"`);

test("member events follow a changed name before the change is answered", async () => {
  await alice.call("PUT", `/profile/${alice.userId}/displayname`, { displayname: "Alice" });
  const member = await alice.call("GET", `/rooms/${roomId}/state/m.room.member/${alice.userId}`);
  expect(member).toMatchObject({ displayname: "Alice", membership: "join" });
});

test("member events follow a name whose change was committed just before the server was killed", async () => {
  const { next_batch: since } = await alice.sync();
  await server.stop();
  // What is in the database when the process dies between the commit and what follows from it.
  const dying = await openLog(server.database.location);
  await dying.log.change(async ({ tx, record }) => {
    await tx`UPDATE profiles SET displayname = 'Alicia' WHERE user_id = ${alice.userId}`;
    record({ kind: "profile", userId: alice.userId });
  });
  await dying.stop();
  await server.restart();
  await alice.syncUntil(since, isCalled("Alicia"));
});
