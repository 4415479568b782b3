/** A server with an administrator and two users, who have files. */
import type { Body, TestUser } from "../support/user.ts";
import { admin, bob, server } from "../support/with-administrator.ts";

export { admin, alice, bob, server } from "../support/with-administrator.ts";

let made = 0;

/** Uploads something; answers its mxc URI. */
export async function upload(user: TestUser, content = `A file: ${++made}`): Promise<string> {
  const response = await fetch(`${server.baseUrl}/_matrix/media/v3/upload?filename=a.txt`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.token}`, "content-type": "text/plain" },
    body: content,
  });
  return ((await response.json()) as Body).content_uri;
}

export const placeOf = (uri: string) => uri.slice("mxc://".length);

/** The status of a download. */
export async function download(uri: string, rest = ""): Promise<number> {
  const response = await fetch(
    `${server.baseUrl}/_matrix/client/v1/media/${rest === "" ? "download" : "thumbnail"}/${placeOf(uri)}${rest}`,
    { headers: { authorization: `Bearer ${bob.token}` } },
  );
  await response.arrayBuffer();
  return response.status;
}

/** An operation for administrators. */
export async function ask(
  method: string,
  path: string,
  user: TestUser = admin,
): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${server.baseUrl}/_synapse/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${user.token}` },
  });
  return { status: response.status, body: (await response.json()) as Body };
}

let sent = 0;

/** Sends an event with a content; answers its id. */
export async function send(
  user: TestUser,
  roomId: string,
  content: object,
  type = "m.room.message",
): Promise<string> {
  const path = `/rooms/${encodeURIComponent(roomId)}/send/${type}/media${++sent}`;
  return (await user.call("PUT", path, content)).event_id;
}

export const image = (uri: string) => ({ msgtype: "m.image", body: "an image", url: uri });

export async function room(user: TestUser, options: object = {}): Promise<string> {
  return (await user.call("POST", "/createRoom", options)).room_id;
}
