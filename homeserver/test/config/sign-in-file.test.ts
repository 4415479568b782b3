/** The file about ways to sign in. */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/values.ts";
import { parseSignIn } from "../../src/config/sign-in-file.ts";
import { folder } from "./files.ts";

const PROVIDER = {
  id: "work",
  name: "Example Ltd",
  issuer: "https://id.example.org",
  client_id: "weft",
  client_secret: "hush",
};

function problem(content: unknown): string {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  try {
    parseSignIn("s.json", text);
  } catch (error) {
    const { message } = error as Error;
    expect(message).not.toContain("\n");
    expect(message).not.toContain("hush");
    return message;
  }
  throw new Error("no error");
}

const withProvider = (more: object) => problem({ providers: [{ ...PROVIDER, ...more }] });

test("what a provider leaves out has a default", () => {
  const { sso } = parseSignIn("s.json", JSON.stringify({ providers: [PROVIDER] }));
  expect(sso).toEqual({
    providers: [
      {
        ...{ id: "work", name: "Example Ltd", issuer: "https://id.example.org" },
        ...{ clientId: "weft", clientSecret: "hush", clientAuth: "basic" },
        ...{ icon: undefined, brand: undefined, scopes: ["openid", "profile"] },
        claims: { localpart: "preferred_username", displayName: "name" },
        ...{ opensAccounts: true, linksByName: false },
      },
    ],
    trustedOrigins: [],
  });
});

test("YAML will do, and a client without a secret", () => {
  const { sso } = parseSignIn(
    "s.yaml",
    `providers:
  - { id: a, name: A, issuer: "http://localhost:1234/x", client_id: c, claims: { localpart: nick } }
trusted_apps: ["https://App.example.org:443"]
`,
  );
  const [provider] = sso.providers;
  expect(provider).toMatchObject({ clientAuth: "none", clientSecret: undefined });
  expect(provider!.claims).toEqual({ localpart: "nick", displayName: "name" });
  expect(sso.trustedOrigins).toEqual(["https://app.example.org"]);
});

test("whatever is wrong stands in one line with file and key, and without a secret", () => {
  expect(problem("{")).toContain("s.json: is neither JSON nor YAML");
  expect(problem([])).toBe("s.json: it must be object");
  expect(problem({ provider: [] })).toBe("s.json: provider: is no key of this file");
  expect(withProvider({ scope: "x" })).toBe("s.json: providers.0.scope: is no key of this file");
  expect(withProvider({ claims: { sub: "x" } })).toContain("providers.0.claims.sub: is no key");
  expect(problem({ providers: [{ id: "a" }] })).toContain("providers.0.name: is missing");
  expect(withProvider({ issuer: "id.example.org" })).toContain("providers.0.issuer: must match");
  expect(withProvider({ id: "a/b" })).toContain("providers.0.id: must match");
  expect(withProvider({ client_auth: "jwt" })).toBe(
    "s.json: providers.0.client_auth: write one of basic, post, none",
  );
  expect(withProvider({ client_auth: "none" })).toContain("client_secret: is of no use");
  expect(withProvider({ client_secret: undefined, client_auth: "post" })).toContain(
    "providers.0.client_secret: is missing",
  );
  expect(withProvider({ scopes: ["profile"] })).toContain("providers.0.scopes: lacks openid");
  expect(problem({ providers: [PROVIDER, PROVIDER] })).toContain("providers.1.id: another");
  expect(problem({ trusted_apps: ["https://app.test/x"] })).toContain("trusted_apps.0: must match");
});

test("the setting names the file", () => {
  const WEFT_SIGN_IN_FILE = join(folder, "sign-in.json");
  expect(() => loadConfig(undefined, { WEFT_SIGN_IN_FILE })).toThrow(ConfigError);
  expect(() => loadConfig(undefined, { WEFT_SIGN_IN_FILE })).toThrow(
    "sign-in.json: cannot be read",
  );
  writeFileSync(WEFT_SIGN_IN_FILE, JSON.stringify({ providers: [PROVIDER], more: 1 }));
  expect(() => loadConfig(undefined, { WEFT_SIGN_IN_FILE })).toThrow(
    "sign-in.json: more: is no key",
  );
  writeFileSync(WEFT_SIGN_IN_FILE, JSON.stringify({ providers: [PROVIDER] }));
  const { signIn } = loadConfig(undefined, { WEFT_SIGN_IN_FILE });
  expect(signIn.sso.providers.map(({ id }) => id)).toEqual(["work"]);
  expect(loadConfig(undefined, {}).signIn.sso.providers).toEqual([]);
});

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = publicKey.export({ type: "spki", format: "pem" });
const SECRET = "hush, a secret of thirty-two letters";

test("tokens of another service have a key, and algorithms for it", () => {
  const jwt = (more: object) => parseSignIn("s", JSON.stringify({ jwt: more })).jwt!;
  const byKey = jwt({ public_key: PEM, algorithms: ["ES256"], audiences: ["a"] });
  expect([byKey.key.asymmetricKeyType, byKey.localpartClaim, byKey.requiresExpiry]).toEqual([
    ...["ec", "sub", true],
  ]);
  expect(jwt({ secret: SECRET, algorithms: ["HS512"], requires_expiry: false })).toMatchObject({
    ...{ requiresExpiry: false, opensAccounts: true, issuer: undefined },
  });
  const wrong = (more: object) => problem({ jwt: more });
  expect(wrong({ algorithms: ["HS256"] })).toBe(
    "s.json: jwt.secret: write it or public_key, and not both",
  );
  expect(wrong({ secret: SECRET, public_key: PEM, algorithms: ["HS256"] })).toContain("not both");
  expect(wrong({ secret: "hush", algorithms: ["HS256"] })).toContain(
    "jwt.secret: must NOT have fewer",
  );
  expect(wrong({ secret: SECRET, algorithms: ["none"] })).toContain(
    "jwt.algorithms.0: write one of HS256",
  );
  expect(wrong({ secret: SECRET, algorithms: ["HS256", "RS256"] })).toContain(
    "algorithms.1: RS256 is not for",
  );
  expect(wrong({ public_key: PEM, algorithms: ["HS256"] })).toContain(
    "algorithms.0: HS256 is not for",
  );
  expect(wrong({ public_key: "hush", algorithms: ["ES256"] })).toContain(
    "public_key: is no public key",
  );
});

test("terms have a version and a language; puzzles a kind", () => {
  const en = { name: "Terms", url: "https://a.test/" };
  const { policies, captcha } = parseSignIn(
    "s",
    JSON.stringify({
      terms: { tos: { version: "1", en, "pt-BR": en } },
      captcha: { kind: "turnstile", site_key: "k", secret: "s" },
    }),
  );
  expect(policies).toEqual([
    {
      id: "tos",
      version: "1",
      texts: new Map([
        ["en", en],
        ["pt-BR", en],
      ]),
    },
  ]);
  expect(captcha!.verifyUrl).toBe("https://challenges.cloudflare.com/turnstile/v0/siteverify");
  expect(problem({ terms: { tos: { version: "1" } } })).toContain("terms.tos: must NOT have fewer");
  expect(problem({ terms: { tos: { en, de: en } } })).toContain("terms.tos.version: is missing");
  expect(problem({ terms: { tos: { version: "1", en: { ...en, x: 1 } } } })).toContain(
    "tos.en.x: is no key",
  );
  expect(problem({ captcha: { kind: "x", site_key: "k", secret: "hush" } })).toContain(
    "captcha.kind: write one of",
  );
});
