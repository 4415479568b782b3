/** What may stand in the file about ways to register and sign in. */

const TEXT = { type: "string", minLength: 1 } as const;
const HTTP = { type: "string", pattern: "^https?://[^\\s/?#]+(/[^\\s?#]*)?$" } as const;
const FLAG = { type: "boolean" } as const;
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
    opens_accounts: FLAG,
    links_accounts_by_name: FLAG,
  },
  additionalProperties: false,
} as const;

const JWT = {
  type: "object",
  required: ["algorithms"],
  properties: {
    secret: { type: "string", minLength: 32 },
    public_key: TEXT,
    algorithms: {
      type: "array",
      minItems: 1,
      items: { enum: [..."HS RS PS ES".split(" ").flatMap(sizes), "EdDSA"] },
    },
    issuer: TEXT,
    audiences: { type: "array", minItems: 1, items: TEXT },
    localpart_claim: TEXT,
    opens_accounts: FLAG,
    requires_expiry: FLAG,
  },
  additionalProperties: false,
} as const;

function sizes(family: string): string[] {
  return ["256", "384", "512"].map((size) => family + size);
}

/** By the languages' tags, and the version. */
const POLICY = {
  type: "object",
  required: ["version"],
  minProperties: 2,
  properties: { version: { type: "string", minLength: 1, maxLength: 100 } },
  patternProperties: {
    "^(?!version$)[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$": {
      type: "object",
      required: ["name", "url"],
      properties: {
        name: { type: "string", minLength: 1, maxLength: 200 },
        url: { type: "string", pattern: "^https?://[^\\s]+$" },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const;

const CAPTCHA = {
  type: "object",
  required: ["kind", "site_key", "secret"],
  properties: {
    kind: { enum: ["recaptcha", "hcaptcha", "turnstile"] },
    site_key: TEXT,
    secret: TEXT,
    verify_url: { type: "string", pattern: "^https?://[^\\s/?#]+(/[^\\s#]*)?$" },
  },
  additionalProperties: false,
} as const;

export const SIGN_IN_SCHEMA = {
  type: "object",
  properties: {
    providers: { type: "array", items: PROVIDER },
    trusted_apps: {
      type: "array",
      items: { type: "string", pattern: "^https?://[^\\s/?#@]+$" },
    },
    jwt: JWT,
    terms: {
      type: "object",
      propertyNames: { pattern: "^[a-z0-9._-]{1,100}$" },
      additionalProperties: POLICY,
    },
    captcha: CAPTCHA,
  },
  additionalProperties: false,
} as const;

export interface WrittenProvider {
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

export interface WrittenJwt {
  readonly secret?: string;
  readonly public_key?: string;
  readonly algorithms: readonly string[];
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly localpart_claim?: string;
  readonly opens_accounts?: boolean;
  readonly requires_expiry?: boolean;
}

export type WrittenTerms = Readonly<
  Record<string, Readonly<Record<string, string | { readonly name: string; readonly url: string }>>>
>;

export interface WrittenCaptcha {
  readonly kind: "recaptcha" | "hcaptcha" | "turnstile";
  readonly site_key: string;
  readonly secret: string;
  readonly verify_url?: string;
}

export interface WrittenSignIn {
  readonly providers?: readonly WrittenProvider[];
  readonly trusted_apps?: readonly string[];
  readonly jwt?: WrittenJwt;
  readonly terms?: WrittenTerms;
  readonly captcha?: WrittenCaptcha;
}
