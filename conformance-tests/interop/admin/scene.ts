/** What administrators' tools work on: an administrator, a user, a room with a message, a file and a report. */
import { createHmac } from "node:crypto";
import { createClient, unique } from "../../harness/client.ts";
import { must } from "../../harness/must.ts";
import type { Subject } from "../../harness/subject.ts";
import { asUser, registerUser, type User } from "../../harness/users.ts";

/** The server under test registers by it. */
export const SHARED_SECRET = "shared-secret-of-the-tools";

export interface Scene {
  readonly subject: Subject;
  readonly admin: User;
  /** Somebody whose account lasts. */
  readonly user: User;
  readonly roomId: string;
  readonly alias: string;
  /** Of a message in the room. */
  readonly eventId: string;
  /** Of an upload that the room names. */
  readonly mediaId: string;
  /** Further users and rooms, for what is done to them once. */
  newUser(): Promise<User>;
  newRoom(): Promise<string>;
  upload(): Promise<string>;
  /** A request with the administrator's token; what is not JSON is an empty object. */
  ask(method: string, path: string, body?: object): Promise<{ status: number; body: Answer }>;
}

export type Answer = Readonly<Record<string, unknown>>;

export async function setScene(subject: Subject): Promise<Scene> {
  const admin = await registerAdministrator(subject);
  const user = await registerUser(subject, "somebody");
  const name = unique("tools");
  const alias = `#${name}:${subject.serverName}`;
  const roomId = await user.createRoom({ preset: "public_chat", room_alias_name: name });
  const eventId = await user.send(roomId, "what is reported");
  const mediaId = await uploadOf(user);
  const url = `mxc://${subject.serverName}/${mediaId}`;
  await user.send(roomId, { msgtype: "m.file", body: "a file", url });
  const path = { roomId, eventId };
  await admin.join(roomId);
  await admin.call("reportEvent", { path, body: { reason: "spam" } });
  await admin.call("reportUser", { path: { userId: user.userId }, body: { reason: "spam" } });
  return {
    ...{ subject, admin, user, roomId, alias, eventId, mediaId },
    newUser: () => registerUser(subject, "another"),
    newRoom: () => user.createRoom({ preset: "public_chat" }),
    upload: () => uploadOf(user),
    ask: (method, to, body) => ask(subject, admin, method, to, body),
  };
}

async function ask(subject: Subject, by: User, method: string, path: string, body?: object) {
  const response = await fetch(`${subject.clientUrl}${path}`, {
    method,
    headers: {
      ...{ accept: "application/json", authorization: `Bearer ${by.accessToken}` },
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text.startsWith("{") ? (JSON.parse(text) as Answer) : {};
  return { status: response.status, body: answer };
}

async function uploadOf(user: User): Promise<string> {
  const response = await fetch(`${user.subject.clientUrl}/_matrix/media/v3/upload`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.accessToken}`, "content-type": "text/plain" },
    body: unique("a file of the tools"),
  });
  const { content_uri: uri } = (await response.json()) as { content_uri: string };
  return uri.split("/").at(-1)!;
}

/** As Synapse's register_new_matrix_user does it. */
async function registerAdministrator(subject: Subject): Promise<User> {
  const url = `${subject.clientUrl}/_synapse/admin/v1/register`;
  const { nonce } = (await (await fetch(url)).json()) as { nonce: string };
  const [username, password] = [unique("root"), unique("password")];
  const parts = [nonce, username, password, "admin"].join("\0");
  const mac = createHmac("sha1", SHARED_SECRET).update(parts).digest("hex");
  const body = JSON.stringify({ nonce, username, password, admin: true, mac });
  const response = await fetch(url, { method: "POST", body });
  must(response.status === 200, `no administrator can be registered: ${response.status}`);
  const session = (await response.json()) as Parameters<typeof asUser>[1];
  return asUser(createClient(subject), session, password);
}
