import type { JsonObject } from "./json.ts";
import { createClient, unique } from "./client.ts";
import type { Client } from "./client.ts";
import { must, mustFail } from "./must.ts";
import type { CreateRoomBody } from "./shapes.ts";
import type { Subject } from "./subject.ts";

/** Somebody with an account and a session on the server under test. */
export interface User extends Client {
  readonly userId: string;
  readonly deviceId: string;
  readonly password: string;
  createRoom(body?: CreateRoomBody): Promise<string>;
  /** Sends a message event and answers with its id; a string is a text message. */
  send(roomId: string, content: string | JsonObject, type?: string): Promise<string>;
  setState(roomId: string, type: string, content: JsonObject, stateKey?: string): Promise<string>;
  getState(roomId: string, type: string, stateKey?: string): Promise<JsonObject>;
  join(roomIdOrAlias: string, via?: readonly string[]): Promise<string>;
  invite(roomId: string, userId: string): Promise<void>;
  leave(roomId: string): Promise<void>;
}

/** Registers a new user whose name begins with `name`. */
export async function registerUser(subject: Subject, name = "user"): Promise<User> {
  const password = unique("password");
  const body = { username: unique(name), password };
  const client = createClient(subject);
  const challenge = await client.request("register", { body });
  const { session } = challenge.body as { session?: string };
  const done = await client.call("register", {
    body: { ...body, auth: { type: "m.login.dummy", session } },
  });
  return asUser(client, done as Session, password);
}

/** A second session of the same user. */
export async function logIn(user: User, more: object = {}): Promise<User> {
  const client = createClient(user.subject);
  const done = await client.call("login", {
    body: {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: user.userId },
      password: user.password,
      ...more,
    },
  });
  return asUser(client, done, user.password);
}

/** Closes a user's account, as the user with a password does it. */
export async function deactivate(user: User): Promise<void> {
  const { session } = await mustFail(user.request("deactivateAccount", { body: {} }), 401);
  const identifier = { type: "m.id.user", user: user.userId };
  const auth = { type: "m.login.password", identifier, password: user.password, session };
  await user.call("deactivateAccount", { body: { auth } });
}

export interface Session {
  readonly user_id: string;
  readonly access_token: string;
  readonly device_id: string;
}

/** The event of an answer to a request that sends one at once. */
export function sentId(answer: { event_id: string } | { delay_id: string }): string {
  must("event_id" in answer, "what was to be sent at once was delayed");
  return answer.event_id;
}

export function asUser(client: Client, session: Session, password: string): User {
  client.accessToken = session.access_token;
  const user: User = Object.assign(client, {
    userId: session.user_id,
    deviceId: session.device_id,
    password,
    async createRoom(body: CreateRoomBody = {}) {
      return (await user.call("createRoom", { body })).room_id;
    },
    async send(roomId: string, content: string | JsonObject, type = "m.room.message") {
      const body = typeof content === "string" ? { msgtype: "m.text", body: content } : content;
      const path = { roomId, eventType: type, txnId: unique("txn") };
      return sentId(await user.call("sendMessage", { path, body }));
    },
    async setState(roomId: string, type: string, content: JsonObject, stateKey = "") {
      const path = { roomId, eventType: type, stateKey };
      return sentId(await user.call("setRoomStateWithKey", { path, body: content }));
    },
    async getState(roomId: string, type: string, stateKey = "") {
      const path = { roomId, eventType: type, stateKey };
      return user.call("getRoomStateWithKey", { path });
    },
    async join(roomIdOrAlias: string, via: readonly string[] = []) {
      const query = { via, server_name: via };
      return (await user.call("joinRoom", { path: { roomIdOrAlias }, query })).room_id;
    },
    async invite(roomId: string, userId: string) {
      await user.call("inviteUser", { path: { roomId }, body: { user_id: userId } });
    },
    async leave(roomId: string) {
      await user.call("leaveRoom", { path: { roomId } });
    },
  });
  return user;
}
