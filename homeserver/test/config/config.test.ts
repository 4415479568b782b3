import { ROOM_VERSION_IDS } from "../../src/protocol/room-versions.ts";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { exampleConfig } from "../../src/config/example.ts";
import { loadConfig } from "../../src/config/load.ts";
import { environmentName, type SettingKey, settings } from "../../src/config/schema.ts";
import { fileWith } from "./files.ts";

describe("the configuration", () => {
  test("has the contract's defaults", () => {
    expect(loadConfig(undefined, {})).toEqual({
      serverName: "localhost",
      dataDir: resolve("data"),
      listen: { host: "127.0.0.1", port: 8008 },
      federationListen: undefined,
      tlsCert: undefined,
      tlsKey: undefined,
      federationCa: undefined,
      allowPrivateAddresses: false,
      publicBaseUrl: "http://localhost:8008",
      databaseUrl: undefined,
      redisUrl: undefined,
      registration: "token",
      registrationSharedSecret: undefined,
      registrationEmail: "optional",
      smtp: undefined,
      signIn: {
        sso: { providers: [], trustedOrigins: [] },
        ...{ jwt: undefined, policies: [], captcha: undefined },
      },
      passwordMinLength: 8,
      rateLimits: true,
      trustedProxies: ["127.0.0.0/8", "::1"],
      metricsListen: undefined,
      legacyMedia: false,
      urlPreviews: true,
      defaultRoomVersion: "12",
      allowedRoomVersions: ROOM_VERSION_IDS,
      roomCreators: "everybody",
      encryptionByDefault: "off",
      appservices: undefined,
      turn: undefined,
      rtcTransports: [],
      support: { admins: [], security: [], page: undefined },
      retention: { isOn: false, usual: undefined, shortest: 86_400_000, longest: undefined },
      userLimits: DEFAULT_LIMITS,
      auditLifetimeMs: 365 * 24 * 3_600_000,
      delayedEventLimits: { perUser: 100, maxDelayMs: 2_592_000_000 },
      media: {
        s3: undefined,
        maxCopiesBytes: 20 * 2 ** 30,
        copyLifetimeMs: 0,
        retention: { unusedLifetimeMs: 0, encryptedLifetimeMs: 0 },
      },
      trustedKeyServers: [],
      policyLists: [],
      userDirectoryHidden: [],
      logLevel: "info",
    });
  });

  test("has the contract's variables", () => {
    expect((Object.keys(settings) as SettingKey[]).map(environmentName)).toEqual([
      "WEFT_SERVER_NAME",
      "WEFT_DATA_DIR",
      "WEFT_LISTEN",
      "WEFT_FEDERATION_LISTEN",
      "WEFT_TLS_CERT",
      "WEFT_TLS_KEY",
      "WEFT_FEDERATION_CA",
      "WEFT_FEDERATION_ALLOW_PRIVATE",
      "WEFT_PUBLIC_BASE_URL",
      "WEFT_DATABASE_URL",
      "WEFT_REDIS_URL",
      "WEFT_REGISTRATION",
      "WEFT_REGISTRATION_SHARED_SECRET",
      "WEFT_SIGN_IN_FILE",
      "WEFT_PASSWORD_MIN_LENGTH",
      "WEFT_REGISTRATION_EMAIL",
      "WEFT_SMTP_URL",
      "WEFT_SMTP_FROM",
      "WEFT_RATE_LIMITS",
      "WEFT_TRUSTED_PROXIES",
      "WEFT_METRICS_LISTEN",
      "WEFT_LEGACY_MEDIA",
      "WEFT_URL_PREVIEWS",
      "WEFT_DEFAULT_ROOM_VERSION",
      "WEFT_ALLOWED_ROOM_VERSIONS",
      "WEFT_ROOM_CREATORS",
      "WEFT_ENCRYPTION_BY_DEFAULT",
      "WEFT_APPSERVICES",
      "WEFT_TURN_URIS",
      "WEFT_TURN_SHARED_SECRET",
      "WEFT_RTC_LIVEKIT_URLS",
      "WEFT_ADMIN_CONTACTS",
      "WEFT_SECURITY_CONTACTS",
      "WEFT_SUPPORT_PAGE",
      "WEFT_MEDIA_S3_BUCKET",
      "WEFT_MEDIA_S3_ENDPOINT",
      "WEFT_MEDIA_S3_REGION",
      "WEFT_MEDIA_S3_PREFIX",
      "WEFT_MEDIA_S3_PATH_STYLE",
      "WEFT_MEDIA_S3_ACCESS_KEY_ID",
      "WEFT_MEDIA_S3_SECRET_ACCESS_KEY",
      "WEFT_MEDIA_S3_CREDENTIALS_FILE",
      "WEFT_MEDIA_CACHE_LIMIT",
      "WEFT_MEDIA_CACHE_LIFETIME",
      "WEFT_MEDIA_UNUSED_LIFETIME",
      "WEFT_MEDIA_ENCRYPTED_LIFETIME",
      "WEFT_RETENTION",
      "WEFT_RETENTION_DEFAULT",
      "WEFT_RETENTION_SHORTEST",
      "WEFT_RETENTION_LONGEST",
      "WEFT_AUDIT_LIFETIME",
      "WEFT_FILE_SIZE_LIMIT",
      "WEFT_USER_UPLOAD_LIMIT",
      "WEFT_USER_ACCOUNT_DATA_LIMIT",
      "WEFT_USER_KEY_BACKUP_LIMIT",
      "WEFT_DEVICE_INBOX_LIMIT",
      "WEFT_USER_DEVICE_LIMIT",
      "WEFT_USER_ALIAS_LIMIT",
      "WEFT_USER_PUBLISHED_ROOM_LIMIT",
      "WEFT_USER_DELAYED_EVENT_LIMIT",
      "WEFT_MAX_EVENT_DELAY_HOURS",
      "WEFT_TRUSTED_KEY_SERVERS",
      "WEFT_POLICY_LISTS",
      "WEFT_USER_DIRECTORY_HIDDEN",
      "WEFT_LOG_LEVEL",
    ]);
  });

  test("is read from a file, and the environment wins", () => {
    const file = fileWith(
      "server_name: a.test\nregistration: open\ntrusted_key_servers: [n.test]\n",
    );
    const config = loadConfig(file, {
      WEFT_REGISTRATION: "closed",
      WEFT_TRUSTED_KEY_SERVERS: " one.test , two.test:8448 ",
      WEFT_FEDERATION_ALLOW_PRIVATE: "true",
      WEFT_RATE_LIMITS: "off",
      WEFT_LEGACY_MEDIA: "on",
      WEFT_URL_PREVIEWS: "off",
      WEFT_DEFAULT_ROOM_VERSION: "10",
      WEFT_PUBLIC_BASE_URL: "https://m.a.test/",
      WEFT_LOG_LEVEL: " ",
      DATABASE_URL: "postgres://u:p@h/one",
    });
    expect(config).toMatchObject({
      serverName: "a.test",
      registration: "closed",
      userLimits: DEFAULT_LIMITS,
      trustedKeyServers: ["one.test", "two.test:8448"],
      allowPrivateAddresses: true,
      rateLimits: false,
      legacyMedia: true,
      urlPreviews: false,
      defaultRoomVersion: "10",
      publicBaseUrl: "https://m.a.test",
      logLevel: "info",
      databaseUrl: "postgres://u:p@h/one",
    });
    const both = { WEFT_DATABASE_URL: "postgres://x/two", DATABASE_URL: "postgres://x/one" };
    expect(loadConfig(undefined, both).databaseUrl).toBe("postgres://x/two");
  });

  test("has versions that new rooms may have, and a default one among them", () => {
    const only = { WEFT_ALLOWED_ROOM_VERSIONS: "11, 10" };
    const allowed = { allowedRoomVersions: ["10", "11"], defaultRoomVersion: "11" };
    expect(loadConfig(undefined, only)).toMatchObject(allowed);
    const both = { ...only, WEFT_DEFAULT_ROOM_VERSION: "12" };
    expect(() => loadConfig(undefined, both)).toThrow(
      /^WEFT_DEFAULT_ROOM_VERSION: "12" is not one of allowed_room_versions; write /,
    );
    expect(() => loadConfig(undefined, { WEFT_ALLOWED_ROOM_VERSIONS: "99" })).toThrow(
      /^WEFT_ALLOWED_ROOM_VERSIONS: /,
    );
  });

  test("has times after which messages end", () => {
    const env = {
      WEFT_RETENTION: "on",
      WEFT_RETENTION_DEFAULT: "2y",
      WEFT_RETENTION_LONGEST: "12h",
    };
    expect(() => loadConfig(undefined, env)).toThrow(
      /^WEFT_RETENTION_LONGEST: "12h" is shorter than retention_shortest; write /,
    );
    const hour = 3_600_000;
    expect(loadConfig(undefined, { ...env, WEFT_RETENTION_SHORTEST: "30m" }).retention).toEqual({
      ...{ isOn: true, usual: 2 * 365 * 24 * hour, shortest: hour / 2, longest: 12 * hour },
    });
    const none = { WEFT_RETENTION_SHORTEST: "none" };
    expect(loadConfig(undefined, none).retention.shortest).toBeUndefined();
    for (const bad of ["0d", "1", "d", "1 day"]) {
      const wrong = { WEFT_RETENTION_DEFAULT: bad };
      expect(() => loadConfig(undefined, wrong)).toThrow(/^WEFT_RETENTION_DEFAULT: /);
    }
  });

  test("has TURN servers with their secret, and addresses of those who run the server", () => {
    const uris = "turn:a.test?transport=udp, turns:b.test:443";
    const config = loadConfig(undefined, {
      WEFT_TURN_URIS: uris,
      WEFT_TURN_SHARED_SECRET: "tell nobody",
      WEFT_ADMIN_CONTACTS: "@admin:a.test, help@a.test",
      WEFT_SUPPORT_PAGE: "https://a.test/help",
    });
    expect(config).toMatchObject({
      turn: { uris: uris.split(", "), sharedSecret: "tell nobody" },
      support: {
        admins: ["@admin:a.test", "help@a.test"],
        security: [],
        page: "https://a.test/help",
      },
    });
    const bad: [Record<string, string>, RegExp][] = [
      [{ WEFT_TURN_URIS: "turn:a.test" }, /^WEFT_TURN_URIS: .* needs turn_shared_secret too/],
      [{ WEFT_TURN_URIS: "https://a.test" }, /^WEFT_TURN_URIS: /],
      [{ WEFT_TURN_SHARED_SECRET: "tell nobody" }, /^WEFT_TURN_SHARED_SECRET: \(hidden\) /],
      [{ WEFT_SECURITY_CONTACTS: "nobody" }, /^WEFT_SECURITY_CONTACTS: .* holds nobody/],
      [{ WEFT_SUPPORT_PAGE: "a.test" }, /^WEFT_SUPPORT_PAGE: /],
    ];
    for (const [env, message] of bad) expect(() => loadConfig(undefined, env)).toThrow(message);
  });

  test("has a mail server, with whom its mails come from", () => {
    const WEFT_SMTP_URL = "smtp://weft:s%40cret@mail.test:587";
    const WEFT_SMTP_FROM = "Example <chat@a.test>";
    const all = { WEFT_SMTP_URL, WEFT_SMTP_FROM, WEFT_REGISTRATION_EMAIL: "required" };
    expect(loadConfig(undefined, all)).toMatchObject({
      smtp: { url: WEFT_SMTP_URL, from: WEFT_SMTP_FROM },
      registrationEmail: "required",
    });
    const bad: [Record<string, string>, RegExp][] = [
      [{ WEFT_SMTP_URL }, /^WEFT_SMTP_URL: \(hidden\) needs smtp_from too/],
      [{ WEFT_SMTP_FROM }, /^WEFT_SMTP_FROM: .* is of no use without smtp_url/],
      [{ WEFT_REGISTRATION_EMAIL: "required" }, /^WEFT_REGISTRATION_EMAIL: .* needs smtp_url too/],
      [{ ...all, WEFT_REGISTRATION_EMAIL: "maybe" }, /^WEFT_REGISTRATION_EMAIL: .* optional or/],
      [{ ...all, WEFT_SMTP_URL: "mail.test:25" }, /^WEFT_SMTP_URL: /],
      [{ ...all, WEFT_SMTP_URL: "smtp://mail.test/?tls=maybe" }, /^WEFT_SMTP_URL: /],
      [{ ...all, WEFT_SMTP_FROM: "nobody" }, /^WEFT_SMTP_FROM: /],
      [{ ...all, WEFT_SMTP_FROM: "a@b.test, c@d.test" }, /^WEFT_SMTP_FROM: /],
    ];
    for (const [env, message] of bad) expect(() => loadConfig(undefined, env)).toThrow(message);
    const local = loadConfig(undefined, { ...all, WEFT_SMTP_URL: "smtp://mail?tls=off" });
    expect(local.smtp?.url).toBe("smtp://mail?tls=off");
  });

  test("names proxies by address or network, and has whole numbers in bounds", () => {
    const config = loadConfig(undefined, {
      WEFT_TRUSTED_PROXIES: "10.0.0.5, 192.168.0.0/16, fd00::/8",
      WEFT_METRICS_LISTEN: "127.0.0.1:9100",
      WEFT_PASSWORD_MIN_LENGTH: "12",
    });
    expect(config).toMatchObject({
      trustedProxies: ["10.0.0.5", "192.168.0.0/16", "fd00::/8"],
      metricsListen: { host: "127.0.0.1", port: 9100 },
      passwordMinLength: 12,
    });
    for (const [name, value] of [
      ["WEFT_TRUSTED_PROXIES", "10.0.0.5/33"],
      ["WEFT_TRUSTED_PROXIES", "my.proxy"],
      ["WEFT_TRUSTED_PROXIES", "1.2.3.4.5"],
      ["WEFT_METRICS_LISTEN", "9100"],
      ["WEFT_PASSWORD_MIN_LENGTH", "0"],
      ["WEFT_PASSWORD_MIN_LENGTH", "eight"],
    ] as const) {
      expect(() => loadConfig(undefined, { [name]: value })).toThrow(
        new RegExp(`^${name}: .*; write `),
      );
    }
  });

  test.each([
    ["0.0.0.0:80", { host: "0.0.0.0", port: 80 }, "http://localhost"],
    [":9000", { host: "::", port: 9000 }, "http://localhost:9000"],
    ["[2001:db8::1]:81", { host: "2001:db8::1", port: 81 }, "http://[2001:db8::1]:81"],
    ["m.test:8008", { host: "m.test", port: 8008 }, "http://m.test:8008"],
  ])("understands WEFT_LISTEN=%s", (text, listen, publicBaseUrl) => {
    expect(loadConfig(undefined, { WEFT_LISTEN: text })).toMatchObject({ listen, publicBaseUrl });
  });

  test("what a user may keep is read as sizes and numbers", () => {
    const env = {
      WEFT_USER_UPLOAD_LIMIT: "500 MiB",
      WEFT_USER_ACCOUNT_DATA_LIMIT: "none",
      WEFT_USER_KEY_BACKUP_LIMIT: "1GiB",
      WEFT_DEVICE_INBOX_LIMIT: "16MiB",
      WEFT_USER_DEVICE_LIMIT: "0",
    };
    const file = fileWith("user_alias_limit: 7\nuser_published_room_limit: 8");
    expect(loadConfig(file, env).userLimits).toEqual({
      uploadBytes: 500 * 2 ** 20,
      fileBytes: 100 * 2 ** 20,
      accountDataBytes: 0,
      keyBackupBytes: 2 ** 30,
      inboxBytes: 16 * 2 ** 20,
      devices: 0,
      aliases: 7,
      publishedRooms: 8,
    });
  });

  test("the generated example is valid, as it is and with every key written out", () => {
    expect(loadConfig(fileWith(exampleConfig({ server_name: "a.test" })), {}).serverName).toBe(
      "a.test",
    );
    const all = exampleConfig().replaceAll(/^# ([a-z_]+:( \S+)?)$/gm, "$1");
    expect(loadConfig(fileWith(all), {})).toEqual(loadConfig(undefined, {}));
  });
});
