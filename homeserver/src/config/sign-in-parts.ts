/** Parts of the file about ways to register and sign in, as the layers take them. */
import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { CAPTCHA_KINDS, type CaptchaSettings } from "../users/common/captcha.ts";
import type { Policy } from "../users/common/terms.ts";
import type { JwtSettings } from "../users/sso/jwt-login.ts";
import type { ProviderSettings } from "../users/sso/types.ts";
import type {
  WrittenCaptcha,
  WrittenJwt,
  WrittenProvider,
  WrittenTerms,
} from "./sign-in-schema.ts";

/** Makes the error about a key, which is named first. */
type Fail = (why: string) => Error;

export function providerOf(written: WrittenProvider, fail: Fail): ProviderSettings {
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

export function originOf(text: string, fail: () => Error): string {
  const url = URL.parse(text);
  if (url === null || url.pathname !== "/") throw fail();
  return url.origin;
}

/** Which algorithms a kind of key is for. */
const ALGORITHMS_OF: Readonly<Record<string, RegExp>> = {
  secret: /^HS/,
  rsa: /^[RP]S/,
  ec: /^ES/,
  ed25519: /^EdDSA$/,
};

export function jwtOf(written: WrittenJwt, fail: Fail): JwtSettings {
  const { secret, public_key: pem, algorithms } = written;
  if ((secret === undefined) === (pem === undefined)) {
    throw fail("secret: write it or public_key, and not both");
  }
  const key = secret === undefined ? publicKey(pem!, fail) : createSecretKey(secret, "utf8");
  const kind = key.type === "secret" ? "secret" : (key.asymmetricKeyType ?? "");
  const other = algorithms.findIndex((each) => ALGORITHMS_OF[kind]?.test(each) !== true);
  if (other !== -1) throw fail(`algorithms.${other}: ${algorithms[other]!} is not for such a key`);
  return {
    ...{ key, algorithms, issuer: written.issuer, audiences: written.audiences },
    localpartClaim: written.localpart_claim ?? "sub",
    opensAccounts: written.opens_accounts ?? true,
    requiresExpiry: written.requires_expiry ?? true,
  };
}

function publicKey(pem: string, fail: Fail): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw fail("public_key: is no public key in PEM");
  }
}

export function policiesOf(written: WrittenTerms): readonly Policy[] {
  return Object.entries(written).map(([id, policy]) => {
    const { version, ...texts } = policy;
    const all = Object.entries(texts) as [string, { name: string; url: string }][];
    return { id, version: version as string, texts: new Map(all) };
  });
}

export function captchaOf(written: WrittenCaptcha, fail: Fail): CaptchaSettings {
  const { kind, site_key: siteKey, secret } = written;
  const verifyUrl = written.verify_url ?? CAPTCHA_KINDS[kind].verifyUrl;
  if (!URL.canParse(verifyUrl)) throw fail("verify_url: is no address");
  return { kind, siteKey, secret, verifyUrl };
}
