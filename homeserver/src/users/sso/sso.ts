import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import { encodeBase64Url } from "../../protocol/crypto.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import { makeUserId, type UserId } from "../../protocol/identifiers.ts";
import { findSsoLink, insertSsoLink, ssoProvidersOf } from "../../storage/oauth/sso-links.ts";
import { findAccount } from "../../storage/users/accounts.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Registration } from "../accounts/registration.ts";
import { versionsOf } from "../common/terms.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import type { Profiles } from "../data/profiles.ts";
import type { Addresses } from "../contacts/addresses.ts";
import { createProofs, type Proofs } from "./proofs.ts";
import { createProvider } from "./provider.ts";
import { createProviderFetch, type ProviderAgents } from "./provider-fetch.ts";
import { createTickets, type Tickets } from "./tickets.ts";
import type { Arrival, Identity, PublicProvider, Purpose, SsoSettings } from "./types.ts";

/** Signing in with an account that people have elsewhere. (Client-server API, "SSO client login/authentication".) */
export interface SingleSignOn {
  /** Where people may sign in. */
  readonly providers: readonly PublicProvider[];
  readonly tickets: Tickets;
  readonly proofs: Proofs;
  /**
   * The address at a provider to which the browser goes, known by its cookie. `again`: who is
   * signed in there proves it once more.
   * @throws MatrixError M_NOT_FOUND 404 for no provider, M_CONNECTION_FAILED 502
   */
  begin(
    provider: string,
    browser: string,
    purpose: Purpose,
    options?: { readonly again?: boolean },
  ): Promise<string>;
  /**
   * Who has come back, and for what. `search` is the query that the browser brings.
   * @throws MatrixError M_NOT_FOUND 404, M_CONNECTION_FAILED 502, M_FORBIDDEN 403, M_USER_LOCKED 401,
   *   M_USER_DEACTIVATED 403
   */
  arrive(provider: string, browser: string, search: string): Promise<Arrival>;
  /** Whether people get an account by that provider who have none. */
  opensAccounts(provider: string): boolean;
  /** The account that belongs to an identity by now. */
  accountOf(identity: Identity): Promise<UserId | undefined>;
  /** Whether an account of that name could be opened. */
  isFree(localpart: string): Promise<boolean>;
  /**
   * Opens an account for somebody, and links it; the account that is linked already, if there is one.
   * @throws MatrixError M_FORBIDDEN 403; M_INVALID_PARAM without agreement, M_INVALID_USERNAME, M_USER_IN_USE, M_EXCLUSIVE (all 400)
   */
  open(identity: Identity, wished: string, hasAgreed: boolean): Promise<UserId>;
  /** Ids of the providers by which a user signs in. */
  providersOf(userId: UserId): Promise<readonly string[]>;
  /** Whether a browser goes back to an app there without being asked. */
  isTrusted(redirectUrl: string): boolean;
}

/** The path of this server to which a provider sends browsers back. */
const callbackPath = (provider: string) =>
  `/_weft/account/sso/callback/${encodeURIComponent(provider)}`;

export interface SsoDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly accounts: Accounts;
  readonly registration: Registration;
  readonly profiles: Profiles;
  readonly addresses: Pick<Addresses, "addVerified">;
  readonly settings: SsoSettings;
  /** Absent: there are no providers. */
  readonly agents: ProviderAgents | undefined;
  /** The same on every replica. */
  readonly secret: string;
  readonly publicBaseUrl: string;
}

