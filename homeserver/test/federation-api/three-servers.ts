/** Three whole servers, and rooms that they share. */
import { afterAll, beforeAll } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askAs } from "../support/signed-requests.ts";
import { register, type TestUser } from "../support/user.ts";

export let one: TestServer;
export let two: TestServer;
let three: TestServer;
export let alice: TestUser;
export let bob: TestUser;
export let carol: TestUser;

beforeAll(async () => {
  [one, two, three] = await Promise.all([startServer(), startServer(), startServer()]);
  alice = await register(one, "alice");
  bob = await register(two, "bob");
  carol = await register(three, "carol");
});

afterAll(() => Promise.all([one, two, three].map((server) => server.close())));

let transactions = 0;

export function tell(pdus: JsonObject[], edus: JsonObject[], txnId = `by-hand-${++transactions}`) {
  const content = { origin: two.name, origin_server_ts: Date.now(), pdus, edus };
  return askAs(two, one, "PUT", `/_matrix/federation/v1/send/${txnId}`, content);
}

export async function sharedRoom(options: object = {}): Promise<string> {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {
    preset: "public_chat",
    ...options,
  });
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
  return roomId;
}

export const typingEdu = (roomId: string, typing = true): JsonObject => ({
  edu_type: "m.typing",
  content: { room_id: roomId, user_id: bob.userId, typing },
});
