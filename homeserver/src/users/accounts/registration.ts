import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { insertAgreedTerms } from "../../storage/oauth/agreed-terms.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { Accounts } from "./accounts.ts";
import type { Attempts } from "./attempts.ts";
import type { Passwords } from "./passwords.ts";
import type { RegistrationTokens } from "./registration-tokens.ts";
import { createSharedSecretRegistration, type SharedSecretRegistration } from "./shared-secret.ts";
import type { Stage, UiaFacts } from "./uia-request.ts";
import type { Captcha } from "../common/captcha.ts";
import { type AgreedVersions, type Policy, termsParams } from "../common/terms.ts";
import type { UserHooks } from "../common/types.ts";
import type { Addresses } from "../contacts/addresses.ts";

export type RegistrationMode = "open" | "token" | "closed";
/** Whether a new account may have a confirmed e-mail address, or has to. */
export type RegistrationEmail = "optional" | "required";

/** Making accounts. (Client-server API, "Account registration".) */
export interface Registration {
  readonly mode: RegistrationMode;
  /** Whether an account is made with a confirmed e-mail address only. */
  readonly needsEmail: boolean;
  /** The flows that a registering user can choose from. */
  readonly flows: readonly (readonly Stage[])[];
  /** What clients have to know for them. */
  readonly params: JsonObject;
  /** What new users agree to. */
  readonly policies: readonly Policy[];
  /** The puzzles that they solve; undefined: none. */
  readonly captcha: Captcha | undefined;
  /**
   * The user id for a wished name that is free.
   * @throws MatrixError M_FORBIDDEN 403 when registration is closed; M_INVALID_USERNAME,
   * M_USER_IN_USE, M_EXCLUSIVE 400
   */
  check(wished: string | undefined): Promise<UserId>;
  /**
   * Creates the account that user-interactive authentication allowed.
   * @throws MatrixError as `check`, M_THREEPID_AUTH_FAILED and M_THREEPID_IN_USE 400
   */
  register(userId: UserId, password: string | undefined, facts: UiaFacts): Promise<void>;
  /**
   * Creates an account without further checks, for administrators, the command line and tools; without
   * a password, nobody signs in by one. `within` runs in the same transaction, once there is the
   * account.
   * @throws MatrixError as `check`, M_WEAK_PASSWORD 400, and what `within` throws
   */
  create(wished: string, password: string | undefined, options?: CreateOptions): Promise<UserId>;
  /**
   * Creates an account without a password for somebody who has proven elsewhere who they are.
   * `within` runs in the same transaction, once there is the account.
   * @throws MatrixError M_INVALID_USERNAME, M_USER_IN_USE, M_EXCLUSIVE (all 400), and what `within`
   *   throws
   */
  withoutPassword(
    wished: string,
    agreed: AgreedVersions,
    within: (tx: Tx, userId: UserId) => Promise<void>,
  ): Promise<UserId>;
  /**
   * Creates an account without a password for a user of an application service.
   * @throws MatrixError M_INVALID_USERNAME, M_USER_IN_USE, M_EXCLUSIVE (all 400)
   */
  forService(service: ServiceAccounts, wished: string): Promise<UserId>;
  /** Makes sure that the user that a service acts as by default has an account, open or closed. */
  ensureSender(service: string, sender: UserId): Promise<void>;
  /** Registration with the shared secret; undefined when none is configured. */
  readonly withSharedSecret: SharedSecretRegistration | undefined;
}

interface CreateOptions {
  readonly isAdmin?: boolean;
  readonly userType?: string | null;
  readonly within?: (tx: Tx, userId: UserId) => Promise<void>;
}

/** An application service, as far as accounts are concerned. */
export interface ServiceAccounts {
  readonly id: string;
  /** Whether the user is one that it may open an account for. */
  owns(userId: UserId): boolean;
}

export interface RegistrationDeps {
  sql: Sql;
  clock: Clock;
  random: Random;
  accounts: Accounts;
  passwords: Passwords;
  attempts: Attempts;
  tokens: RegistrationTokens;
  addresses: Pick<Addresses, "addWithin">;
  /** This, `email` and `sharedSecret` may change. */
  readonly mode: RegistrationMode;
  policies: readonly Policy[];
  captcha: Captcha | undefined;
  /** Undefined: this server sends no mails. */
  readonly email: RegistrationEmail | undefined;
  readonly sharedSecret?: string | undefined;
  hooks: Pick<UserHooks, "isReserved">;
  /** Called within a new account's first moments, after it is committed. */
  onCreated(userId: UserId): Promise<void>;
}

