/** A thread that Alice began, and Bob, who may follow it. */
import { type Body, register, type TestUser } from "../support/user.ts";

const PREFIX = "/_matrix/client/unstable";
let scenes = 0;
let sent = 0;

const roomPath = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

/** A request to an operation of a proposal. */
export async function unstable(
  server: { readonly baseUrl: string },
  user: Pick<TestUser, "token">,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${server.baseUrl}${PREFIX}${path}`, {
    method,
    headers: { authorization: `Bearer ${user.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

export const subscriptionPath = (roomId: string, root: string) =>
  `/io.element.msc4306${roomPath(roomId, `/thread/${encodeURIComponent(root)}/subscription`)}`;

export async function reply(
  user: TestUser,
  roomId: string,
  root: string,
  body: string,
  more: Body = {},
): Promise<string> {
  sent += 1;
  const content = {
    ...{ msgtype: "m.text", body },
    "m.relates_to": { rel_type: "m.thread", event_id: root },
    ...more,
  };
  const path = roomPath(roomId, `/send/m.room.message/r${sent}`);
  return (await user.call("PUT", path, content)).event_id;
}

export async function scene(server: { readonly baseUrl: string }) {
  scenes += 1;
  const alice = await register(server, `alice${scenes}`);
  const bob = await register(server, `bob${scenes}`);
  const carol = await register(server, `carol${scenes}`);
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  for (const one of [bob, carol]) await one.call("POST", roomPath(roomId, "/join"), {});
  const root: string = await alice.send(roomId, "a thread begins");
  const first = await reply(alice, roomId, root, "first");
  const ask = (method: string, body?: unknown, at: string = root, as: TestUser = bob) =>
    unstable(server, as, method, subscriptionPath(roomId, at), body);
  return { alice, bob, carol, roomId, root, first, ask };
}
