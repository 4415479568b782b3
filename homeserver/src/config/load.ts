import { statSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import ipaddr from "ipaddr.js";
import type { RtcTransport } from "../client-api/rtc-transports.ts";
import type { Support } from "../client-api/support.ts";
import type { TurnServers } from "../client-api/voip.ts";
import {
  isUserId,
  type RoomId,
  type ServerName,
  parseServerName,
} from "../protocol/identifiers.ts";
import { DEFAULT_ROOM_VERSION, ROOM_VERSION_IDS } from "../protocol/room-versions.ts";
import type { EncryptionByDefault, RoomCreators } from "../rooms/creating/room-rules.ts";
import type { RetentionRules } from "../rooms/visibility/retention-rules.ts";
import type { SmtpOptions } from "../mail/smtp.ts";
import type { RegistrationEmail } from "../users/accounts/registration.ts";
import type { DelayedEventLimits } from "../delayed-events/types.ts";
import type { UserLimits } from "../users/common/limits.ts";
import { certificateProblem, keyProblem } from "./pem.ts";
import {
  NO_SIGN_IN,
  readSignInFile,
  SignInFileError,
  type SignInSettings,
} from "./sign-in-file.ts";
import { type MediaConfig, mediaConfig } from "./media.ts";
import { parseDuration, parseSize } from "./sizes.ts";
import { type ListenAddress, baseUrlOf, parseListen } from "./listen.ts";
import { limitSettings } from "./limit-settings.ts";
import { type SettingKey, settings } from "./schema.ts";
import type { Setting } from "./setting.ts";
import { ConfigError, readValues, type SetValues, type Values, wrong } from "./values.ts";

type Registration = "open" | "token" | "closed";

export interface Config {
  readonly serverName: ServerName;
  /** Absolute path. */
  readonly dataDir: string;
  readonly listen: ListenAddress;
  /** The HTTPS listener for other servers; absent: off. */
  readonly federationListen: ListenAddress | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  /** Path of a PEM file. */
  readonly federationCa: string | undefined;
  readonly allowPrivateAddresses: boolean;
  /** Without a trailing slash. */
  readonly publicBaseUrl: string;
  /** Absent: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** Absent: in memory, one replica. */
  readonly redisUrl: string | undefined;
  readonly registration: Registration;
  readonly registrationSharedSecret: string | undefined;
  readonly registrationEmail: RegistrationEmail;
  /** Absent: no mails are sent. */
  readonly smtp: SmtpOptions | undefined;
  /** Ways to register and sign in beyond the password. */
  readonly signIn: SignInSettings;
  /** Characters. */
  readonly passwordMinLength: number;
  readonly rateLimits: boolean;
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[];
  /** The listener for metrics; absent: `listen` serves them to loopback. */
  readonly metricsListen: ListenAddress | undefined;
  /** Downloads without a token. */
  readonly legacyMedia: boolean;
  /** Whether previews of web pages are made. */
  readonly urlPreviews: boolean;
  /** The version of rooms whose creator names none. */
  readonly defaultRoomVersion: string;
  /** Versions of rooms that are made here. */
  readonly allowedRoomVersions: readonly string[];
  readonly roomCreators: RoomCreators;
  readonly encryptionByDefault: EncryptionByDefault;
  /** Absolute path of a folder. */
  readonly appservices: string | undefined;
  /** Absent: calls have no help of this server's. */
  readonly turn: TurnServers | undefined;
  /** What carries calls of many people (MatrixRTC), the preferred one first. */
  readonly rtcTransports: readonly RtcTransport[];
  readonly support: Support;
  readonly retention: RetentionRules;
  /** For how long it is kept what administrators did, ms; undefined: as long as there is room. */
  readonly auditLifetimeMs: number | undefined;
  readonly userLimits: UserLimits;
  readonly media: MediaConfig;
  readonly delayedEventLimits: DelayedEventLimits;
  readonly trustedKeyServers: readonly ServerName[];
  /** Rooms by whose rules this server is a policy server; none: it is not. */
  readonly policyLists: readonly RoomId[];
  /** Patterns of user ids. */
  readonly userDirectoryHidden: readonly string[];
  readonly logLevel: string;
}

/**
 * Reads the YAML file (if any) and the environment, which overrides it, and checks both.
 * @throws ConfigError
 */
export function loadConfig(file: string | undefined, env: NodeJS.ProcessEnv): Config {
  return complete(readValues(file, env));
}

type FileKey = "tls_cert" | "tls_key" | "federation_ca";

/**
 * The configuration that the values make, with the defaults of those that are not set.
 * @throws ConfigError for values that do not go together, or name files that are none
 */
export function complete({ values, origin }: SetValues): Config {
  const text = (key: SettingKey): string | undefined =>
    (values[key] ?? (settings[key] as Setting).default) as string | undefined;
  const isOn = (key: SettingKey): boolean => text(key) === "on";
  const fail = (key: SettingKey, why?: string) => wrong(key, values[key], origin, why);
  const address = (
    key: "listen" | "federation_listen" | "metrics_listen",
  ): ListenAddress | undefined => {
    const value = text(key);
    if (value === undefined) return undefined;
    const parsed = parseListen(value);
    if (!parsed) throw fail(key, "has a port above 65535");
    return parsed;
  };
  const file = (key: FileKey, problemOf: (path: string) => string | undefined) => {
    const value = text(key);
    if (value === undefined) return undefined;
    const why = problemOf(resolve(value));
    if (why !== undefined) throw fail(key, why);
    return resolve(value);
  };
  const serverName = (key: SettingKey, value: string): ServerName => {
    try {
      return parseServerName(value);
    } catch {
      throw fail(key, "is no server name");
    }
  };
  const networks = (all: readonly string[]) => {
    const bad = all.find((network) => !isNetwork(network));
    if (bad !== undefined) throw fail("trusted_proxies", `holds ${bad}, which is no network`);
    return all;
  };
  const listen = address("listen")!;
  const federationListen = address("federation_listen");
  const tlsCert = file("tls_cert", certificateProblem);
  const tlsKey = file("tls_key", (path) => keyProblem(path, tlsCert));
  if (federationListen && !(tlsCert && tlsKey)) {
    throw fail("federation_listen", `needs ${tlsCert ? "tls_key" : "tls_cert"} too`);
  }
  const appservices = text("appservices");
  if (appservices !== undefined && !isFolder(appservices))
    throw fail("appservices", "is no folder");
  return {
    serverName: serverName("server_name", text("server_name")!),
    dataDir: resolve(text("data_dir")!),
    ...{ listen, federationListen, tlsCert, tlsKey },
    federationCa: file("federation_ca", certificateProblem),
    allowPrivateAddresses: (values.federation_allow_private as boolean | undefined) ?? false,
    publicBaseUrl: (text("public_base_url") ?? baseUrlOf(listen)).replace(/(?<!\/)\/+$/, ""),
    databaseUrl: text("database_url"),
    redisUrl: text("redis_url"),
    registration: text("registration") as Registration,
    registrationSharedSecret: text("registration_shared_secret"),
    registrationEmail: text("registration_email") as RegistrationEmail,
    smtp: smtp(values, fail),
    signIn: signIn(text("sign_in_file")),
    passwordMinLength: (values.password_min_length ??
      settings.password_min_length.default) as number,
    rateLimits: isOn("rate_limits"),
    trustedProxies: networks((values.trusted_proxies as string[] | undefined) ?? LOOPBACK),
    metricsListen: address("metrics_listen"),
    ...{ legacyMedia: isOn("legacy_media"), urlPreviews: isOn("url_previews") },
    ...roomsMade(values, fail),
    appservices: appservices === undefined ? undefined : resolve(appservices),
    turn: turnServers(values, fail),
    rtcTransports: rtcTransports(values),
    support: support(values, fail),
    retention: retention(text, fail),
    auditLifetimeMs: parseDuration(text("audit_lifetime")!),
    ...bounds(values),
    media: mediaConfig(values, fail),
    trustedKeyServers: ((values.trusted_key_servers as string[] | undefined) ?? []).map((name) =>
      serverName("trusted_key_servers", name),
    ),
    ...listsIn(values),
    logLevel: text("log_level")!,
  };
}

function signIn(file: string | undefined): SignInSettings {
  try {
    return file === undefined ? NO_SIGN_IN : readSignInFile(resolve(file));
  } catch (error) {
    throw error instanceof SignInFileError ? new ConfigError(error.message) : error;
  }
}

function listsIn(values: Values): Pick<Config, "policyLists" | "userDirectoryHidden"> {
  return {
    policyLists: (values.policy_lists as RoomId[] | undefined) ?? [],
    userDirectoryHidden: (values.user_directory_hidden as string[] | undefined) ?? [],
  };
}

function roomsMade(values: Values, fail: (key: SettingKey, why: string) => ConfigError) {
  const written = (values.allowed_room_versions as string[] | undefined) ?? [];
  const allowedRoomVersions = ROOM_VERSION_IDS.filter(
    (id) => written.length === 0 || written.includes(id),
  );
  const usual = allowedRoomVersions.includes(DEFAULT_ROOM_VERSION)
    ? DEFAULT_ROOM_VERSION
    : allowedRoomVersions.at(-1)!;
  const defaultRoomVersion = (values.default_room_version as string | undefined) ?? usual;
  if (!allowedRoomVersions.includes(defaultRoomVersion)) {
    throw fail("default_room_version", "is not one of allowed_room_versions");
  }
  const { room_creators: creators, encryption_by_default: encryption } = settings;
  return {
    ...{ allowedRoomVersions, defaultRoomVersion },
    roomCreators: (values.room_creators ?? creators.default) as RoomCreators,
    encryptionByDefault: (values.encryption_by_default ??
      encryption.default) as EncryptionByDefault,
  };
}

function retention(
  text: (key: SettingKey) => string | undefined,
  fail: (key: SettingKey, why: string) => ConfigError,
): RetentionRules {
  const time = (key: SettingKey) => parseDuration(text(key)!);
  const [shortest, longest] = [time("retention_shortest"), time("retention_longest")];
  if ((shortest ?? 0) > (longest ?? Infinity)) {
    throw fail("retention_longest", "is shorter than retention_shortest");
  }
  const isOn = text("retention") === "on";
  return { isOn, usual: time("retention_default"), shortest, longest };
}

function support(values: Values, fail: (key: SettingKey, why: string) => ConfigError): Support {
  const contacts = (key: "admin_contacts" | "security_contacts"): readonly string[] => {
    const all = (values[key] as string[] | undefined) ?? [];
    const bad = all.find((contact) => !isUserId(contact) && !/^[^@]+@[^@]+$/.test(contact));
    if (bad !== undefined) throw fail(key, `holds ${bad}, which is no address`);
    return all;
  };
  return {
    admins: contacts("admin_contacts"),
    security: contacts("security_contacts"),
    page: values.support_page as string | undefined,
  };
}

function smtp(
  values: Values,
  fail: (key: SettingKey, why: string) => ConfigError,
): SmtpOptions | undefined {
  const url = values.smtp_url as string | undefined;
  const from = values.smtp_from as string | undefined;
  if (url === undefined) {
    if (from !== undefined) throw fail("smtp_from", "is of no use without smtp_url");
    if (values.registration_email !== "required") return undefined;
    throw fail("registration_email", "needs smtp_url too");
  }
  if (!URL.canParse(url)) throw fail("smtp_url", "is no address");
  if (from === undefined) throw fail("smtp_url", "needs smtp_from too");
  return { url, from };
}

/** What one user may have. */
function bounds(values: Values): Pick<Config, "userLimits" | "delayedEventLimits"> {
  const valueOf = (key: keyof typeof limitSettings) => values[key] ?? limitSettings[key].default;
  const size = (key: keyof typeof limitSettings) => parseSize(valueOf(key) as string);
  const count = (key: keyof typeof limitSettings) => valueOf(key) as number;
  return {
    userLimits: {
      uploadBytes: size("user_upload_limit"),
      fileBytes: size("file_size_limit"),
      accountDataBytes: size("user_account_data_limit"),
      inboxBytes: size("device_inbox_limit"),
      keyBackupBytes: size("user_key_backup_limit"),
      devices: count("user_device_limit"),
      aliases: count("user_alias_limit"),
      publishedRooms: count("user_published_room_limit"),
    },
    delayedEventLimits: {
      perUser: count("user_delayed_event_limit"),
      maxDelayMs: count("max_event_delay_hours") * 3_600_000,
    },
  };
}

function rtcTransports(values: Values): RtcTransport[] {
  const urls = (values.rtc_livekit_urls as string[] | undefined) ?? [];
  return urls.map((url) => ({ type: "livekit", livekit_service_url: url }));
}

function turnServers(
  values: Values,
  fail: (key: SettingKey, why: string) => ConfigError,
): TurnServers | undefined {
  const uris = values.turn_uris as string[] | undefined;
  const sharedSecret = values.turn_shared_secret as string | undefined;
  if (uris === undefined || uris.length === 0) {
    if (sharedSecret === undefined) return undefined;
    throw fail("turn_shared_secret", "is of no use without turn_uris");
  }
  if (sharedSecret === undefined) throw fail("turn_uris", "needs turn_shared_secret too");
  return { uris, sharedSecret };
}

const LOOPBACK = settings.trusted_proxies.default;

function isNetwork(text: string): boolean {
  const [address = "", ...length] = text.split("/");
  // Shortened addresses (10.1) are ambiguous.
  return isIP(address) !== 0 && (length.length === 0 || ipaddr.isValidCIDR(text));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
