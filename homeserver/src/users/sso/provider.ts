import * as oidc from "openid-client";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { errors, MatrixError, matrixError } from "../../protocol/errors.ts";
import { canonicalEmail } from "../contacts/email.ts";
import { localpartOf } from "./localpart.ts";
import { type ProviderFetch, ProviderUnreachable } from "./provider-fetch.ts";
import type { Checks, Identity, ProviderSettings } from "./types.ts";

/** A provider of OpenID Connect. (OpenID Connect Core 1.0, section 3.1.) */
export interface Provider {
  readonly settings: ProviderSettings;
  /** Where the browser goes. @throws MatrixError M_CONNECTION_FAILED 502 */
  address(request: { state: string; checks: Checks; again: boolean }): Promise<string>;
  /**
   * Who has come back. `search` is the query that the browser brings. `since` (ms since 1970): they
   * have to have signed in there after that, as far as the provider tells.
   * @throws MatrixError M_CONNECTION_FAILED 502, M_FORBIDDEN 403
   */
  identify(search: string, state: string, checks: Checks, since?: number): Promise<Identity>;
}

/** s for each request. */
const TIMEOUT_S = 10;
/** How long is believed what a provider says of itself, ms. */
const METADATA_MS = 3_600_000;
/** s by which its clock may be wrong. */
const TOLERANCE_S = 30;
/** Section 2. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;

export function createProvider(deps: {
  readonly settings: ProviderSettings;
  /** Where it sends browsers back to. */
  readonly redirectUri: string;
  readonly fetch: ProviderFetch;
  readonly clock: Clock;
  readonly logger: Logger;
}): Provider {
  const { settings, redirectUri, clock, logger } = deps;
  const { id, name } = settings;
  const underWay = createSingleFlight<"", oidc.Configuration>();
  let known: { readonly at: number; readonly configuration: oidc.Configuration } | undefined;

  /** What the provider says of itself; the former, if it does not answer. */
  async function configuration(): Promise<oidc.Configuration> {
    if (known !== undefined && clock.now() - known.at < METADATA_MS) return known.configuration;
    try {
      return await underWay.run("", async () => {
        const found = await discover(settings, deps.fetch);
        known = { at: clock.now(), configuration: found };
        return found;
      });
    } catch (error) {
      if (known === undefined) throw error;
      logger.warn({ provider: id, reason: reasonOf(error) }, "a provider says nothing of itself");
      return known.configuration;
    }
  }

  /** What went wrong, for who signs in; the log says more. */
  function problem(error: unknown): MatrixError {
    if (error instanceof MatrixError) return error;
    const reason = reasonOf(error);
    if (error instanceof oidc.AuthorizationResponseError && reason === "access_denied") {
      return errors.forbidden(`You have not signed in at ${name}`);
    }
    logger.warn({ provider: id, reason }, "signing in at a provider did not work");
    return isUnreachable(error)
      ? matrixError("M_CONNECTION_FAILED", `${name} does not answer: try again later`)
      : errors.forbidden(`Signing in at ${name} did not work: begin again`);
  }

  async function whoCame(search: string, state: string, checks: Checks, since?: number) {
    const { nonce, verifier } = checks;
    const found = await configuration();
    const tokens = await oidc.authorizationCodeGrant(found, new URL(redirectUri + search), {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const claims: Record<string, unknown> = { ...tokens.claims() };
    if (since !== undefined) ensureSignedInSince(since, claims, found.serverMetadata());
    const forEmail = settings.scopes.includes("email") ? ["email", "email_verified"] : [];
    const wanted = [settings.claims.localpart, settings.claims.displayName, ...forEmail];
    const isWhole = wanted.every((claim) => claims[claim] !== undefined);
    if (isWhole || found.serverMetadata().userinfo_endpoint === undefined) {
      return identityOf(settings, claims, verifiedIn(claims));
    }
    const subject = String(claims["sub"]);
    const more = await oidc.fetchUserInfo(found, tokens.access_token, subject);
    // An address, and that it is verified, are said in one place.
    const email = verifiedIn(claims) ?? verifiedIn(more);
    return identityOf(settings, { ...more, ...claims }, email);
  }

  return {
    settings,

    async address({ state, checks, again }) {
      try {
        const found = await configuration();
        const address = oidc.buildAuthorizationUrl(found, {
          redirect_uri: redirectUri,
          scope: settings.scopes.join(" "),
          ...{ state, nonce: checks.nonce },
          code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
          code_challenge_method: "S256",
          // Whoever is at the browser can take this out: the answer tells when they signed in.
          ...(again && { prompt: "login", max_age: "0" }),
        });
        return address.href;
      } catch (error) {
        throw problem(error);
      }
    },

    async identify(search, state, checks, since) {
      try {
        return await whoCame(search, state, checks, since);
      } catch (error) {
        throw problem(error);
      }
    },
  };
}

/**
 * A provider that says nothing of when somebody has signed in is trusted to have asked for it.
 * (OpenID Connect Core 1.0, section 2, "auth_time".)
 * @throws MatrixError M_FORBIDDEN 403
 */
function ensureSignedInSince(
  since: number,
  { auth_time: at }: Record<string, unknown>,
  { claims_supported: supported }: oidc.ServerMetadata,
): void {
  const isKnown = typeof at === "number";
  if (isKnown ? at * 1000 >= since - TOLERANCE_S * 1000 : !supported?.includes("auth_time")) return;
  throw errors.forbidden("You have not signed in once more: begin again");
}

async function discover(
  settings: ProviderSettings,
  fetch: ProviderFetch,
): Promise<oidc.Configuration> {
  const { issuer, clientId, clientSecret } = settings;
  const metadata = {
    [oidc.clockTolerance]: TOLERANCE_S,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
  };
  const authentications = {
    none: () => oidc.None(),
    basic: () => oidc.ClientSecretBasic(clientSecret),
    post: () => oidc.ClientSecretPost(clientSecret),
  };
  const authentication = authentications[settings.clientAuth]();
  return await oidc.discovery(new URL(issuer), clientId, metadata, authentication, {
    [oidc.customFetch]: fetch,
    timeout: TIMEOUT_S,
    execute: [
      // Signatures of ID tokens are verified, too.
      oidc.enableNonRepudiationChecks,
      // The owner has written down an address without TLS.
      ...(issuer.startsWith("http:") ? [oidc.allowInsecureRequests] : []),
    ],
  });
}

function identityOf(
  { id, claims: names }: ProviderSettings,
  claims: Readonly<Record<string, unknown>>,
  email: string | undefined,
): Identity {
  const subject = claims["sub"];
  if (typeof subject !== "string" || !SUBJECT.test(subject)) {
    throw new ProviderUnreachable("it does not say who signed in");
  }
  const displayName = claims[names.displayName];
  const localpart = localpartOf(claims[names.localpart]);
  return {
    ...{ provider: id, subject },
    localpart: localpart?.localpart,
    isExact: localpart?.isExact === true,
    displayName: nameFrom(displayName),
    email,
  };
}

/** The address that somebody has, if the provider has verified it. (Section 5.1.) */
function verifiedIn(claims: Readonly<Record<string, unknown>>): string | undefined {
  const { email, email_verified: isVerified } = claims;
  return isVerified === true && typeof email === "string" ? canonicalEmail(email) : undefined;
}

function nameFrom(claim: unknown): string | undefined {
  if (typeof claim !== "string" || !claim.isWellFormed()) return undefined;
  const name = claim.replaceAll("\0", "").trim();
  // Not in the middle of a letter.
  return /^[^]{0,255}[^\ud800-\udbff]/.exec(name)?.[0].trim();
}

/** The provider does not answer, or answers with a failure of its own. */
function isUnreachable(error: unknown): boolean {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; depth += 1) {
    if (each instanceof ProviderUnreachable || /TIMEOUT|ABORT/.test(codeOf(each) ?? ""))
      return true;
    if (each.cause instanceof Response) return each.cause.status >= 500;
    each = each.cause;
  }
  return false;
}

const codeOf = (error: Error) => (error as { code?: string }).code;

/** For the log: neither codes nor tokens stand in it. */
function reasonOf(error: unknown): string {
  if (error instanceof oidc.AuthorizationResponseError) return error.error;
  if (error instanceof oidc.ResponseBodyError) return error.error;
  if (!(error instanceof Error)) return "unknown";
  const cause = error.cause instanceof Error ? ` (${error.cause.message.slice(0, 200)})` : "";
  return `${codeOf(error) ?? error.name}: ${error.message.slice(0, 200)}${cause}`;
}
