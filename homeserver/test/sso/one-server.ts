/** One server, one provider of OpenID Connect, and the ways between them. */
import { afterAll, beforeAll } from "vitest";
import type { UsersOptions } from "../../src/users/users.ts";
import type { SsoSettings } from "../../src/users/sso/types.ts";
import { openApi, type TestApi } from "../client-api/support.ts";
import { openBrowser, type TestBrowser } from "../oauth-api/support.ts";
import {
  type IdentityProvider,
  openAgents,
  startIdentityProvider,
} from "../support/identity-provider.ts";

export let t: TestApi;
export let idp: IdentityProvider;
const HOME = "https://matrix.here.test";
/** An app that nobody trusts, and one that somebody does. */
export const APP = "https://app.test/back?a=b";
export const TRUSTED = "https://trusted.test/";
const agents = openAgents();

export const callback = (provider: string): string =>
  `${HOME}/_weft/account/sso/callback/${provider}`;

/** `settings` says of the provider what the homeserver's owner has written. */
export function withProviders(
  settings: (idp: IdentityProvider) => SsoSettings["providers"],
  more: Partial<UsersOptions> = {},
): void {
  beforeAll(async () => {
    idp = await startIdentityProvider(
      ["idp", "other", "elsewhere", "linking", "closed"].map(callback),
    );
    t = await openApi({
      ...more,
      sso: {
        settings: { providers: settings(idp), trustedOrigins: ["https://trusted.test"] },
        agents: agents.agents,
        secret: "of all replicas",
        publicBaseUrl: HOME,
      },
    });
  });
  afterAll(async () => {
    await t.close();
    await idp.close();
    await agents.close();
  });
}

/** The path of the way to a provider. */
export const redirectPath = (redirectUrl: string, provider?: string): string =>
  `/_matrix/client/v3/login/sso/redirect${provider === undefined ? "" : `/${provider}`}?${new URLSearchParams({ redirectUrl }).toString()}`;

/** Where a browser goes on this server. */
export const pathOf = (address: string): string => {
  const url = new URL(address, HOME);
  if (url.origin !== HOME) throw new Error(`${address} is elsewhere`);
  return url.pathname + url.search;
};

/** Somebody goes to a provider for an app, signs in there and comes back. */
export async function comeBack(
  browser: TestBrowser,
  subject: string,
  { app = TRUSTED, provider = "idp" }: { app?: string; provider?: string } = {},
) {
  const begun = await browser.get(redirectPath(app, provider));
  if (begun.status !== 302) throw new Error(`${begun.status}: ${begun.body}`);
  return await browser.get(pathOf(await idp.signIn(begun.location, subject)));
}

export const newBrowser = (): TestBrowser => openBrowser(t);

export const tokenIn = (location: string): string =>
  new URL(location).searchParams.get("loginToken") ?? "";

/** Signs a client in with the token of an address. */
export const loginBy = (location: string, more: object = {}) =>
  t.call("POST", "login", { type: "m.login.token", token: tokenIn(location), ...more });
