/** The file about ways to register and sign in beyond the password. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { parse } from "yaml";
import type { CaptchaSettings } from "../users/common/captcha.ts";
import type { Policy } from "../users/common/terms.ts";
import type { JwtSettings } from "../users/sso/jwt-login.ts";
import { NO_SSO, type SsoSettings } from "../users/sso/types.ts";
import { captchaOf, jwtOf, originOf, policiesOf, providerOf } from "./sign-in-parts.ts";
import { SIGN_IN_SCHEMA, type WrittenSignIn } from "./sign-in-schema.ts";

/** Ways to register and sign in beyond the password. */
export interface SignInSettings {
  readonly sso: SsoSettings;
  /** Absent: org.matrix.login.jwt is not offered. */
  readonly jwt: JwtSettings | undefined;
  /** What new users agree to. */
  readonly policies: readonly Policy[];
  /** Absent: nobody solves puzzles. */
  readonly captcha: CaptchaSettings | undefined;
}

export const NO_SIGN_IN: SignInSettings = {
  ...{ sso: NO_SSO, jwt: undefined, policies: [], captcha: undefined },
};

/** The file cannot be used. The message is one line that names the file and the key. */
export class SignInFileError extends Error {
  override readonly name = "SignInFileError";
}

const validate = new Ajv2020({ strict: false }).compile(SIGN_IN_SCHEMA);

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
  const written = value as WrittenSignIn;
  const { providers = [], trusted_apps: apps = [], jwt, terms = {}, captcha } = written;
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
    jwt: jwt && jwtOf(jwt, (why) => fail(`jwt.${why}`)),
    policies: policiesOf(terms),
    captcha: captcha && captchaOf(captcha, (why) => fail(`captcha.${why}`)),
  };
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
