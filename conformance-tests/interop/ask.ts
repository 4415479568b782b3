import type { JsonObject } from "../harness/json.ts";
import { queryOf } from "../harness/client.ts";
import type { QueryValues } from "../harness/client.ts";
import type { User } from "../harness/users.ts";

/** A request of the client API by its path, with parts of a path encoded: what has no call of its own in the harness. */
export async function ask(
  user: User,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: readonly string[],
  { body, query = {} }: { readonly body?: object; readonly query?: QueryValues } = {},
): Promise<JsonObject> {
  const url = `/_matrix/client/${path.map(encodeURIComponent).join("/")}${queryOf(query)}`;
  const headers = {
    authorization: `Bearer ${user.accessToken}`,
    "content-type": "application/json",
  };
  const text = method === "GET" || method === "DELETE" ? undefined : JSON.stringify(body ?? {});
  const answer = await user.plain(method, url, headers, text);
  if (answer.status < 300) return answer.body as JsonObject;
  throw new Error(`${method} ${url}: ${answer.status} ${answer.bytes.toString().slice(0, 600)}`);
}
