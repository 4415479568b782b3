/** Requests to identity servers: hosts that users name. (Identity Service API, version 2.) */
import type { Agent, Dispatcher } from "undici";
import type { SigningKey } from "../protocol/crypto.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import {
  type Json,
  isJsonObject,
  JsonError,
  type JsonObject,
  parseLoose,
} from "../protocol/json.ts";
import { readBody } from "./reading/read-body.ts";
import { RemoteError } from "./requests/remote-error.ts";
import { xMatrixHeader } from "./requests/signed-request.ts";

export interface IdentityServers {
  /**
   * POST /_matrix/identity/v2/3pid/bind, with the user's own token there.
   * @throws RemoteError
   */
  bind(server: ServerName, token: string, content: JsonObject): Promise<JsonObject>;
  /**
   * POST /_matrix/identity/v2/3pid/unbind, signed by this server. False: it does not support that.
   * @throws RemoteError
   */
  unbind(server: ServerName, content: JsonObject): Promise<boolean>;
}

const TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 65_536;
const ROOT = "/_matrix/identity/v2/3pid";

/** @param deps.agent refuses private addresses where they are not allowed */
export function createIdentityServers(deps: {
  readonly agent: Agent;
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
}): IdentityServers {
  const { agent, serverName, signingKey } = deps;

  async function post(
    server: ServerName,
    path: string,
    content: JsonObject,
    authorization: string,
  ) {
    try {
      const answer = await agent.request({
        origin: `https://${server}`,
        path,
        method: "POST",
        headers: { authorization, "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(content),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: answer.statusCode, body: await jsonOf(answer.body) };
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string };
      const reason = `${server} could not be reached (${code ?? message ?? "unknown"})`;
      throw new RemoteError(server, undefined, undefined, reason);
    }
  }

  function refusal(server: ServerName, status: number, body: Json | undefined): RemoteError {
    const said =
      isJsonObject(body) && typeof body["error"] === "string" ? `: ${body["error"]}` : "";
    return new RemoteError(server, status, body, `${server} answered ${status}${said}`);
  }

  return {
    async bind(server, token, content) {
      const { status, body } = await post(server, `${ROOT}/bind`, content, `Bearer ${token}`);
      if (status !== 200) throw refusal(server, status, body);
      return isJsonObject(body) ? body : {};
    },

    async unbind(server, content) {
      const uri = `${ROOT}/unbind`;
      const signed = { method: "POST", uri, origin: serverName, destination: server, content };
      const { status, body } = await post(server, uri, content, xMatrixHeader(signed, signingKey));
      if (status === 200) return true;
      const isError = isJsonObject(body) && typeof body["errcode"] === "string";
      const isUnknown = !isError || body["errcode"] === "M_UNRECOGNIZED";
      if ((status === 400 || status === 404 || status === 501) && isUnknown) return false;
      throw refusal(server, status, body);
    },
  };
}

/** Undefined: it is no JSON. */
async function jsonOf(body: Dispatcher.ResponseData["body"]): Promise<Json | undefined> {
  const bytes = await readBody(body, MAX_ANSWER_BYTES);
  try {
    return parseLoose(bytes);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
