/** A server with an administrator and two users, for the tests of the file that imports this. */
import { afterAll, beforeAll } from "vitest";
import { startServer, type TestServer } from "./server.ts";
import { register, type TestUser } from "./user.ts";

export let server: TestServer;
export let admin: TestUser;
export let alice: TestUser;
export let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  admin = await register(server, "root");
  alice = await register(server, "alice");
  bob = await register(server, "bob");
  await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${admin.userId}`;
});
afterAll(() => server.close());
