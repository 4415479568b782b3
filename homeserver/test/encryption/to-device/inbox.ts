/** What waits for devices, as their next sync would get it. */
import { messagesFor } from "../../../src/storage/users/to-device.ts";
import type { TestServer } from "../../support/server.ts";
import { type Body, type TestUser, userOf } from "../../support/user.ts";

/** The messages that wait for a device, oldest first. */
export async function inbox(
  server: TestServer,
  { userId, deviceId }: { userId: string; deviceId: string },
): Promise<Body[]> {
  const which = { userId, deviceId, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 100_000 };
  const rows = await messagesFor(server.database.sql, which);
  return rows.map(({ message }) => JSON.parse(message));
}

/** What waits for other servers, oldest first: destination, and the EDU's content. */
export async function outbound(server: TestServer): Promise<{ server: string; content: Body }[]> {
  const rows = await server.database.sql<{ server: string; content: string }[]>`
    SELECT server, content FROM to_device_outbound ORDER BY position`;
  return rows.map((row) => ({ server: row.server, content: JSON.parse(row.content) }));
}

/** Signs the user in once more. */
export async function anotherDevice(
  server: TestServer,
  { userId }: TestUser,
  device_id?: string,
): Promise<TestUser> {
  const username = userId.slice(1, userId.indexOf(":"));
  const response = await fetch(`${server.baseUrl}/_matrix/client/v3/login`, {
    method: "POST",
    body: JSON.stringify({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: username },
      password: `${username}-Secret-1`,
      device_id,
    }),
  });
  return userOf(server, (await response.json()) as Body);
}

let transactions = 0;

/** PUT /sendToDevice, with a transaction id of its own unless one is given. */
export function sendTo(
  by: TestUser,
  messages: Body,
  { type = "org.example.message", txnId = `d${++transactions}` } = {},
): Promise<{ status: number; body: Body }> {
  const path = `/sendToDevice/${encodeURIComponent(type)}/${encodeURIComponent(txnId)}`;
  return by.ask("PUT", path, { messages });
}
