/** A server whose settings change while it runs, and looks at what it does. */
import { afterAll, beforeAll, expect } from "vitest";
import type { Config } from "../../src/config/load.ts";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";

export let server: TestServer;
export let alice: TestUser;
export let settled: Config;
beforeAll(async () => {
  server = await startServer({
    smtp: { url: "smtp://127.0.0.1:9?tls=off", from: "a@here.test" },
    userLimits: { ...DEFAULT_LIMITS },
  });
  const { userLimits, retention: kept } = server.config;
  settled = { ...server.config, userLimits: { ...userLimits }, retention: { ...kept } };
  alice = await register(server, "alice");
});
afterAll(() => server.close());

/** As when settings are read again: the objects that were handed on stay, their members change. */
export function change({ userLimits, retention: kept, ...rest }: Partial<Config>): void {
  Object.assign(server.config, rest);
  Object.assign(server.config.retention, kept);
  Object.assign(server.config.userLimits, userLimits);
}

export async function ask(
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${server.baseUrl}${path}`, init);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

export const post = (path: string, body: unknown) =>
  ask(path, { method: "POST", body: JSON.stringify(body) });
export const statusOf = async (method: string, path: string, body?: unknown) =>
  (await alice.ask(method, path, body)).status;

export async function stages(): Promise<string> {
  const { status, body } = await post("/_matrix/client/v3/register", {});
  const flows = (body.flows ?? []) as { stages: string[] }[];
  return `${status} ${flows.map((flow) => flow.stages.join("+")).join(" or ")}`.trim();
}

export async function room(options: object = {}): Promise<string> {
  return (await alice.call("POST", "/createRoom", options)).room_id;
}

export const stateOf = (roomId: string, type: string) =>
  alice.ask("GET", `/rooms/${encodeURIComponent(roomId)}/state/${type}`);

/** Alice's address, when a proxy on this machine says that she is elsewhere. */
export async function addressSeen(): Promise<string> {
  const { token, deviceId } = await signIn();
  await ask("/_matrix/client/v3/account/whoami", {
    headers: { authorization: `Bearer ${token}`, "x-forwarded-for": "192.0.2.7" },
  });
  const who = await alice.call("GET", `/admin/whois/${encodeURIComponent(alice.userId)}`);
  const { sessions } = who.devices[deviceId];
  return sessions[0].connections[0].ip;
}

async function signIn(): Promise<TestUser> {
  const identifier = { type: "m.id.user", user: "alice" };
  const login = { type: "m.login.password", identifier, password: "alice-Secret-1" };
  const { status, body } = await post("/_matrix/client/v3/login", login);
  expect(status).toBe(200);
  return userOf(server, body);
}

let made = 0;
/** A number that is never given again. */
export const next = () => ++made;
export const newAlias = () => ({ room_alias_name: `alias-${next()}` });

export async function upload(): Promise<{ status: number; path: string }> {
  const { status, body } = await ask("/_matrix/media/v3/upload", {
    method: "POST",
    headers: { authorization: `Bearer ${alice.token}` },
    body: `A file: ${next()}`,
  });
  return { status, path: String(body.content_uri).replace("mxc://", "") };
}

export function newBackup(): Promise<number> {
  const algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
  const auth = { public_key: "abcdefg", signatures: {} };
  return statusOf("POST", "/room_keys/version", { algorithm, auth_data: auth });
}

export async function uploadSize(): Promise<number> {
  const headers = { authorization: `Bearer ${alice.token}` };
  return (await ask("/_matrix/client/v1/media/config", { headers })).body["m.upload.size"];
}

/** Schedules a message for half an hour later. */
export async function sendLater(): Promise<number> {
  const roomId = encodeURIComponent(await room());
  const path = `/rooms/${roomId}/send/m.room.message/${next()}?org.matrix.msc4140.delay=1800000`;
  return await statusOf("PUT", path, { msgtype: "m.text", body: "later" });
}

export async function capability(name: string): Promise<Body> {
  return (await alice.call("GET", "/capabilities")).capabilities[name];
}

/** More than any limit of wrong passwords for this name lets through without a wait. */
export async function lastOfManyLogins(): Promise<number> {
  const user = `nobody-${next()}`;
  const login = {
    type: "m.login.password",
    identifier: { type: "m.id.user", user },
    password: "x",
  };
  let last = 0;
  for (let count = 0; count < 10; count++) {
    last = (await post("/_matrix/client/v3/login", login)).status;
  }
  return last;
}

export async function retention(): Promise<unknown> {
  const path = "/_matrix/client/unstable/org.matrix.msc1763/retention/configuration";
  const headers = { authorization: `Bearer ${alice.token}` };
  const { status, body } = await ask(path, { headers });
  return status === 200 ? body : status;
}

export async function contacts(): Promise<unknown> {
  const { status, body } = await ask("/.well-known/matrix/support");
  return status === 200 ? body : status;
}

/** How many entries there are of what an administrator did an hour ago. */
export async function auditedActions(): Promise<number> {
  const { userId, token } = await register(server, `root-${next()}`);
  const { sql } = server.database;
  await sql`UPDATE accounts SET is_admin = true WHERE user_id = ${userId}`;
  const headers = { authorization: `Bearer ${token}` };
  const body = JSON.stringify({ block: true });
  await ask("/_synapse/admin/v1/rooms/!a:b/block", { method: "PUT", headers, body });
  await sql`UPDATE audit_log SET ts = ts - 3600000 WHERE user_id = ${userId}`;
  const path = `/_weft/admin/audit?user_id=${encodeURIComponent(userId)}`;
  return (await ask(path, { headers })).body.entries.length;
}
