/** The OAuth 2.0 API: loaded only by who signs in by it, or has. (Client-server API, "OAuth 2.0 API".) */
import {
  allowInsecureRequests,
  AuthorizationResponseError,
  authorizationCodeGrantRequest,
  type AuthorizationServer,
  calculatePKCECodeChallenge,
  dynamicClientRegistrationRequest,
  generateRandomCodeVerifier,
  generateRandomState,
  None,
  OperationProcessingError,
  processAuthorizationCodeResponse,
  processDynamicClientRegistrationResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  revocationRequest,
  type TokenEndpointResponse,
  validateAuthResponse,
} from "oauth4webapi";
import { createAuthApi, type OAuthServer } from "./auth.ts";
import { ApiError, NetworkError } from "./errors.ts";
import { createHttp, withToken } from "./http.ts";
import type { Session } from "./session.ts";
import type { Content } from "./types.ts";

const SCOPE = "urn:matrix:client:api:*";
const DEVICE = "urn:matrix:client:device:";
/** Milliseconds that the server may take to answer. */
const PATIENCE = 60_000;

/** A sign-in under way, as the tab keeps it while the browser is on the pages of the server. */
export interface Begun {
  readonly server: OAuthServer;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly verifier: string;
  readonly deviceId: string;
}

/** How a sign-in begins. */
interface Wishes {
  readonly redirectUri: string;
  /** The device that signs in again, and whose it is. */
  readonly again?: { readonly deviceId: string; readonly userId: string } | undefined;
  /** An account is to be made. */
  readonly create?: boolean;
}

/** The person, or the server, has said no. `code` is OAuth's, such as `access_denied`. */
export class OAuthRefusal extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`The sign-in was refused: ${code}`);
    this.code = code;
  }
}

/** A page without TLS speaks with a server without it: that of somebody's own machine. */
const options = () => ({
  [allowInsecureRequests]: location.protocol === "http:",
  signal: AbortSignal.timeout(PATIENCE),
});

const serverOf = ({ baseUrl }: Session): Promise<OAuthServer> =>
  createAuthApi(createHttp(baseUrl), baseUrl).oauth();

/** The server as the library knows one. */
const known = (server: OAuthServer): AuthorizationServer => server;

/** Makes a request; what went wrong is told as of all requests. */
async function ask(request: () => Promise<Response>): Promise<Response> {
  const response = await request().catch((error: unknown) => {
    throw new NetworkError(error);
  });
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as Content;
  const { error, error_description: words } = body;
  const isOurs = typeof body["errcode"] === "string";
  throw new ApiError(response.status, isOurs ? body : { errcode: error, error: words ?? error });
}

/** The name of a device that signs in for the first time. */
function newDeviceId(): string {
  const letters = crypto.getRandomValues(new Uint8Array(10));
  return [...letters].map((one) => String.fromCharCode(65 + (one % 26))).join("");
}

/** Makes this client known to the server. Those that say the same of themselves are one there, so it can be said each time. */
async function register(server: OAuthServer, redirectUri: string): Promise<string> {
  const metadata = {
    client_name: "Weft",
    client_uri: redirectUri,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: "web",
  };
  const response = await ask(() =>
    dynamicClientRegistrationRequest(known(server), metadata, options()),
  );
  return (await processDynamicClientRegistrationResponse(response)).client_id;
}

/** Begins a sign-in: the address where the browser goes, and what is to be kept until it comes back. */
export async function beginSignIn(
  server: OAuthServer,
  { redirectUri, again, create = false }: Wishes,
): Promise<{ address: string; begun: Begun }> {
  const clientId = await register(server, redirectUri);
  const verifier = generateRandomCodeVerifier();
  const state = generateRandomState();
  const deviceId = again?.deviceId ?? newDeviceId();
  const address = new URL(server.authorization_endpoint);
  const query: Record<string, string> = {
    response_type: "code",
    response_mode: "fragment",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: `${SCOPE} ${DEVICE}${deviceId}`,
    state,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  if (create) query["prompt"] = "create";
  if (again !== undefined) query["login_hint"] = `mxid:${again.userId}`;
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  const begun = { server, clientId, redirectUri, state, verifier, deviceId };
  return { address: address.href, begun };
}

/** How a session goes on after tokens were given. */
function tokensOf(answer: TokenEndpointResponse) {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = answer;
  return {
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    expiresAt: seconds === undefined ? undefined : Date.now() + seconds * 1000,
  };
}

/** What the browser has brought back is not what this client asked for. */
function checked(begun: Begun, brought: URLSearchParams): URLSearchParams {
  const { server, clientId, state } = begun;
  try {
    return validateAuthResponse(known(server), { client_id: clientId }, brought, state);
  } catch (error) {
    if (error instanceof AuthorizationResponseError) throw new OAuthRefusal(error.error);
    throw new OAuthRefusal(error instanceof OperationProcessingError ? "strange" : "unknown");
  }
}

/** Ends a sign-in with what the browser has brought back: the session of the device. Throws `OAuthRefusal`. */
export async function finishSignIn(begun: Begun, brought: URLSearchParams): Promise<Session> {
  const { server, clientId, redirectUri, verifier, deviceId } = begun;
  const params = checked(begun, brought);
  const client = { client_id: clientId };
  const response = await ask(() =>
    authorizationCodeGrantRequest(
      known(server),
      client,
      None(),
      params,
      redirectUri,
      verifier,
      options(),
    ),
  );
  const answer = await processAuthorizationCodeResponse(known(server), client, response);
  const tokens = tokensOf(answer);
  const http = createHttp("", withToken(tokens.accessToken));
  const who = await http.call<"getTokenOwner">("GET", "/_matrix/client/v3/account/whoami", {});
  return {
    baseUrl: "",
    userId: who.user_id,
    deviceId: who.device_id ?? deviceId,
    ...tokens,
    oauth: { clientId },
  };
}

/** New tokens for a session that OAuth began. */
export async function refreshTokens(session: Session): Promise<Session> {
  const server = await serverOf(session);
  const client = { client_id: session.oauth?.clientId ?? "" };
  const response = await ask(() =>
    refreshTokenGrantRequest(known(server), client, None(), session.refreshToken ?? "", options()),
  );
  const answer = await processRefreshTokenResponse(known(server), client, response);
  return { ...session, ...tokensOf(answer) };
}

/** Ends a session on the server. */
export async function revokeTokens(session: Session): Promise<void> {
  const server = await serverOf(session);
  const client = { client_id: session.oauth?.clientId ?? "" };
  const token = session.refreshToken ?? session.accessToken;
  await ask(() => revocationRequest(known(server), client, None(), token, options()));
}
