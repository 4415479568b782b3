import type { FastifyRequest } from "fastify";
import { operations } from "@weft/spec/operations";
import { json, type Reply } from "../http/reply/reply.ts";
import { matrixErrorReply } from "../http/reply/errors.ts";
import type { Route } from "../http/route.ts";
import { MatrixError } from "../protocol/errors.ts";
import { OAuthError } from "../users/oauth/oauth-error.ts";
import type { Users } from "../users/users.ts";
import { accountRoutes } from "./account.ts";
import { authFallbackRoutes } from "./auth-fallback.ts";
import { authorizationRoutes } from "./authorization.ts";
import { clientRegistrationRoutes } from "./client-registration.ts";
import { deviceRoutes } from "./device.ts";
import { entryRoutes } from "./entry.ts";
import { createBrowsers } from "./pages/browser.ts";
import { inLanguageOf, noticePage, pageReply } from "./pages/page.ts";
import { mailLinksRoutes } from "./mail-links.ts";
import { ssoRoutes } from "./sso.ts";
import { createSsoEntry, type SsoEntry } from "./sso-entry.ts";
import { recoveryRoutes } from "./recovery.ts";
import { tokenRoutes } from "./token.ts";
import { say, told } from "./words/html.ts";

/** The OAuth 2.0 API, and the server's own pages for signing in. Errors are OAuth's, or pages. */
export function oauthRoutes(deps: { users: Users; publicBaseUrl: string }): Route[] {
  const { users } = deps;
  const { oauth } = users;
  const browsers = createBrowsers(oauth.browsers, deps.publicBaseUrl);
  const pages = { users, oauth, browsers };
  const routes = [
    ...clientRegistrationRoutes({ oauth }),
    ...tokenRoutes({ oauth }),
    ...authorizationRoutes(pages),
    ...deviceRoutes({ ...pages, publicBaseUrl: deps.publicBaseUrl }),
    ...entryRoutes(pages),
    ...accountRoutes(pages),
    ...recoveryRoutes(pages),
    ...mailLinksRoutes({ ...pages, publicBaseUrl: deps.publicBaseUrl }),
    ...ssoRoutes(pages),
    ...authFallbackRoutes(pages),
  ];
  return routes.map((route) => {
    const isForPrograms = operations[route.operationId].response === "json";
    const refuse = isForPrograms ? asOAuth(route) : asPage(browsers.base);
    const handle: Route["handle"] = async (context) =>
      inLanguageOf((context as { request: FastifyRequest }).request, await route.handle(context));
    return { ...route, handle, refuse };
  });
}

/** The way into single sign-on, for the client API. */
export function openSsoEntry(deps: { users: Users; publicBaseUrl: string }): SsoEntry {
  const browsers = createBrowsers(deps.users.oauth.browsers, deps.publicBaseUrl);
  return { ...createSsoEntry({ users: deps.users, browsers }), refuse: asPage(browsers.base) };
}

function asOAuth({ operationId }: Route) {
  const isRegistration = operationId === "registerOAuthClient";
  const malformed = isRegistration ? "invalid_client_metadata" : "invalid_request";
  return (error: MatrixError): Reply => {
    const { status, headers } = matrixErrorReply(error);
    const more = { "cache-control": "no-store", ...headers };
    return json(OAuthError.from(error, malformed).toJSON(), { status, headers: more });
  };
}

function asPage(base: string) {
  return (error: MatrixError, request: FastifyRequest): Reply => {
    const { status, headers } = matrixErrorReply(error);
    const page = noticePage(say`That did not work`, told(error.message), status);
    const { "retry-after": retry } = headers;
    const more = retry !== undefined && { headers: { "retry-after": retry } };
    return inLanguageOf(request, pageReply(base, { ...page, ...more }));
  };
}
