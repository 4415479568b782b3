/** A server with an administrator and two users. */
import { expect } from "vitest";
import { type Answer, askPath, ensureAsSpecified } from "../support/contract-answers.ts";
import type { Body, TestUser } from "../support/user.ts";
import { admin, server } from "../support/with-administrator.ts";

export { admin, alice, bob, server } from "../support/with-administrator.ts";

/** Asks an operation for administrators by its whole path. */
export async function ask(
  method: string,
  path: string,
  { body, user = admin }: { readonly body?: object; readonly user?: TestUser } = {},
): Promise<Answer> {
  return askPath(server, user, { method, path, body });
}

/** The same where it has to succeed, and to answer what the contract says. */
export async function done(...request: Parameters<typeof ask>): Promise<Body> {
  const answer = await ask(...request);
  const [method, path] = request;
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  ensureAsSpecified(method, path, answer);
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
