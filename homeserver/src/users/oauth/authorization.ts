import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { insertCode } from "../../storage/oauth/codes.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import { hashSecret, newSecret } from "../common/secrets.ts";
import type { OAuthClient, OAuthClients } from "./clients.ts";
import { OAuthError } from "./oauth-error.ts";
import { isRegistered } from "./redirect-uris.ts";
import { readScope } from "./scope.ts";

/** The query of an authorisation request. (RFC 6749, section 4.1.1; RFC 7636.) */
export interface AuthorizationQuery {
  readonly response_type?: string | undefined;
  readonly client_id?: string | undefined;
  readonly redirect_uri?: string | undefined;
  readonly scope?: string | undefined;
  readonly state?: string | undefined;
  readonly response_mode?: string | undefined;
  readonly code_challenge?: string | undefined;
  readonly code_challenge_method?: string | undefined;
  readonly prompt?: string | undefined;
  readonly login_hint?: string | undefined;
}

/** A request that can be put to somebody. */
export interface AuthorizationRequest {
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly scope: string;
  readonly deviceId: string;
  readonly codeChallenge: string;
  readonly reply: ReplyTo;
}

/** Where, and how, an answer reaches the client. */
interface ReplyTo {
  readonly redirectUri: string;
  readonly mode: "query" | "fragment";
  readonly state: string | undefined;
}

/** The client is to be told of an error: the browser goes to `location`. */
export class RefusedAuthorization extends Error {
  readonly location: string;

  constructor(location: string, error: OAuthError) {
    super(error.message);
    this.name = "RefusedAuthorization";
    this.location = location;
  }
}

/** Letting clients use an account. (Client-server API, "Authorisation code grant".) */
export interface Authorization {
  /**
   * Checks a request.
   * @throws OAuthError when it is not certain where the client is: somebody has to be shown that
   * @throws RefusedAuthorization when the client is to be told
   */
  check(query: AuthorizationQuery): Promise<AuthorizationRequest>;
  /** Grants it. @returns where the browser goes */
  allow(request: AuthorizationRequest, userId: UserId): Promise<string>;
  /** Denies it. @returns where the browser goes */
  deny(request: AuthorizationRequest): string;
}

/** From the redirect until the client has to have used the code, ms. */
const CODE_LIFE_MS = 5 * 60_000;
/** Codes of one user. */
const MAX_CODES = 20;
const MAX_STATE = 4_096;

export function createAuthorization(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly clients: OAuthClients;
}): Authorization {
  const { sql, clock, random, clients } = deps;
  return {
    async check(query) {
      const client = await clients.get(query.client_id);
      const reply = replyTo(client, query);
      try {
        return { ...readRequest(query), client, redirectUri: reply.redirectUri, reply };
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error;
        throw new RefusedAuthorization(answer(reply, error.toJSON()), error);
      }
    },

    async allow(request, userId) {
      const code = newSecret("code", random);
      const { client, redirectUri, scope, deviceId, codeChallenge } = request;
      const now = clock.now();
      await transaction(sql, async (tx) => {
        if ((await holdOpenAccount(tx, userId)) === undefined) {
          throw new OAuthError("access_denied", "The account is closed", 403);
        }
        await insertCode(tx, {
          ...{ codeHash: hashSecret(code), clientId: client.clientId, userId, deviceId, scope },
          ...{ redirectUri, codeChallenge, now, expiresTs: now + CODE_LIFE_MS, max: MAX_CODES },
        });
      });
      return answer(request.reply, { code });
    },

    deny: ({ reply }) =>
      answer(reply, new OAuthError("access_denied", "The user said no").toJSON()),
  };
}

/** @throws OAuthError */
function replyTo({ metadata }: OAuthClient, query: AuthorizationQuery): ReplyTo {
  const { redirect_uri: redirectUri, state } = query;
  if (redirectUri === undefined) {
    throw new OAuthError("invalid_request", "The app did not say where to go back to");
  }
  if (!isRegistered(metadata.redirect_uris ?? [], redirectUri)) {
    throw new OAuthError(
      "invalid_request",
      "The app wants to go back to a place that it has not registered",
    );
  }
  if ((state ?? "").length > MAX_STATE) {
    throw new OAuthError("invalid_request", "The state of the app is too long");
  }
  return { redirectUri, mode: query.response_mode === "fragment" ? "fragment" : "query", state };
}

/** @throws OAuthError */
function readRequest(
  query: AuthorizationQuery,
): Pick<AuthorizationRequest, "scope" | "deviceId" | "codeChallenge"> {
  const { response_mode: mode = "query", code_challenge: codeChallenge = "" } = query;
  if (query.response_type !== "code") {
    throw new OAuthError("unsupported_response_type", "response_type can only be code");
  }
  if (mode !== "query" && mode !== "fragment") {
    throw new OAuthError("invalid_request", "response_mode is query or fragment");
  }
  if (query.code_challenge_method !== "S256") {
    throw new OAuthError("invalid_request", "code_challenge_method has to be S256");
  }
  if (!/^[\w-]{43}$/.test(codeChallenge)) {
    throw new OAuthError("invalid_request", "code_challenge is no SHA-256 in base64url");
  }
  const prompts = query.prompt?.split(" ") ?? [];
  if (prompts.includes("none")) {
    if (prompts.length > 1) throw new OAuthError("invalid_request", "none stands alone in prompt");
    throw new OAuthError("interaction_required", "Somebody always has to be asked");
  }
  const { granted, deviceId } = readScope(query.scope);
  return { scope: granted, deviceId, codeChallenge };
}

/** The redirect URI, byte for byte as it was registered, with an answer behind it. */
function answer({ redirectUri, mode, state }: ReplyTo, told: object): string {
  const parameters = new URLSearchParams(told as Record<string, string>);
  if (state !== undefined) parameters.set("state", state);
  if (mode === "fragment") return `${redirectUri}#${parameters.toString()}`;
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${parameters.toString()}`;
}
