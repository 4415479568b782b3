/** The file about ways to register and sign in beyond the password. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { NO_SSO, type ProviderSettings, type SsoSettings } from "../users/sso/types.ts";

/** Ways to register and sign in beyond the password. */
export interface SignInSettings {
  readonly sso: SsoSettings;
}

export const NO_SIGN_IN: SignInSettings = { sso: NO_SSO };

/** The file cannot be used. The message is one line that names the file and the key. */
export class SignInFileError extends Error {
  override readonly name = "SignInFileError";
}

const TEXT = { type: "string", minLength: 1 } as const;
const HTTP = { type: "string", pattern: "^https?://[^\\s/?#]+(/[^\\s?#]*)?$" } as const;
/** "/" would end a path's part, and all of these are readable in one. */
const ID = { type: "string", pattern: "^[A-Za-z0-9._~-]{1,100}$" } as const;

const PROVIDER = {
  type: "object",
  required: ["id", "name", "issuer", "client_id"],
  properties: {
    id: ID,
    name: { type: "string", minLength: 1, maxLength: 100 },
    icon: { type: "string", pattern: "^mxc://[^/]+/[A-Za-z0-9_-]+$" },
    brand: { type: "string", pattern: "^[a-z0-9._-]{1,255}$" },
    issuer: HTTP,
    client_id: TEXT,
    client_secret: TEXT,
    client_auth: { enum: ["basic", "post", "none"] },
    scopes: { type: "array", items: { type: "string", pattern: "^[\\x21-\\x7e]+$" } },
    claims: {
      type: "object",
      properties: { localpart: TEXT, display_name: TEXT },
      additionalProperties: false,
    },
    opens_accounts: { type: "boolean" },
    links_accounts_by_name: { type: "boolean" },
  },
  additionalProperties: false,
} as const;

const SCHEMA = {
  type: "object",
  properties: {
    providers: { type: "array", items: PROVIDER },
    trusted_apps: {
      type: "array",
      items: { type: "string", pattern: "^https?://[^\\s/?#@]+$" },
    },
  },
  additionalProperties: false,
} as const;

interface WrittenProvider {
  readonly id: string;
  readonly name: string;
  readonly icon?: string;
  readonly brand?: string;
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret?: string;
  readonly client_auth?: "basic" | "post" | "none";
  readonly scopes?: readonly string[];
  readonly claims?: { readonly localpart?: string; readonly display_name?: string };
  readonly opens_accounts?: boolean;
  readonly links_accounts_by_name?: boolean;
}

interface Written {
  readonly providers?: readonly WrittenProvider[];
  readonly trusted_apps?: readonly string[];
}

const validate = new Ajv2020({ strict: false }).compile(SCHEMA);

/** Reads the file. @throws SignInFileError */
export function readSignInFile(file: string): SignInSettings {
  try {
    return parseSignIn(file, readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof SignInFileError) throw error;
    throw new SignInFileError(`${file}: cannot be read (${firstLine(error)})`);
  }
}

/** `text` is JSON, or YAML. @throws SignInFileError */
export function parseSignIn(file: string, text: string): SignInSettings {
  const fail = (why: string) => new SignInFileError(`${file}: ${why}`);
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw fail(`is neither JSON nor YAML (${firstLine(error)})`);
  }
  if (!validate(value)) throw fail(problemOf(validate.errors?.[0]));
  const { providers = [], trusted_apps: apps = [] } = value as Written;
  const ids = providers.map(({ id }) => id);
  const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i);
  if (twice !== -1) throw fail(`providers.${twice}.id: another provider has it, too`);
  return {
    sso: {
      providers: providers.map((each, i) =>
        providerOf(each, (why) => fail(`providers.${i}.${why}`)),
      ),
      trustedOrigins: apps.map((app, i) =>
        originOf(app, () => fail(`trusted_apps.${i}: is no origin`)),
      ),
    },
  };
}

function providerOf(written: WrittenProvider, fail: (why: string) => Error): ProviderSettings {
  const { client_secret: clientSecret, scopes = ["openid", "profile"], claims = {} } = written;
  const clientAuth = written.client_auth ?? (clientSecret === undefined ? "none" : "basic");
  if ((clientAuth === "none") !== (clientSecret === undefined)) {
    throw fail(
      clientAuth === "none"
        ? "client_secret: is of no use with client_auth none"
        : `client_secret: is missing, which client_auth ${clientAuth} needs`,
    );
  }
  if (!scopes.includes("openid")) throw fail("scopes: lacks openid");
  if (!URL.canParse(written.issuer)) throw fail("issuer: is no address");
  return {
    ...{ id: written.id, name: written.name, icon: written.icon, brand: written.brand },
    ...{ issuer: written.issuer, clientId: written.client_id, clientSecret, clientAuth, scopes },
    claims: {
      localpart: claims.localpart ?? "preferred_username",
      displayName: claims.display_name ?? "name",
    },
    opensAccounts: written.opens_accounts ?? true,
    linksByName: written.links_accounts_by_name ?? false,
  };
}

function originOf(text: string, fail: () => Error): string {
  const url = URL.parse(text);
  if (url === null || url.pathname !== "/") throw fail();
  return url.origin;
}

function firstLine(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : "unknown";
}

/** "providers.0.issuer: …", and never a value: there are secrets among them. */
function problemOf(error: ErrorObject | undefined): string {
  const where = (error?.instancePath ?? "").slice(1).replaceAll("/", ".");
  const place = (name: unknown) => [where, String(name)].filter(Boolean).join(".");
  if (error?.keyword === "additionalProperties") {
    return `${place(error.params["additionalProperty"])}: is no key of this file`;
  }
  if (error?.keyword === "required") {
    return `${place(error.params["missingProperty"])}: is missing`;
  }
  if (error?.keyword === "enum") {
    return `${where}: write one of ${(error.params["allowedValues"] as string[]).join(", ")}`;
  }
  return `${where === "" ? "it" : `${where}:`} ${error?.message ?? "is not valid"}`;
}
