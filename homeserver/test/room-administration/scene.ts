/** A server with an administrator and two users. */
import { operations, type OperationId } from "@weft/spec/operations";
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, expect } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

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

interface Answer {
  readonly status: number;
  readonly body: Body;
}

/** Asks an operation for administrators by its whole path. */
export async function ask(
  method: string,
  path: string,
  { body, user = admin }: { readonly body?: object; readonly user?: TestUser } = {},
): Promise<Answer> {
  const response = await fetch(`${server.baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

const validators = createValidators();
const PATHS = (Object.keys(operations) as OperationId[])
  .filter((id) => operations[id].api === "admin")
  .map((id) => {
    const { method, path } = operations[id];
    const pattern = path.replaceAll(/[.]/g, "[.]").replaceAll(/\{\w+\}/g, "[^/]+");
    return { id, method, pattern: new RegExp(`^${pattern}$`) };
  });

/** The same where it has to succeed, and to answer what the contract says. */
export async function done(...request: Parameters<typeof ask>): Promise<Body> {
  const answer = await ask(...request);
  const [method, path] = request;
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const plain = path.split("?")[0]!;
  const { id } = PATHS.find((one) => one.method === method && one.pattern.test(plain))!;
  expect(validators.response(id, 200, answer.body), id).toEqual([]);
  return answer.body;
}

export const rooms = (rest = "") => `/_synapse/admin/v1/rooms${rest}`;
export const at = (roomId: string, rest = "") => rooms(`/${encodeURIComponent(roomId)}${rest}`);

export async function room(user: TestUser, options: object = {}): Promise<string> {
  return (await user.call("POST", "/createRoom", options)).room_id;
}

export async function join(user: TestUser, roomId: string): Promise<void> {
  await user.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
}

let sent = 0;

export async function say(user: TestUser, roomId: string, body: string): Promise<string> {
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/say${++sent}`;
  return (await user.call("PUT", path, { msgtype: "m.text", body })).event_id;
}

/** Sends state; answers the event's id. */
export async function set(
  user: TestUser,
  roomId: string,
  type: string,
  content: object,
): Promise<string> {
  const path = `/rooms/${encodeURIComponent(roomId)}/state/${type}/`;
  return (await user.call("PUT", path, content)).event_id;
}
