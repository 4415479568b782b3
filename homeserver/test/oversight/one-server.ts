/** A server with an administrator and a user. */
import { afterAll, beforeAll } from "vitest";
import { type Answer, askPath } from "../support/contract-answers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

export let server: TestServer;
export let root: TestUser;
export let alice: TestUser;

beforeAll(async () => {
  server = await startServer();
  root = await administrator(server, "root");
  alice = await register(server, "alice");
}, 60_000);
afterAll(() => server.close());

export async function administrator(on: TestServer, name: string): Promise<TestUser> {
  const user = await register(on, name);
  await on.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${user.userId}`;
  return user;
}

/** A request to any path. */
export async function ask(
  method: string,
  path: string,
  {
    body,
    by = root,
    on = server,
  }: { body?: unknown; by?: TestUser; on?: { baseUrl: string } } = {},
): Promise<Answer> {
  return askPath(on, by, { method, path, body });
}

/** What a GET by the administrator answers. */
export async function get(path: string): Promise<Body> {
  const { status, body } = await ask("GET", path);
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}

export const segment = encodeURIComponent;
