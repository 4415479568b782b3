/** Requests to identity servers: hosts that users name. (Identity Service API, version 2.) */
import type { Agent, Dispatcher } from "undici";
import { sha256Base64Url, type SigningKey } from "../protocol/crypto.ts";
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
  /**
   * GET /_matrix/identity/v2/hash_details, POST /_matrix/identity/v2/lookup: what it calls the user
   * who has the address; undefined where it knows none.
   * @throws RemoteError
   */
  lookup(server: ServerName, token: string, address: Address): Promise<Json | undefined>;
  /**
   * POST /_matrix/identity/v2/store-invite: {token, public_keys, display_name}, unchecked.
   * @throws RemoteError
   */
  storeInvite(server: ServerName, token: string, content: JsonObject): Promise<JsonObject>;
  /**
   * Asks the address of a room's invite whether the key counts still (Identity Service API, GET
   * /_matrix/identity/v2/pubkey/isvalid). False also for what is no https address.
   * @throws RemoteError
   */
  isKeyValid(validityUrl: string, publicKey: string): Promise<boolean>;
}

interface Address {
  readonly medium: string;
  readonly address: string;
}

const TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 65_536;
const V2 = "/_matrix/identity/v2";
const ROOT = `${V2}/3pid`;

/** @param deps.agent refuses private addresses where they are not allowed */
export function createIdentityServers(deps: {
  readonly agent: Agent;
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
}): IdentityServers {
  const { agent, serverName, signingKey } = deps;

  function post(server: ServerName, path: string, content: JsonObject, authorization: string) {
    const headers = { authorization, "content-type": "application/json" };
    return ask(server, { path, method: "POST", headers, body: JSON.stringify(content) });
  }

  async function ask(
    server: ServerName,
    request: Pick<Dispatcher.RequestOptions, "path" | "method" | "body"> & {
      readonly headers?: Record<string, string>;
    },
  ) {
    try {
      const answer = await agent.request({
        ...request,
        origin: `https://${server}`,
        headers: { ...request.headers, accept: "application/json" },
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

    async lookup(server, token, { medium, address }) {
      const authorization = `Bearer ${token}`;
      const details = await ask(server, {
        ...{ path: `${V2}/hash_details`, method: "GET", headers: { authorization } },
      });
      const { status: state, body: told } = details;
      if (state !== 200 || !isJsonObject(told)) throw refusal(server, state, told);
      const { lookup_pepper: pepper, algorithms } = told;
      if (typeof pepper !== "string" || !Array.isArray(algorithms)) {
        throw refusal(server, state, told);
      }
      const [algorithm, asked] = algorithms.includes("sha256")
        ? ["sha256", sha256Base64Url(`${address} ${medium} ${pepper}`)]
        : ["none", `${address} ${medium}`];
      const content = { addresses: [asked], algorithm, pepper };
      const { status, body } = await post(server, `${V2}/lookup`, content, authorization);
      if (status !== 200 || !isJsonObject(body)) throw refusal(server, status, body);
      const { mappings } = body;
      return isJsonObject(mappings) && Object.hasOwn(mappings, asked) ? mappings[asked] : undefined;
    },

    async storeInvite(server, token, content) {
      const path = `${V2}/store-invite`;
      const { status, body } = await post(server, path, content, `Bearer ${token}`);
      if (status !== 200 || !isJsonObject(body)) throw refusal(server, status, body);
      return body;
    },

    async isKeyValid(validityUrl, publicKey) {
      if (!URL.canParse(validityUrl)) return false;
      const url = new URL(validityUrl);
      if (url.protocol !== "https:") return false;
      url.searchParams.set("public_key", publicKey);
      const server = url.host as ServerName;
      const { status, body } = await ask(server, {
        path: url.pathname + url.search,
        method: "GET",
      });
      if (status !== 200 || !isJsonObject(body)) throw refusal(server, status, body);
      return body["valid"] === true;
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
