/** A server that follows the protocol but for what it is told to send: a running one's key in our hands. */
import { loadSigningKey } from "../../src/config/signing-key.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import type { Json, JsonObject } from "../../src/protocol/json.ts";
import { xMatrixHeader } from "../../src/federation-client/requests/signed-request.ts";
import type { TestServer } from "./server.ts";
import type { Body } from "./user.ts";

let transactions = 0;

/** A request that `from` has signed, whatever it holds. */
export async function askAs(
  from: TestServer,
  to: TestServer,
  method: string,
  uri: string,
  content?: JsonObject,
): Promise<{ status: number; body: Body }> {
  const key = loadSigningKey(from.config.dataDir, systemRandom);
  const request = {
    method,
    uri,
    origin: from.name as ServerName,
    destination: to.name as ServerName,
  };
  const signed = content === undefined ? request : { ...request, content };
  const response = await fetch(`${to.baseUrl}${uri}`, {
    method,
    headers: { authorization: xMatrixHeader(signed, key), "content-type": "application/json" },
    ...(content === undefined ? {} : { body: JSON.stringify(content) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

/** A transaction of `from`. */
export function tellAs(
  from: TestServer,
  to: TestServer,
  { pdus = [], edus = [] }: { pdus?: Json[]; edus?: Json[] },
): Promise<{ status: number; body: Body }> {
  const uri = `/_matrix/federation/v1/send/by-hand-${++transactions}`;
  const content = { origin: from.name, origin_server_ts: Date.now(), pdus, edus };
  return askAs(from, to, "PUT", uri, content);
}