export function createSingleSignOn(deps: SsoDeps): SingleSignOn {
  const { sql, clock, random, logger, accounts, registration, settings } = deps;
  const base = deps.publicBaseUrl.replace(/(?<!\/)\/+$/, "");
  const tickets = createTickets(deps);
  const providers = new Map(
    settings.providers.map((each) => {
      const redirectUri = base + callbackPath(each.id);
      const fetch = createProviderFetch(each.issuer, deps.agents!);
      return [each.id, createProvider({ settings: each, redirectUri, fetch, clock, logger })];
    }),
  );
  const trusted = new Set([...settings.trustedOrigins, new URL(deps.publicBaseUrl).origin]);

  function providerOf(id: string) {
    const found = providers.get(id);
    if (found === undefined) throw errors.notFound("There is no such provider");
    return found;
  }

  /** Links the account of that name, where a provider is trusted to say whose it is. */
  async function linkByName(identity: Identity): Promise<UserId | undefined> {
    const { provider, subject, localpart, isExact } = identity;
    if (!providerOf(provider).settings.linksByName || !isExact) return undefined;
    const userId = makeUserId(localpart!, accounts.serverName);
    return await transaction(sql, async (tx) => {
      if ((await holdOpenAccount(tx, userId)) === undefined) return undefined;
      const account = await findAccount(tx, userId);
      // Users of application services have no people.
      if (account === undefined || account.appservice !== null) return undefined;
      if ((await ssoProvidersOf(tx, userId)).includes(provider)) return undefined;
      await insertSsoLink(tx, { provider, subject, userId, linkedTs: clock.now() });
      return await linkedTo(tx, identity);
    });
  }

  async function ensureOpen(userId: UserId): Promise<void> {
    const account = await accounts.find(userId);
    if (account === undefined || account.deactivated) throw errors.userDeactivated();
    if (account.restriction === "locked") throw errors.userLocked();
  }

  async function linkedTo(on: Sql | Tx, { provider, subject }: Identity) {
    const userId = await findSsoLink(on, provider, subject);
    return userId as UserId | undefined;
  }

  async function open(identity: Identity, wished: string, hasAgreed: boolean): Promise<UserId> {
    const { provider, subject, displayName, email } = identity;
    if (!providerOf(provider).settings.opensAccounts) {
      throw errors.forbidden("You have no account on this server");
    }
    const { policies } = registration;
    if (policies.length > 0 && !hasAgreed) throw errors.invalidParam("Agree to the terms first");
    const agreed = versionsOf(policies);
    const userId = await registration.withoutPassword(wished, agreed, async (tx, opened) => {
      const link = { provider, subject, userId: opened, linkedTs: clock.now() };
      if (!(await insertSsoLink(tx, link))) throw new LinkedMeanwhile();
      if (email !== undefined) await deps.addresses.addVerified(tx, opened, email);
    });
    if (displayName !== undefined) {
      await deps.profiles.set(userId, "displayname", displayName).catch((err: unknown) => {
        logger.warn({ err, userId }, "a new account has no display name");
      });
    }
    return userId;
  }

  return {
    providers: settings.providers.map(({ id, name, icon, brand }) => ({ id, name, icon, brand })),
    tickets,
    proofs: createProofs(deps),

    async begin(id, browser, purpose, { again = false } = {}) {
      const provider = providerOf(id);
      const secret = () => encodeBase64Url(random.bytes(32));
      const checks = { nonce: secret(), verifier: secret() };
      const since = again ? { since: deps.clock.now() } : {};
      const state = tickets.make("begun", browser, { provider: id, checks, purpose, ...since });
      return await provider.address({ state, checks, again });
    },

    async arrive(id, browser, search) {
      const provider = providerOf(id);
      const state = new URLSearchParams(search).get("state") ?? "";
      const begun = tickets.open("begun", browser, state);
      if (begun.provider !== id) throw errors.forbidden("That is another provider's answer");
      const identity = await provider.identify(search, state, begun.checks, begun.since);
      const userId = (await linkedTo(sql, identity)) ?? (await linkByName(identity));
      if (userId !== undefined) await ensureOpen(userId);
      return { purpose: begun.purpose, identity, userId };
    },

    opensAccounts: (id) => providerOf(id).settings.opensAccounts,

    accountOf: (identity) => linkedTo(sql, identity),

    async isFree(localpart) {
      try {
        await accounts.ensureAvailable(accounts.nameFor(localpart));
        return true;
      } catch (error) {
        if (error instanceof MatrixError && error.status < 500) return false;
        throw error;
      }
    },

    async open(identity, wished, hasAgreed) {
      try {
        return await open(identity, wished, hasAgreed);
      } catch (error) {
        // Another replica, or the same form sent twice, was faster.
        const linked = error instanceof Error ? await linkedTo(sql, identity) : undefined;
        if (linked !== undefined) return linked;
        throw error;
      }
    },

    providersOf: async (userId) => {
      const linked = await ssoProvidersOf(sql, userId);
      return linked.filter((provider) => providers.has(provider));
    },

    isTrusted: (redirectUrl) => trusted.has(URL.parse(redirectUrl)?.origin ?? "null"),
  };
}

/** Somebody has an account by now. */
class LinkedMeanwhile extends Error {
  override readonly name = "LinkedMeanwhile";
}

/** Whether a browser may be led there: a page, or an app on the same device. */
export function isPlaceForBrowsers(redirectUrl: string): boolean {
  const url = redirectUrl.length <= MAX_REDIRECT ? URL.parse(redirectUrl) : null;
  return url !== null && !NO_PLACES.has(url.protocol) && url.username === "" && url.password === "";
}

const MAX_REDIRECT = 2_048;
const NO_PLACES: ReadonlySet<string> = new Set([
  ...["javascript:", "data:", "vbscript:", "blob:", "file:", "filesystem:", "about:"],
  ...["view-source:", "ws:", "wss:", "ftp:", "mailto:", "tel:", "sms:"],
]);

/** The address with a token for m.login.token, which no other one in it stands beside. */
export function withLoginToken(redirectUrl: string, token: string): string {
  const url = new URL(redirectUrl);
  url.searchParams.delete("loginToken");
  url.searchParams.set("loginToken", token);
  return url.href;
}
