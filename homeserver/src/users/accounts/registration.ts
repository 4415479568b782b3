import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { Accounts } from "./accounts.ts";
import type { Attempts } from "./attempts.ts";
import type { Passwords } from "./passwords.ts";
import type { RegistrationTokens } from "./registration-tokens.ts";
import { createSharedSecretRegistration, type SharedSecretRegistration } from "./shared-secret.ts";
import type { Stage, UiaFacts } from "./uia.ts";
import type { UserHooks } from "../common/types.ts";

export type RegistrationMode = "open" | "token" | "closed";

/** Making accounts. (Client-server API, "Account registration".) */
export interface Registration {
  readonly mode: RegistrationMode;
  /** The flows that a registering user can choose from. */
  readonly flows: readonly (readonly Stage[])[];
  /**
   * The user id for a wished name that is free.
   * @throws MatrixError M_FORBIDDEN 403 when registration is closed; M_INVALID_USERNAME,
   * M_USER_IN_USE, M_EXCLUSIVE 400
   */
  check(wished: string | undefined): Promise<UserId>;
  /**
   * Creates the account that user-interactive authentication allowed.
   * @throws MatrixError as `check`
   */
  register(userId: UserId, password: string | undefined, facts: UiaFacts): Promise<void>;
  /**
   * Creates an account without further checks, for the command line and for tools.
   * @throws MatrixError as `check`
   */
  create(wished: string, password: string, options?: { isAdmin?: boolean }): Promise<UserId>;
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
  mode: RegistrationMode;
  sharedSecret?: string | undefined;
  hooks: Pick<UserHooks, "isReserved">;
  /** Called within a new account's first moments, after it is committed. */
  onCreated(userId: UserId): Promise<void>;
}

export function createRegistration(deps: RegistrationDeps): Registration {
  const { sql, accounts, passwords, tokens, mode } = deps;

  async function store(
    userId: UserId,
    passwordHash: string | null,
    decideAdmin: (tx: Tx) => Promise<boolean>,
  ): Promise<void> {
    await transaction(sql, async (tx) => {
      const isAdmin = await decideAdmin(tx);
      await accounts.create(tx, { userId, passwordHash, isAdmin });
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

  async function create(
    wished: string,
    password: string,
    options: { isAdmin?: boolean } = {},
  ): Promise<UserId> {
    const userId = await free(wished);
    const hash = await passwords.hash(password);
    await store(userId, hash, () => Promise.resolve(options.isAdmin === true));
    return userId;
  }

  return {
    mode,
    flows: mode === "token" ? [["m.login.registration_token"]] : [["m.login.dummy"]],

    async check(wished) {
      if (mode === "closed") throw errors.forbidden("Registration is closed on this server");
      return await free(wished);
    },

    async register(userId, password, facts) {
      if (password !== undefined) passwords.ensureStrong(password);
      const hash = password === undefined ? null : await passwords.hash(password);
      await store(userId, hash, async (tx) => {
        if (mode === "open") return false;
        if (facts.registrationToken === undefined) throw errors.forbidden("No registration token");
        return (await tokens.take(tx, facts.registrationToken)).bootstrap;
      });
    },

    create,

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

    withSharedSecret:
      deps.sharedSecret === undefined
        ? undefined
        : createSharedSecretRegistration({ ...deps, secret: deps.sharedSecret, create }),
  };
}