export function createRegistration(deps: RegistrationDeps): Registration {
  const { sql, clock, accounts, passwords, tokens, policies, captcha } = deps;
  const needsEmail = () => deps.email === "required";

  async function store(
    userId: UserId,
    passwordHash: string | null,
    decideAdmin: (tx: Tx) => Promise<boolean>,
    { email, agreed = {} }: UiaFacts = {},
  ): Promise<void> {
    await transaction(sql, async (tx) => {
      const isAdmin = await decideAdmin(tx);
      await accounts.create(tx, { userId, passwordHash, isAdmin });
      await insertAgreedTerms(tx, userId, agreed, clock.now());
      if (email !== undefined) await deps.addresses.addWithin(tx, userId, email, "register");
    });
    await deps.onCreated(userId);
  }

  async function storeForService(appservice: string, userId: UserId): Promise<void> {
    const account = { userId, passwordHash: null, isAdmin: false, appservice };
    await transaction(sql, (tx) => accounts.create(tx, account));
    await deps.onCreated(userId);
  }

  async function free(wished: string | undefined): Promise<UserId> {
    const userId = accounts.nameFor(wished);
    await accounts.ensureAvailable(userId);
    return userId;
  }

  const create: Registration["create"] = async (wished, password, options = {}) => {
    const userId = await free(wished);
    const passwordHash = password === undefined ? null : await passwords.hash(password);
    const { isAdmin = false, userType = null } = options;
    await transaction(sql, async (tx) => {
      await accounts.create(tx, { userId, passwordHash, isAdmin, userType });
      await options.within?.(tx, userId);
    });
    await deps.onCreated(userId);
    return userId;
  };

  const withSharedSecret = createSharedSecretRegistration({
    ...{ clock, random: deps.random, attempts: deps.attempts, create },
    secret: () => deps.sharedSecret ?? "",
  });

  return {
    get mode() {
      return deps.mode;
    },
    get needsEmail() {
      return needsEmail();
    },
    get flows() {
      return flowsOf(deps);
    },
    params: paramsOf(deps),
    ...{ policies, captcha },

    async check(wished) {
      if (deps.mode === "closed") throw errors.forbidden("Registration is closed on this server");
      return await free(wished);
    },

    async register(userId, password, facts) {
      const { email, registrationToken } = facts;
      if (needsEmail() && email === undefined) throw errors.forbidden("No e-mail address");
      if (captcha !== undefined && facts.isHuman !== true) {
        throw errors.forbidden("No puzzle was solved");
      }
      ensureAgreed(policies, facts.agreed);
      if (password !== undefined) passwords.ensureStrong(password);
      const hash = password === undefined ? null : await passwords.hash(password);
      const decideAdmin = async (tx: Tx) => {
        if (deps.mode === "open") return false;
        if (registrationToken === undefined) throw errors.forbidden("No registration token");
        return (await tokens.take(tx, registrationToken)).bootstrap;
      };
      await store(userId, hash, decideAdmin, facts);
    },

    create,

    async withoutPassword(wished, agreed, within) {
      const userId = await free(wished);
      await transaction(sql, async (tx) => {
        await accounts.create(tx, { userId, passwordHash: null, isAdmin: false });
        await insertAgreedTerms(tx, userId, agreed, clock.now());
        await within(tx, userId);
      });
      await deps.onCreated(userId);
      return userId;
    },

    async forService(service, wished) {
      const userId = accounts.nameForService(wished);
      if (!service.owns(userId) || deps.hooks.isReserved(userId, service.id)) {
        throw errors.exclusive("That user name is not one of the application service's");
      }
      await accounts.ensureAvailable(userId);
      await storeForService(service.id, userId);
      return userId;
    },

    async ensureSender(service, sender) {
      if (await accounts.find(sender)) return;
      try {
        await storeForService(service, sender);
      } catch (error) {
        // Another replica made it at the same moment.
        if (!(error instanceof MatrixError && error.errcode === "M_USER_IN_USE")) throw error;
      }
    },

    get withSharedSecret() {
      return deps.sharedSecret === undefined ? undefined : withSharedSecret;
    },
  };
}

/**
 * The address comes first: a client that means to give one would have an account without it as soon
 * as the rest is done.
 */
function flowsOf({ mode, email, policies, captcha }: RegistrationDeps): Stage[][] {
  const first: Stage[] = [
    ...(captcha === undefined ? [] : (["m.login.recaptcha"] as const)),
    ...(policies.length === 0 ? [] : (["m.login.terms"] as const)),
  ];
  const token: Stage[] = mode === "token" ? ["m.login.registration_token"] : [];
  const without: Stage[] = [...first, ...(token.length > 0 ? token : (["m.login.dummy"] as const))];
  if (email === undefined) return [without];
  const withEmail: Stage[] = ["m.login.email.identity", ...first, ...token];
  return email === "required" ? [withEmail] : [without, withEmail];
}

function paramsOf({ policies, captcha }: RegistrationDeps): JsonObject {
  return {
    ...(captcha && { "m.login.recaptcha": { public_key: captcha.settings.siteKey } }),
    ...(policies.length > 0 && { "m.login.terms": termsParams(policies) }),
  };
}

/** @throws MatrixError M_FORBIDDEN 403 */
function ensureAgreed(policies: readonly Policy[], agreed: AgreedVersions | undefined): void {
  if (policies.every(({ id, version }) => agreed?.[id] === version)) return;
  throw errors.forbidden("The terms were not agreed to, or they are other ones by now");
}
