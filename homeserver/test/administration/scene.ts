/** A server with two administrators and some people, and what is asked of it. */
import { afterAll, beforeAll } from "vitest";
import { type Answer, askPath, ensureAsSpecified } from "../support/contract-answers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";

export let server: TestServer;
export let root: TestUser;
export let other: TestUser;
export let alice: TestUser;
export let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  root = await register(server, "root");
  other = await register(server, "other");
  alice = await register(server, "alice");
  bob = await register(server, "bob");
  const { sql } = server.database;
  await sql`UPDATE accounts SET is_admin = true WHERE user_id IN (${root.userId}, ${other.userId})`;
}, 60_000);
afterAll(() => server.close());

export const idOf = (name: string) => `@${name}:${server.name}`;
export const encoded = encodeURIComponent;

/** Asks something, as the administrator unless somebody else is named. */
export async function ask(
  method: string,
  path: string,
  body?: unknown,
  token: string = root.token,
  at: { readonly baseUrl: string } = server,
): Promise<Answer> {
  const answer = await askPath(at, { token }, { method, path, body });
  ensureAsSpecified(method, path, answer);
  return answer;
}

/** The same; fails unless it was done. */
export async function done(method: string, path: string, body?: unknown): Promise<Body> {
  const answer = await ask(method, path, body);
  if (answer.status < 300) return answer.body;
  throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

/** Status and error code. */
export async function refused(
  method: string,
  path: string,
  body?: unknown,
): Promise<[number, string]> {
  const answer = await ask(method, path, body);
  return [answer.status, answer.body.errcode];
}

export const userPath = (userId: string, rest = "") =>
  `/_synapse/admin/v2/users/${encoded(userId)}${rest}`;
export const v1 = (path: string) => `/_synapse/admin/v1${path}`;

let made = 0;
/** A name that nobody has. */
export const newName = (stem = "user") => `${stem}${++made}`;

/** Somebody new. */
export const newcomer = (stem?: string) => register(server, newName(stem));

export async function signIn(user: string, password: string) {
  const identifier = { type: "m.id.user", user };
  return ask("POST", "/_matrix/client/v3/login", {
    type: "m.login.password",
    identifier,
    password,
  });
}

export async function signedIn(user: string, password: string): Promise<TestUser> {
  return userOf(server, (await signIn(user, password)).body);
}

export const whoami = async (user: Pick<TestUser, "token">) =>
  ask("GET", "/_matrix/client/v3/account/whoami", undefined, user.token);
