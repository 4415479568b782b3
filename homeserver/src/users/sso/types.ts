import type { UserId } from "../../protocol/identifiers.ts";

/** A provider of OpenID Connect, as the owner of this server has written it down. */
export interface ProviderSettings {
  /** By which it is known here, also in the table of links. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** An mxc URI. */
  readonly icon: string | undefined;
  /** What its button looks like. (MSC2858.) */
  readonly brand: string | undefined;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** How this server shows its secret. */
  readonly clientAuth: "basic" | "post" | "none";
  readonly scopes: readonly string[];
  /** Names of claims. */
  readonly claims: {
    /** Of which the name of a new account is made. */
    readonly localpart: string;
    readonly displayName: string;
  };
  /** Whether people get an account who have none. */
  readonly opensAccounts: boolean;
  /** Whether an account belongs to whoever has its name at the provider. */
  readonly linksByName: boolean;
}

/** Settings of single sign-on. */
export interface SsoSettings {
  readonly providers: readonly ProviderSettings[];
  /** Origins of apps to which a browser goes back without being asked, such as `https://app.example`. */
  readonly trustedOrigins: readonly string[];
}

export const NO_SSO: SsoSettings = { providers: [], trustedOrigins: [] };

/** A provider, as others are told of it. */
export type PublicProvider = Pick<ProviderSettings, "id" | "name" | "icon" | "brand">;

/** Who somebody is at a provider. */
export interface Identity {
  readonly provider: string;
  readonly subject: string;
  /** What the account may be called; undefined: the provider says nothing of use. */
  readonly localpart: string | undefined;
  /** Whether `localpart` is what the provider says, letter by letter. */
  readonly isExact: boolean;
  readonly displayName: string | undefined;
  /** An e-mail address that the provider has verified, in its canonical form. */
  readonly email?: string | undefined;
}

/** What people do on the account's page once they have shown who they are. */
export type Act = "password" | "cross-signing" | "deactivate";

/** What somebody wants who signs in elsewhere. */
export type Purpose =
  /** An app gets a token. */
  | { readonly kind: "app"; readonly redirectUrl: string }
  /** A page of this server comes next, as path and query. */
  | { readonly kind: "page"; readonly next: string }
  /** A stage of user-interactive authentication is passed, by its session. */
  | { readonly kind: "stage"; readonly session: string }
  /** Who is signed in on the account's page shows that it is really them. */
  | { readonly kind: "act"; readonly act: Act };

/** What a request for authentication is checked by when somebody comes back. */
export interface Checks {
  readonly nonce: string;
  /** Of PKCE. */
  readonly verifier: string;
}

/** Somebody goes to a provider. */
export interface Begun {
  readonly provider: string;
  readonly checks: Checks;
  readonly purpose: Purpose;
  /** ms since 1970: they are to sign in there after this. Absent: a session of theirs will do. */
  readonly since?: number;
}

/** Somebody has come back from a provider, and has no account yet. */
export interface Arrived {
  readonly identity: Identity;
  readonly purpose: Purpose;
}

/** Somebody is about to get what they wanted. */
export interface Leaving {
  readonly userId: UserId;
  readonly purpose: Purpose;
}

/** Somebody has come back from a provider. */
export interface Arrival {
  readonly purpose: Purpose;
  readonly identity: Identity;
  /** Whose account it is; undefined: nobody's yet. */
  readonly userId: UserId | undefined;
}
