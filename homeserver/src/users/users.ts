import type { FailureCounts } from "../cluster/failures.ts";
import type { IdentityServers } from "../federation-client/identity-servers.ts";
import { type Meetings, memoryMeetings } from "../cluster/rendezvous.ts";
import type { Log } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { createExclusive, type Exclusive } from "../storage/exclusive.ts";
import type { Sql } from "../storage/sql.ts";
import { type Administering, createAdministering } from "./administration/administering.ts";
import { createAccountData, type AccountData } from "./data/account-data.ts";
import { createAccounts, type Accounts } from "./accounts/accounts.ts";
import { type Contacts, createContacts } from "./contacts/contacts.ts";
import type { MailOptions } from "./contacts/confirmations.ts";
import { createDeactivation, type Deactivation } from "./accounts/deactivation.ts";
import { createAttempts } from "./accounts/attempts.ts";
import { type Acting, createActing } from "./sessions/acting.ts";
import { createDevices, type Devices } from "./sessions/devices.ts";
import { createFilters, type Filters } from "./data/filters.ts";
import { createIgnores, type Ignores } from "./data/ignores.ts";
import { createInvitePermissions, type InvitePermissions } from "./data/invite-permissions.ts";
import { DEFAULT_LIMITS, type UserLimits } from "./common/limits.ts";
import { createLogin, type Login } from "./accounts/login.ts";
import { createPasswordChange, type PasswordChange } from "./accounts/password-change.ts";
import { createPasswords, type PasswordOptions, type Passwords } from "./accounts/passwords.ts";
import { createDehydratedDevices, type DehydratedDevices } from "./keys/dehydrated-devices.ts";
import { createKeys, type Keys } from "./keys/keys.ts";
import { createKeyBackups, type KeyBackups } from "./data/key-backups.ts";
import { createProfiles, type Profiles } from "./data/profiles.ts";
import { createPushRules, type PushRules } from "./data/push-rules.ts";
import { createPushers, type Pushers } from "./data/pushers.ts";
import {
  createRegistration,
  type Registration,
  type RegistrationDeps,
  type RegistrationEmail,
  type RegistrationMode,
} from "./accounts/registration.ts";
import {
  createRegistrationTokens,
  type RegistrationTokens,
} from "./accounts/registration-tokens.ts";
import { createRendezvousPlaces, type RendezvousPlaces } from "./accounts/rendezvous.ts";
import { createReports, type Reports } from "./data/reports.ts";
import { createRoomSettings, type RoomSettings } from "./data/room-settings.ts";
import { createSessions, type Sessions } from "./sessions/sessions.ts";
import {
  createThreadSubscriptions,
  type ThreadSubscriptions,
} from "./data/thread-subscriptions.ts";
import { createTags, type Tags } from "./data/tags.ts";
import { createUserInteractiveAuth, type UserInteractiveAuth } from "./accounts/uia.ts";
import { createModeration, type Moderation } from "./accounts/moderation.ts";
import { createOAuth, type OAuth } from "./oauth/oauth.ts";
import type { Captcha } from "./common/captcha.ts";
import type { Policy } from "./common/terms.ts";
import { createJwtLogin, type JwtLogin, type JwtSettings } from "./sso/jwt-login.ts";
import type { ProviderAgents } from "./sso/provider-fetch.ts";
import { createSingleSignOn, type SingleSignOn, type SsoDeps } from "./sso/sso.ts";
import { NO_SSO, type SsoSettings } from "./sso/types.ts";
import type { UserHooks } from "./common/types.ts";

