/** An identity server of a few lines, with real keys: whoever is bound may take up invites. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { generateSigningKey, sha256Base64Url } from "../../src/protocol/crypto.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { signJson } from "../../src/protocol/signed-json.ts";
import type { TestServer } from "../support/server.ts";
import { startHttpListener } from "../support/http-listener.ts";
import type { Body } from "../support/user.ts";

const PEPPER = "pepper";

export interface IdentityServer {
  readonly name: string;
  /** Paths that were asked, with their bodies. */
  readonly asked: { readonly path: string; readonly body: Body }[];
  /** Address → user. */
  readonly bound: Map<string, string>;
  /** Says whether its keys count. */
  isValid: boolean;
  /** Answers in its place. */
  answer: ((path: string) => { status: number; body: unknown } | undefined) | undefined;
  /** The address gets a user: tells the server `of` that user all invites of the address. */
  bind(of: TestServer, address: string, mxid: string): Promise<{ status: number; body: Body }>;
  /** Its word that the invite with the token was meant for the user. */
  sign(token: string, mxid: string): Body;
  stop(): Promise<void>;
}

const hashOf = (address: string): string => sha256Base64Url(`${address} email ${PEPPER}`);

/** `of`: whose certificate it shows. */
export async function startIdentityServer(of: TestServer): Promise<IdentityServer> {
  const key = generateSigningKey(systemRandom.bytes);
  const stored: Body[] = [];
  const { tlsCert, tlsKey } = of.config;
  const listener = await startHttpListener(handle, { cert: tlsCert!, key: tlsKey! });
  const base = `https://localhost:${listener.port}/_matrix/identity/v2`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const said = await text(request);
    const path = request.url!;
    const body: Body = said === "" ? {} : JSON.parse(said);
    server.asked.push({ path, body });
    const given = server.answer?.(path) ?? { status: 200, body: answerOf(path, body) };
    response.writeHead(given.status, { "content-type": "application/json" });
    response.end(JSON.stringify(given.body));
  }

  function answerOf(path: string, body: Body): Body {
    if (path.endsWith("/hash_details")) return { lookup_pepper: PEPPER, algorithms: ["sha256"] };
    if (path.endsWith("/lookup")) {
      const all = [...server.bound].map(([address, mxid]) => [hashOf(address), mxid]);
      return {
        mappings: Object.fromEntries(all.filter(([hash]) => body.addresses.includes(hash))),
      };
    }
    if (path.endsWith("/store-invite")) {
      const token = `token${stored.length + 1}`;
      stored.push({ ...body, token });
      const public_keys = [
        { public_key: key.publicKeyBase64, key_validity_url: `${base}/pubkey/isvalid` },
      ];
      return { token, public_keys, display_name: "c...@t..." };
    }
    return { valid: server.isValid };
  }

  const server: IdentityServer = {
    name: `localhost:${listener.port}`,
    asked: [],
    bound: new Map(),
    isValid: true,
    answer: undefined,
    sign: (token, mxid) => signJson({ mxid, token }, server.name, key),
    async bind(to, address, mxid) {
      server.bound.set(address, mxid);
      const invites = stored
        .filter((invite) => invite.address === address)
        .map(({ medium, room_id, sender, token }) => ({
          ...{ medium, address, mxid, room_id, sender },
          signed: server.sign(token, mxid),
        }));
      const response = await fetch(`${to.baseUrl}/_matrix/federation/v1/3pid/onbind`, {
        method: "PUT",
        body: JSON.stringify({ medium: "email", address, mxid, invites }),
      });
      return { status: response.status, body: (await response.json()) as Body };
    },
    stop: () => listener.stop(),
  };
  return server;
}
