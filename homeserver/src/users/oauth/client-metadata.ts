import { OAuthError } from "./oauth-error.ts";
import { checkRedirectUri, isWithin, parseUri } from "./redirect-uris.ts";

export const GRANT_TYPES = {
  code: "authorization_code",
  refresh: "refresh_token",
  device: "urn:ietf:params:oauth:grant-type:device_code",
} as const;

/** What is kept of a client: only what is understood, in one order. */
export interface ClientMetadata {
  readonly client_uri: string;
  readonly client_name?: string;
  readonly logo_uri?: string;
  readonly tos_uri?: string;
  readonly policy_uri?: string;
  readonly redirect_uris?: readonly string[];
  readonly response_types: readonly string[];
  readonly grant_types: readonly string[];
  readonly token_endpoint_auth_method: "none";
  readonly application_type: "web" | "native";
}

/** What clients send. */
type Told = { readonly [Name in keyof ClientMetadata]?: unknown };

const LINKS = ["logo_uri", "tos_uri", "policy_uri"] as const;
const MAX_NAME = 100;
const MAX_REDIRECTS = 20;

/**
 * Checks what a client says of itself. (Client-server API, "Client metadata".) `allowPlain` lets
 * http do where https has to be, on a server that is itself reached by http.
 * @throws OAuthError invalid_client_metadata, invalid_redirect_uri
 */
export function readClientMetadata(told: Told, allowPlain: boolean): ClientMetadata {
  const clientUri = webUri(told.client_uri, "client_uri", allowPlain);
  if (!allowPlain && !clientUri.hostname.includes(".")) {
    throw invalid("client_uri has to name a host by its whole name");
  }
  const applicationType = told.application_type ?? "web";
  if (applicationType !== "web" && applicationType !== "native") {
    throw invalid("application_type is web or native");
  }
  const method = told.token_endpoint_auth_method ?? "none";
  if (method !== "none") throw invalid("token_endpoint_auth_method can only be none");
  const grantTypes = known(told.grant_types ?? [GRANT_TYPES.code], Object.values(GRANT_TYPES));
  const responseTypes = known(told.response_types ?? ["code"], ["code"]);
  const redirectUris = strings(told.redirect_uris ?? [], "redirect_uris");
  if (redirectUris.length > MAX_REDIRECTS) throw invalid("redirect_uris has too many");
  for (const uri of redirectUris) {
    checkRedirectUri(uri, { applicationType, clientUri, allowPlain });
  }
  const usesCodes = grantTypes.includes(GRANT_TYPES.code);
  if (usesCodes && (redirectUris.length === 0 || responseTypes.length === 0)) {
    throw invalid("authorization_code needs redirect_uris, and the response type code");
  }
  if (!usesCodes && !grantTypes.includes(GRANT_TYPES.device)) {
    throw invalid("No grant type that one can sign in with");
  }
  const name = readName(told.client_name);
  return {
    client_uri: told.client_uri as string,
    ...(name !== undefined && { client_name: name }),
    ...links(told, clientUri, allowPlain),
    ...(redirectUris.length > 0 && { redirect_uris: redirectUris }),
    response_types: responseTypes,
    grant_types: grantTypes,
    token_endpoint_auth_method: "none",
    application_type: applicationType,
  };
}

function links(told: Told, clientUri: URL, allowPlain: boolean): Partial<ClientMetadata> {
  const found = LINKS.filter((name) => told[name] !== undefined && told[name] !== "");
  return Object.fromEntries(
    found.map((name) => {
      if (isWithin(webUri(told[name], name, allowPlain), clientUri)) return [name, told[name]];
      throw invalid(`${name} is not on the host of client_uri, nor below it`);
    }),
  );
}

/** A name in one line, without what turns the direction of a text around. */
function readName(told: unknown): string | undefined {
  if (told === undefined || told === "") return undefined;
  if (typeof told !== "string") throw invalid("client_name has to be a string");
  const name = told.replaceAll(/[\p{C}\s]+/gu, " ").trim();
  if (name.length > MAX_NAME) throw invalid(`client_name is longer than ${MAX_NAME} characters`);
  return name === "" ? undefined : name;
}

function webUri(told: unknown, name: string, allowPlain: boolean): URL {
  const uri = typeof told === "string" ? parseUri(told) : undefined;
  const isWeb = uri?.protocol === "https:" || (allowPlain && uri?.protocol === "http:");
  if (uri === undefined || !isWeb || uri.username !== "" || uri.password !== "") {
    throw invalid(`${name} has to be an https address that names no user`);
  }
  return uri;
}

function known(told: unknown, all: readonly string[]): string[] {
  const values = new Set(strings(told, "grant_types and response_types"));
  return all.filter((each) => values.has(each));
}

function strings(told: unknown, name: string): string[] {
  if (Array.isArray(told) && told.every((each) => typeof each === "string")) return told;
  throw invalid(`${name} has to be a list of strings`);
}

function invalid(message: string): OAuthError {
  return new OAuthError("invalid_client_metadata", message);
}
