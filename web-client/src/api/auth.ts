import type { ResponseBody } from "@weft/spec/types";
import { ApiError } from "./errors.ts";
import type { Http } from "./http.ts";
import type { Session } from "./session.ts";
import type { AuthChallenge, AuthProof, Content } from "./types.ts";

export interface Registration {
  username: string;
  password: string;
  deviceName: string;
  /** Proof for one stage of user-interactive auth, with the session it belongs to. */
  auth?: AuthProof | undefined;
}

/** A provider of single sign-on. */
interface Provider {
  id: string;
  name: string;
}

/** What a server tells of its OAuth API. */
export type OAuthServer = ResponseBody<"getAuthMetadata">;

/** How a server lets people in, besides OAuth. */
export interface Ways {
  readonly password: boolean;
  readonly sso: boolean;
  /** Those among which one chooses; a server may have single sign-on without naming any. */
  readonly providers: readonly Provider[];
}

function sessionOf(baseUrl: string, answer: ResponseBody<"register">): Session {
  return {
    baseUrl,
    userId: answer.user_id,
    deviceId: answer.device_id ?? "",
    accessToken: answer.access_token ?? "",
    ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
    ...(answer.expires_in_ms === undefined ? {} : { expiresAt: Date.now() + answer.expires_in_ms }),
  };
}

function isChallenge(data: Content): data is Content & AuthChallenge {
  return Array.isArray(data["flows"]);
}

/** Whom somebody means by a name, or by an e-mail address of the account. */
function identifierOf(user: string) {
  return /^[^@]+@[^@]+$/.test(user)
    ? { type: "m.id.thirdparty", medium: "email", address: user }
    : { type: "m.id.user", user };
}

/** The challenge in a 401 of user-interactive auth, or undefined for any other error. */
export function challengeIn(error: unknown): AuthChallenge | undefined {
  if (!(error instanceof ApiError) || error.status !== 401) return undefined;
  return isChallenge(error.data) ? error.data : undefined;
}

/** Signing in and up. None of these calls needs a token. */
export function createAuthApi(http: Http, baseUrl: string) {
  return {
    async signIn(
      user: string,
      password: string,
      deviceName: string,
      deviceId?: string,
    ): Promise<Session> {
      const answer = await http.call<"login">("POST", "/_matrix/client/v3/login", {
        body: {
          type: "m.login.password",
          identifier: identifierOf(user),
          password,
          device_id: deviceId,
          initial_device_display_name: deviceName,
          refresh_token: true,
        },
      });
      return sessionOf(baseUrl, answer);
    },

    /** With a token that the browser has brought from single sign-on. */
    async signInByToken(token: string, deviceName: string, deviceId?: string): Promise<Session> {
      const answer = await http.call<"login">("POST", "/_matrix/client/v3/login", {
        body: {
          type: "m.login.token",
          token,
          device_id: deviceId,
          initial_device_display_name: deviceName,
          refresh_token: true,
        },
      });
      return sessionOf(baseUrl, answer);
    },

    /** What the server says of its OAuth API. Throws 404 where it has none. */
    oauth: (): Promise<OAuthServer> =>
      http.call<"getAuthMetadata">("GET", "/_matrix/client/v1/auth_metadata", {}),

    /** How the server lets people in, besides OAuth. */
    async ways(): Promise<Ways> {
      const { flows } = await http.call<"getLoginFlows">("GET", "/_matrix/client/v3/login", {});
      const all = flows ?? [];
      const sso = all.find(({ type }) => type === "m.login.sso");
      return {
        password: all.some(({ type }) => type === "m.login.password"),
        sso: sso !== undefined,
        providers: sso?.identity_providers ?? [],
      };
    },

    /** Throws the 401 that names the stages until `auth` satisfies a flow: see {@link challengeIn}. */
    async register(registration: Registration): Promise<Session> {
      const answer = await http.call<"register">("POST", "/_matrix/client/v3/register", {
        query: { kind: "user" },
        body: {
          username: registration.username,
          password: registration.password,
          initial_device_display_name: registration.deviceName,
          refresh_token: true,
          auth: registration.auth,
        },
      });
      return sessionOf(baseUrl, answer);
    },

    /** Throws the reason (`M_USER_IN_USE`, `M_INVALID_USERNAME`…) when the name cannot be taken. */
    async checkUsername(username: string): Promise<void> {
      await http.call<"checkUsernameAvailability">("GET", "/_matrix/client/v3/register/available", {
        query: { username },
      });
    },
  };
}
