/** The OAuth 2.0 API, as far as no person is needed for it. Servers without it say so, and are done. */
import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { createClient } from "../../harness/client.ts";
import { type Answer, createExchange } from "../../harness/exchange.ts";
import { must, mustEqual, mustMatch } from "../../harness/must.ts";

interface Metadata {
  readonly [endpoint: string]: unknown;
}

const CLIENT = {
  client_name: "Conformance",
  client_uri: "https://conformance.example/",
  redirect_uris: ["https://conformance.example/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  application_type: "web",
};
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPE = "urn:matrix:client:api:* urn:matrix:client:device:CONFORMANCE";

/** The server's metadata; undefined where it has no OAuth API. */
async function metadataOf(): Promise<Metadata | undefined> {
  const answer = await createClient(theSubject()).request("getAuthMetadata");
  return answer.status === 404 ? undefined : (answer.body as Metadata);
}

function ask(method: string, url: unknown, type: string, body?: string): Promise<Answer> {
  const { clientUrl, ca } = theSubject();
  const exchange = createExchange(clientUrl.startsWith("https:") ? ca : undefined);
  return exchange({ url: String(url), method, headers: { "content-type": type }, body });
}

const post = (url: unknown, fields: Record<string, string>): Promise<Answer> => {
  const body = new URLSearchParams(fields).toString();
  return ask("POST", url, "application/x-www-form-urlencoded", body);
};

const register = (metadata: Metadata, more: object = {}): Promise<Answer> => {
  const body = JSON.stringify({ ...CLIENT, ...more });
  return ask("POST", metadata["registration_endpoint"], "application/json", body);
};

const errorOf = ({ body }: Answer): unknown => (body as { error?: unknown } | undefined)?.error;

clause(
  clientApi("get_matrixclientv1auth_metadata"),
  "the metadata names the endpoints and what is needed at least, or is not there",
  async () => {
    const metadata = await metadataOf();
    if (metadata === undefined) return;
    for (const name of ["authorization", "token", "revocation", "registration"]) {
      must(URL.canParse(String(metadata[`${name}_endpoint`])), `${name}_endpoint is no address`);
    }
    const needed = {
      response_types_supported: ["code"],
      response_modes_supported: ["query", "fragment"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      code_challenge_methods_supported: ["S256"],
    };
    for (const [name, values] of Object.entries(needed)) {
      const supported = metadata[name] as readonly string[];
      for (const value of values) must(supported.includes(value), `${name} lacks ${value}`);
    }
  },
);

clause(
  clientApi("dynamic-client-registration-flow"),
  "a client is registered with what the server understands of it",
  async () => {
    const metadata = await metadataOf();
    if (metadata === undefined) return;
    const more = { grant_types: [...CLIENT.grant_types, "urn:example:unknown"] };
    const answer = await register(metadata, more);
    mustEqual(answer.status, 201, "status");
    const { client_id: id, ...known } = answer.body as Record<string, unknown>;
    must(typeof id === "string" && id !== "", "no client_id");
    mustMatch(known, CLIENT, "the client's metadata");
    mustEqual(answer.headers["access-control-allow-origin"], "*", "the CORS header");
  },
);

clause(
  clientApi("redirect-uri-validation"),
  "redirect URIs that others could answer at are refused",
  async () => {
    const metadata = await metadataOf();
    if (metadata === undefined) return;
    for (const [applicationType, uri] of [
      ["web", "https://conformance.example/callback#fragment"],
      ["web", "https://user:secret@conformance.example/callback"],
      ["web", "https://elsewhere.example/callback"],
      ["native", "example:/callback"],
      ["native", "example.conformance://callback"],
      ["native", "http://localhost:1234/callback"],
    ] as const) {
      const more = { application_type: applicationType, redirect_uris: [uri] };
      const answer = await register(metadata, more);
      must(answer.status === 400, `${uri}: ${answer.status}`);
      mustEqual(errorOf(answer), "invalid_redirect_uri", `the error for ${uri}`);
    }
  },
);

clause(
  clientApi("authorisation-code-grant"),
  "a code that was never given is refused, and so is a refresh token",
  async () => {
    const metadata = await metadataOf();
    if (metadata === undefined) return;
    const { client_id: clientId } = (await register(metadata)).body as { client_id: string };
    const byCode = await post(metadata["token_endpoint"], {
      grant_type: "authorization_code",
      client_id: clientId,
      code: "none",
      redirect_uri: CLIENT.redirect_uris[0]!,
      code_verifier: "v".repeat(43),
    });
    mustEqual([byCode.status, errorOf(byCode)], [400, "invalid_grant"], "the answer to the code");
    const byToken = await post(metadata["token_endpoint"], {
      grant_type: "refresh_token",
      client_id: clientId,
      refresh_token: "none",
    });
    mustEqual([byToken.status, errorOf(byToken)], [400, "invalid_grant"], "to the token");
    const unknown = await post(metadata["token_endpoint"], {
      grant_type: "urn:example:unknown",
      client_id: clientId,
    });
    mustEqual(errorOf(unknown), "unsupported_grant_type", "the answer to an unknown grant");
  },
);

clause(
  clientApi("authorisation-code-grant"),
  "nobody is led to a place that the client has not registered",
  async () => {
    const metadata = await metadataOf();
    if (metadata === undefined) return;
    const { client_id: clientId } = (await register(metadata)).body as { client_id: string };
    const query = new URLSearchParams({
      response_type: "code",
      client_id: clientId,
      redirect_uri: "https://elsewhere.example/callback",
      scope: SCOPE,
      state: "state",
      code_challenge: "c".repeat(43),
      code_challenge_method: "S256",
    });
    const url = `${String(metadata["authorization_endpoint"])}?${query.toString()}`;
    const answer = await ask("GET", url, "text/plain");
    const location = answer.headers["location"] ?? "";
    must(!location.includes("elsewhere.example/"), `it leads to ${location}`);
    must(answer.status >= 300, `it answers ${answer.status}`);
  },
);

clause(
  clientApi("token-revocation"),
  "the revocation of an unknown token is a success",
  async () => {
    const metadata = await metadataOf();
    if (metadata === undefined) return;
    const answer = await post(metadata["revocation_endpoint"], { token: "none" });
    mustEqual(answer.status, 200, "status");
  },
);

clause(
  clientApi("device-authorisation-grant"),
  "a device gets codes, and waits until somebody lets it in",
  async () => {
    const metadata = await metadataOf();
    if (metadata?.["device_authorization_endpoint"] === undefined) return;
    const grants = { grant_types: [...CLIENT.grant_types, DEVICE_GRANT] };
    const { client_id: clientId } = (await register(metadata, grants)).body as {
      client_id: string;
    };
    const fields = { client_id: clientId, scope: SCOPE };
    const { body } = await post(metadata["device_authorization_endpoint"], fields);
    const offer = body as Record<string, unknown>;
    for (const name of ["device_code", "user_code", "verification_uri"]) {
      must(typeof offer[name] === "string", `no ${name}`);
    }
    must(typeof offer["expires_in"] === "number", "no expires_in");
    const poll = {
      grant_type: DEVICE_GRANT,
      client_id: clientId,
      device_code: String(offer["device_code"]),
    };
    const answer = await post(metadata["token_endpoint"], poll);
    mustEqual([answer.status, errorOf(answer)], [400, "authorization_pending"], "the answer");
  },
);
