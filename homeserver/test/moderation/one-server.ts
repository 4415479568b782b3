/** A server with an administrator and two people, and what tests of locking and suspending ask of it. */
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { registrationFolder, registrationText } from "../appservice/support.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";

export const LOCKED = {
  status: 401,
  body: { errcode: "M_USER_LOCKED", error: "This account is locked", soft_logout: true },
};
export const SUSPENDED = {
  status: 403,
  body: { errcode: "M_USER_SUSPENDED", error: expect.any(String) as string },
};

const files = registrationFolder({
  puppets: registrationText({
    ...{ id: "puppets", url: null, as_token: "puppet-token", sender_localpart: "puppeteer" },
    users: [{ regex: "@.*", exclusive: false }],
  }),
});
export let server: TestServer;
export let root: TestUser;
export let other: TestUser;
export let alice: TestUser;
export let bob: TestUser;
let people = 0;

beforeAll(async () => {
  server = await startServer({ appservices: files.folder });
  [root, other] = [await register(server, "root"), await register(server, "other")];
  const ids = [root.userId, other.userId];
  await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ANY (${ids})`;
  // Who is an administrator is read with a new session.
  [root, other] = [await signedIn(root), await signedIn(other)];
}, 120_000);
afterAll(async () => {
  await server?.close();
  files.close();
});
beforeEach(async () => {
  people += 1;
  alice = await register(server, `alice${people}`);
  bob = await register(server, `bob${people}`);
});

/** A request below /_matrix/client. */
export async function ask(method: string, path: string, body?: unknown, token?: string) {
  const response = await fetch(`${server.baseUrl}/_matrix/client${path}`, {
    method,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

export const nameOf = ({ userId }: { userId: string }) => userId.slice(1, userId.indexOf(":"));
export const identifier = (user: TestUser) => ({ type: "m.id.user", user: nameOf(user) });
export const signIn = (user: TestUser, more: object = {}) =>
  ask("POST", "/v3/login", {
    ...{ type: "m.login.password", identifier: identifier(user) },
    password: `${nameOf(user)}-Secret-1`,
    ...more,
  });
export const signedIn = async (user: TestUser, more: object = {}) =>
  userOf(server, (await signIn(user, more)).body);

export type Kind = "lock" | "suspend";
export const DONE = { lock: "locked", suspend: "suspended" } as const;
export const pathOf = (kind: Kind, userId: string) =>
  `/v1/admin/${kind}/${encodeURIComponent(userId)}`;
export const look = (kind: Kind, userId: string, by: TestUser = root) =>
  ask("GET", pathOf(kind, userId), undefined, by.token);
export const set = (kind: Kind, userId: string, value: unknown = true, by: TestUser = root) =>
  ask("PUT", pathOf(kind, userId), { [DONE[kind]]: value }, by.token);
export const room = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}${rest}`;
export const whoami = (user: TestUser) => user.ask("GET", "/account/whoami");

/** Their password, for user-interactive authentication. */
export function auth(user: TestUser): object {
  const password = `${nameOf(user)}-Secret-1`;
  return { type: "m.login.password", identifier: identifier(user), password };
}
