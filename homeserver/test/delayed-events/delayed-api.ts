/** What a client asks about events that are sent later. */
import type { Body, Served, TestUser } from "../support/user.ts";

export const UNSTABLE = "/_matrix/client/unstable/org.matrix.msc4140";
let transactions = 0;
export const nextTxn = () => `delayed${++transactions}`;

/** A request at a whole path, with a token or without. */
export async function raw(
  server: Served,
  method: string,
  path: string,
  { body, token }: { readonly body?: unknown; readonly token?: string | undefined } = {},
): Promise<{ status: number; body: Body; headers: Headers }> {
  const response = await fetch(`${server.baseUrl}${path}`, {
    method,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

/** The client of one user. */
export function delayedApi(server: Served, { token }: Pick<TestUser, "token">) {
  const ask = (method: string, path: string, body?: unknown) =>
    raw(server, method, path, { body, token });
  const inRoom = (roomId: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
  return {
    ask,
    /** As js-sdk and Synapse have it. */
    message: (roomId: string, delay: number, content: object, txn = nextTxn()) =>
      ask(
        "PUT",
        `${inRoom(roomId)}/send/org.example.test/${txn}?org.matrix.msc4140.delay=${delay}`,
        content,
      ),
    state: (roomId: string, delay: number, stateKey: string, content: object) =>
      ask(
        "PUT",
        `${inRoom(roomId)}/state/org.example.test/${stateKey}?org.matrix.msc4140.delay=${delay}`,
        content,
      ),
    /** As the accepted proposal has it. */
    schedule: (roomId: string, body: object, type = "org.example.test", txn = nextTxn()) =>
      ask(
        "PUT",
        `${UNSTABLE}/rooms/${encodeURIComponent(roomId)}/delayed_event/${type}/${txn}`,
        body,
      ),
    list: (query = "") => ask("GET", `${UNSTABLE}/delayed_events${query}`),
    one: (delayId: string) => ask("GET", `${UNSTABLE}/delayed_events/${delayId}`),
    manage: (delayId: string, action: string) =>
      ask("POST", `${UNSTABLE}/delayed_events/${delayId}/${action}`),
  };
}

export type DelayedApi = ReturnType<typeof delayedApi>;

/** What was sent in the room of a type, oldest first. */
export async function sentIn(
  user: TestUser,
  roomId: string,
  type = "org.example.test",
): Promise<Body[]> {
  const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1000`;
  const { chunk } = await user.call("GET", path);
  return chunk.filter((event: Body) => event.type === type).reverse();
}