/** Everything about local users that does not belong to a room. */
export interface Users extends Contacts, Administering {
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly acting: Acting;
  readonly login: Login;
  readonly registration: Registration;
  readonly registrationTokens: RegistrationTokens;
  readonly uia: UserInteractiveAuth;
  readonly oauth: OAuth;
  readonly sso: SingleSignOn;
  /** Undefined: it is not offered. */
  readonly jwt: JwtLogin | undefined;
  readonly deactivation: Deactivation;
  readonly moderation: Moderation;
  readonly passwordChange: PasswordChange;
  readonly profiles: Profiles;
  readonly accountData: AccountData;
  readonly tags: Tags;
  readonly filters: Filters;
  readonly keys: Keys;
  readonly dehydratedDevices: DehydratedDevices;
  readonly rendezvous: RendezvousPlaces;
  readonly keyBackups: KeyBackups;
  readonly pushRules: PushRules;
  readonly pushers: Pushers;
  readonly threadSubscriptions: ThreadSubscriptions;
  readonly ignores: Ignores;
  readonly invitePermissions: InvitePermissions;
  readonly reports: Reports;
  readonly roomSettings: RoomSettings;
  /** The token by which the first user registers; undefined once there is one. */
  ensureBootstrapToken(): Promise<string | undefined>;
  /** Writes pending data, and ends timers and subscriptions. */
  stop(): Promise<void>;
}

export interface UsersOptions {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly registration: RegistrationMode;
  /** Whether a new account may have a confirmed e-mail address (optional), or has to. */
  readonly registrationEmail?: RegistrationEmail;
  readonly registrationSharedSecret?: string | undefined;
  /** Absent: this server sends no mails. */
  readonly mail?: MailOptions | undefined;
  /** How identity servers are called. */
  readonly identityServers: Pick<IdentityServers, "bind" | "unbind">;
  readonly hooks: UserHooks;
  /** Locks for work that must not run twice at once; only within this process unless given. */
  readonly exclusive?: Exclusive;
  /**
   * Whether other replicas work on the same database: token changes are then announced through it.
   */
  readonly replicated?: boolean;
  readonly passwordHashing?: Omit<PasswordOptions, "minLength">;
  /** Characters that a password has at least where its user chooses it (1). */
  readonly passwordMinLength?: number;
  /** Counts wrong passwords; absent: they are not counted, and nobody has to wait. */
  readonly failures?: FailureCounts | undefined;
  /** Where devices meet to sign one of them in; within this process unless given. */
  readonly meetings?: Meetings | undefined;
  /** Limits on what a user may store; the defaults when absent. */
  readonly limits?: UserLimits | undefined;
  /** Life of an access token that comes with a refresh token, ms. */
  readonly accessTokenLifeMs?: number;
  /** Whether this server is reached by http, without encryption (false): clients may be, too. */
  readonly isPlain?: boolean;
  /** Where people may sign in with accounts that they have elsewhere; nowhere when absent. */
  readonly sso?: SsoOptions | undefined;
  /** Tokens of another service by which people sign in; absent: none. */
  readonly jwt?: JwtSettings | undefined;
  /** What new users agree to; nothing when absent. */
  readonly policies?: readonly Policy[];
  /** Puzzles that new users solve; none when absent. */
  readonly captcha?: Captcha | undefined;
  /** Whether push gateways may be at private addresses, and without TLS (false). */
  readonly allowPrivateGateways?: boolean;
}

export interface SsoOptions {
  readonly settings: SsoSettings;
  readonly agents: ProviderAgents;
  /** Known to every replica, and to nobody else. */
  readonly secret: string;
  readonly publicBaseUrl: string;
}

