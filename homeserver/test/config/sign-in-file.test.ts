/** The file about ways to sign in. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ConfigError, loadConfig } from "../../src/config/load.ts";
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
