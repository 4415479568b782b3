import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";
import { exampleConfig } from "../../src/config/example.ts";
import { ConfigError, loadConfig, unknownVariables } from "../../src/config/load.ts";
import { environmentName, type SettingKey, settings } from "../../src/config/schema.ts";
import { loadSigningKey, signingKeyPath } from "../../src/config/signing-key.ts";
import { createSeededRandom } from "../../src/platform/random.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

let folder: string;
beforeAll(() => {
  folder = makeTemporaryFolder("weft-config-");
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const path = join(folder, "weft.yaml");
  writeFileSync(path, text);
  return path;
}

function problem(env: NodeJS.ProcessEnv, file?: string): string {
  try {
    loadConfig(file, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("no error");
}

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
      passwordMinLength: 8,
      rateLimits: true,
      trustedProxies: ["127.0.0.0/8", "::1"],
      metricsListen: undefined,
      legacyMedia: false,
      defaultRoomVersion: "12",
      appservices: undefined,
      userLimits: DEFAULT_LIMITS,
      trustedKeyServers: [],
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
      "WEFT_PASSWORD_MIN_LENGTH",
      "WEFT_RATE_LIMITS",
      "WEFT_TRUSTED_PROXIES",
      "WEFT_METRICS_LISTEN",
      "WEFT_LEGACY_MEDIA",
      "WEFT_DEFAULT_ROOM_VERSION",
      "WEFT_APPSERVICES",
      "WEFT_USER_UPLOAD_LIMIT",
      "WEFT_USER_ACCOUNT_DATA_LIMIT",
      "WEFT_USER_DEVICE_LIMIT",
      "WEFT_USER_ALIAS_LIMIT",
      "WEFT_USER_PUBLISHED_ROOM_LIMIT",
      "WEFT_TRUSTED_KEY_SERVERS",
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
      defaultRoomVersion: "10",
      publicBaseUrl: "https://m.a.test",
      logLevel: "info",
      databaseUrl: "postgres://u:p@h/one",
    });
    const both = { WEFT_DATABASE_URL: "postgres://x/two", DATABASE_URL: "postgres://x/one" };
    expect(loadConfig(undefined, both).databaseUrl).toBe("postgres://x/two");
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

  test.each([
    [
      { WEFT_REGISTRATION: "maybe" },
      'WEFT_REGISTRATION: "maybe" is not valid; write open, token or closed',
    ],
    [{ WEFT_LISTEN: "8008" }, 'WEFT_LISTEN: "8008" is not valid; write an address and a port'],
    [{ WEFT_LISTEN: "0.0.0.0:99999" }, "has a port above 65535"],
    [
      { WEFT_SERVER_NAME: "no name" },
      'WEFT_SERVER_NAME: "no name" is not valid; write a host name',
    ],
    [{ WEFT_FEDERATION_ALLOW_PRIVATE: "perhaps" }, "write true or false"],
    [
      { WEFT_FEDERATION_LISTEN: "0.0.0.0:8448" },
      'WEFT_FEDERATION_LISTEN: "0.0.0.0:8448" needs tls_cert too',
    ],
    [{ WEFT_TLS_CERT: "/nowhere.pem" }, 'WEFT_TLS_CERT: "/nowhere.pem" cannot be read'],
    [{ WEFT_APPSERVICES: "/nowhere" }, "is no folder"],
    [{ DATABASE_URL: "mysql://u:secret@h/d" }, "WEFT_DATABASE_URL"],
    [{ WEFT_TRUSTED_KEY_SERVERS: "a.test,b c" }, "WEFT_TRUSTED_KEY_SERVERS"],
    [{ WEFT_PUBLIC_BASE_URL: "m.test" }, "write an http or https address"],
    [{ WEFT_USER_UPLOAD_LIMIT: "10 GB" }, "write a size such as 500MiB or 10GiB, or none"],
    [{ WEFT_USER_DEVICE_LIMIT: "-1" }, "write a whole number, 0 for no limit"],
    [{ WEFT_USER_DEVICE_LIMIT: "many" }, "write a whole number, 0 for no limit"],
  ])("%o is refused in one line", (env: NodeJS.ProcessEnv, expected) => {
    const message = problem(env);
    expect(message).toContain(expected);
    expect(message).not.toContain("\n");
    expect(message).not.toContain("secret@");
  });

  test("TLS files that are none, or do not belong together, are refused", () => {
    const authority = createAuthority();
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const [one, two] = [authority.issue(["a.test"]), authority.issue(["a.test"])];
    const WEFT_TLS_CERT = write("cert.pem", one.cert);
    const key = write("key.pem", one.key);
    expect(loadConfig(undefined, { WEFT_TLS_CERT, WEFT_TLS_KEY: key }).tlsKey).toBe(key);
    expect(problem({ WEFT_TLS_CERT, WEFT_TLS_KEY: write("other.pem", two.key) })).toContain(
      "is not the key of the certificate in tls_cert; write",
    );
    expect(problem({ WEFT_TLS_CERT: key })).toMatch(/^WEFT_TLS_CERT: .* holds no PEM certificate/);
    expect(problem({ WEFT_FEDERATION_CA: write("ca.pem", "nonsense") })).toMatch(
      /^WEFT_FEDERATION_CA/,
    );
  });

  test("a key that does not exist, or a file that is not one, is refused with a hint", () => {
    expect(problem({}, fileWith("servername: a.test"))).toMatch(
      /^servername: .*did you mean server_name\?/,
    );
    expect(problem({}, fileWith("- a"))).toContain("is not a mapping");
    expect(problem({}, fileWith("a: [b"))).toContain("cannot be read");
    expect(problem({}, join(folder, "none.yaml"))).toContain("ENOENT");
    expect(problem({}, fileWith("rate_limits: 3"))).toBe(
      "rate_limits: 3 is not valid; write on or off",
    );
  });

  test("what a user may keep is read as sizes and numbers", () => {
    const env = {
      WEFT_USER_UPLOAD_LIMIT: "500 MiB",
      WEFT_USER_ACCOUNT_DATA_LIMIT: "none",
      WEFT_USER_DEVICE_LIMIT: "0",
    };
    const file = fileWith("user_alias_limit: 7\nuser_published_room_limit: 8");
    expect(loadConfig(file, env).userLimits).toEqual({
      uploadBytes: 500 * 2 ** 20,
      accountDataBytes: 0,
      devices: 0,
      aliases: 7,
      publishedRooms: 8,
    });
  });

  test("variables that only look like ours are noticed", () => {
    expect(
      unknownVariables({ WEFT_REGISTRATON: "open", WEFT_TEST_DATABASE_URL: "", WEFT_LISTEN: "" }),
    ).toEqual(["WEFT_REGISTRATON"]);
  });

  test("the generated example is valid, as it is and with every key written out", () => {
    expect(loadConfig(fileWith(exampleConfig({ server_name: "a.test" })), {}).serverName).toBe(
      "a.test",
    );
    const all = exampleConfig().replaceAll(/^# ([a-z_]+:( \S+)?)$/gm, "$1");
    expect(loadConfig(fileWith(all), {})).toEqual(loadConfig(undefined, {}));
  });
});

describe("the signing key", () => {
  test("is made at the first start, for this user alone, and stays", () => {
    const dataDir = join(folder, "new", "data");
    const key = loadSigningKey(dataDir, createSeededRandom(1));
    expect(key.keyId).toMatch(/^ed25519:a_\w{4}$/);
    expect(statSync(signingKeyPath(dataDir)).mode & 0o777).toBe(0o600);
    expect(loadSigningKey(dataDir, createSeededRandom(2)).seedBase64).toBe(key.seedBase64);
  });

  test("may come from another homeserver, and is refused when it is none", () => {
    const dataDir = join(folder, "moved");
    mkdirSync(dataDir);
    writeFileSync(signingKeyPath(dataDir), `ed25519 a_OLD1 ${"A".repeat(43)}\n`);
    expect(loadSigningKey(dataDir, createSeededRandom(1)).keyId).toBe("ed25519:a_OLD1");
    writeFileSync(signingKeyPath(dataDir), "ed25519 a_OLD1 AAAA\n");
    expect(() => loadSigningKey(dataDir, createSeededRandom(1))).toThrow(ConfigError);
  });
});