/** What `UsersOptions` says of registration and passwords is read at each use: it may change. */
export async function createUsers(options: UsersOptions): Promise<Users> {
  const passwords = openPasswords(options);
  const attempts = createAttempts({ clock: options.clock, counts: options.failures });
  const accounts = createAccounts({ ...options, passwords, attempts });
  const limits = options.limits ?? DEFAULT_LIMITS;
  const sessions = createSessions({ ...options, limits });
  const devices = createDevices({ ...options, sessions });
  const acting = createActing(options);
  const exclusive = options.exclusive ?? createExclusive();
  const accountData = createAccountData({ ...options, exclusive, limits });
  const pushRules = createPushRules({ ...options, accountData });
  const ignores = createIgnores(options);
  const invitePermissions = createInvitePermissions(options);
  const keys = createKeys(options);
  const registrationTokens = createRegistrationTokens(options);
  const contacts = createContacts(options);
  const newcomers = { policies: options.policies ?? [], captcha: options.captcha };
  const registration = openRegistration(options, {
    ...{ accounts, passwords, tokens: registrationTokens, ...contacts, ...newcomers, attempts },
    onCreated: (userId) => pushRules.initialise(userId),
  });
  const profiles = createProfiles({ ...options, accounts });
  const deactivation = createDeactivation({ ...options, ...contacts, devices });
  const moderation = createModeration(options);
  const passwordChange = createPasswordChange({ ...options, ...contacts, passwords, devices });
  const oauth = createOAuth({ ...options, accounts, sessions, devices });
  return {
    ...{ accounts, passwords, sessions, devices, registration, registrationTokens, ...contacts },
    login: createLogin({ ...options, accounts, sessions }),
    uia: createUserInteractiveAuth({
      ...{ ...options, ...contacts, ...newcomers, accounts, registrationTokens },
    }),
    oauth,
    ...createAdministering({
      ...{ ...options, ...contacts, accounts, registration, profiles, pushRules, sessions },
      ...{ deactivation, moderation, passwordChange, acting, oauth, limits },
    }),
    acting,
    ...{ deactivation, moderation, passwordChange, profiles },
    sso: openSso(options, { accounts, registration, profiles, ...contacts }),
    jwt: openJwt(options, { accounts, registration, sessions }),
    accountData,
    tags: createTags(accountData),
    filters: createFilters(options),
    keys,
    rendezvous: createRendezvousPlaces({
      ...options,
      meetings: options.meetings ?? memoryMeetings(options.clock.now),
    }),
    dehydratedDevices: createDehydratedDevices({ ...options, keys, exclusive }),
    keyBackups: createKeyBackups({ sql: options.sql, limits }),
    ...{ pushRules, ignores, invitePermissions },
    threadSubscriptions: createThreadSubscriptions({ ...options, exclusive, pushRules }),
    pushers: createPushers({ ...options, ...contacts }),
    reports: createReports(options),
    roomSettings: createRoomSettings({ accountData, pushRules }),
    ensureBootstrapToken: registrationTokens.ensureBootstrapToken,
    async stop() {
      pushRules.stop();
      ignores.stop();
      invitePermissions.stop();
      keys.stop();
      await sessions.stop();
    },
  };
}

function openPasswords(options: UsersOptions): Passwords {
  return createPasswords({
    ...options.passwordHashing,
    get minLength() {
      return options.passwordMinLength ?? 1;
    },
  });
}

/** What settings say of it is read at each use. */
function openRegistration(
  options: UsersOptions,
  parts: Omit<RegistrationDeps, keyof UsersOptions | "mode" | "sharedSecret" | "email"> &
    Pick<RegistrationDeps, "policies" | "captcha">,
): Registration {
  return createRegistration({
    ...{ ...options, ...parts },
    get mode() {
      return options.registration;
    },
    get sharedSecret() {
      return options.registrationSharedSecret;
    },
    get email() {
      return options.mail && (options.registrationEmail ?? "optional");
    },
  });
}

function openSso(
  options: UsersOptions,
  layers: Pick<SsoDeps, "accounts" | "registration" | "profiles" | "addresses">,
): SingleSignOn {
  const { sql, clock, random, logger, sso } = options;
  const { settings = NO_SSO, agents, secret = "", publicBaseUrl = "http://localhost" } = sso ?? {};
  const shared = { sql, clock, random, logger, ...layers };
  return createSingleSignOn({ ...shared, settings, agents, secret, publicBaseUrl });
}

function openJwt(
  { clock, jwt: settings }: UsersOptions,
  layers: { accounts: Accounts; registration: Registration; sessions: Sessions },
): JwtLogin | undefined {
  return settings && createJwtLogin({ ...layers, clock, settings });
}
