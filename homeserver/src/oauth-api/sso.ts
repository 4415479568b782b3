import type { FastifyRequest } from "fastify";
import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { withLoginToken } from "../users/sso/sso.ts";
import type { Act, Arrived, Leaving } from "../users/sso/types.ts";
import { createAccountViews, PAGE_OF } from "./account-views.ts";
import type { PageDeps } from "./authorization.ts";
import { accountPath } from "./pages/account-pages.ts";
import { type Browser, isSignInAgain } from "./pages/browser.ts";
import { termsField } from "./pages/newcomer-fields.ts";
import { goTo, noticePage, type Page, pageReply, PATHS, sourceOf } from "./pages/page.ts";
import { confirmPage, donePage, leavePage, namePage } from "./pages/sso-pages.ts";
import { inWords } from "./operations-in-words.ts";
import { say, told } from "./words/html.ts";

/** The app that waits for a page that it has opened must be able to hear of it. */
export const HEARD = { "cross-origin-opener-policy": "unsafe-none" } as const;

/** Of the page that comes next: its address travels with the browser. */
const MAX_NEXT = 4_096;

export function ssoRoutes(deps: PageDeps): Route[] {
  const { users, oauth, browsers } = deps;
  const { base } = browsers;
  const showAccount = createAccountViews(deps);
  const { sso, uia, accounts, login, registration } = users;

  function shown(browser: Browser, page: Page, goesTo?: string): Reply {
    return pageReply(base, { ...page, headers: { ...browser.headers, ...HEARD } }, goesTo);
  }

  /** An app gets its token. */
  async function toApp(userId: UserId, redirectUrl: string): Promise<Reply> {
    return goTo(withLoginToken(redirectUrl, await login.createTokenFor(userId)));
  }

  /** @throws MatrixError M_FORBIDDEN 403 for somebody else's session, or one that is over */
  async function sessionOf(userId: UserId, session: string) {
    const found = await uia.find(session);
    if (found === undefined) {
      throw errors.forbidden("This authentication session is over: begin again in the app");
    }
    if (found.userId !== userId) {
      throw errors.forbidden(`You have signed in as ${userId}, but the app is another account's`);
    }
    return found;
  }

  /** Somebody on the account's page shows that it is really them. */
  async function beginAct(
    { userId, cookie, headers }: Browser,
    provider: string,
    act: Act,
  ): Promise<Reply> {
    if (userId === undefined) {
      const next = accountPath(PAGE_OF[act]);
      const query = new URLSearchParams({ next }).toString();
      return goTo(`${base}${PATHS.signIn}?${query}`, headers);
    }
    if (!(await sso.providersOf(userId)).includes(provider)) {
      throw errors.notFound("Your account is linked with no such provider");
    }
    // Being signed in there already proves nothing.
    const purpose = { kind: "act", act } as const;
    return goTo(await sso.begin(provider, cookie, purpose, { again: true }));
  }

  /** They have, and see the form by which they confirm what they do. */
  async function showAct(browser: Browser, cameAs: UserId, act: Act): Promise<Reply> {
    const { userId, cookie } = browser;
    if (userId === undefined) throw errors.forbidden("You are not signed in any more");
    if (userId !== cameAs) {
      throw errors.forbidden(`You have signed in as ${cameAs}, but this page is another account's`);
    }
    const proof = await sso.proofs.begin({ userId, act, browser: cookie });
    return pageReply(
      base,
      await showAccount({ userId, field: browser.field(), proof }, PAGE_OF[act]),
    );
  }

  /** Gives somebody what they wanted, or asks once more whether they do. */
  async function goOn(browser: Browser, { userId, purpose }: Leaving): Promise<Reply> {
    const ticket = sso.tickets.make("leaving", browser.cookie, { userId, purpose });
    const form = { base, field: browser.field(), ticket, userId };
    switch (purpose.kind) {
      case "page": {
        const cookie = await oauth.browsers.begin(userId);
        await oauth.browsers.end(browser.cookie);
        return goTo(base + browsers.pageAfter(purpose.next), browsers.keep(cookie));
      }
      case "app": {
        const { redirectUrl } = purpose;
        if (sso.isTrusted(redirectUrl)) return await toApp(userId, redirectUrl);
        return shown(browser, leavePage({ ...form, redirectUrl }), sourceOf(redirectUrl));
      }
      case "stage": {
        const { operation } = await sessionOf(userId, purpose.session);
        return shown(browser, confirmPage({ ...form, operation: inWords(operation) }));
      }
      case "act":
        return await showAct(browser, userId, purpose.act);
    }
  }

  /** The name of a new account is asked for. */
  function askName(
    request: FastifyRequest,
    browser: Browser,
    arrived: Arrived,
    attempt?: [name: string, MatrixError],
  ) {
    const { identity, purpose } = arrived;
    const [username, error] = attempt ?? [identity.localpart ?? "", undefined];
    const page = namePage({
      ...{ base, field: browser.field(), serverName: accounts.serverName, username },
      ticket: sso.tickets.make("arrived", browser.cookie, arrived),
      provider: sso.providers.find(({ id }) => id === identity.provider)?.name ?? "",
      problem: told(error?.message),
      terms: termsField(registration.policies, request.headers["accept-language"]),
    });
    const goesTo = purpose.kind === "app" ? sourceOf(purpose.redirectUrl) : undefined;
    return shown(browser, { ...page, status: error?.status }, goesTo);
  }

  async function takeName(
    request: FastifyRequest,
    browser: Browser,
    body: { ticket?: string; username?: string; agreed?: string },
  ): Promise<Reply> {
    const wished = body.username?.trim() ?? "";
    const arrived = sso.tickets.open("arrived", browser.cookie, body.ticket);
    try {
      const userId = await sso.open(arrived.identity, wished, body.agreed === "yes");
      return await goOn(browser, { userId, purpose: arrived.purpose });
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status !== 400) throw error;
      return askName(request, browser, arrived, [wished, error]);
    }
  }

  /** Somebody has said yes. */
  async function leave(browser: Browser, ticket: string | undefined): Promise<Reply> {
    const { userId, purpose } = sso.tickets.open("leaving", browser.cookie, ticket);
    if (purpose.kind === "app") return await toApp(userId, purpose.redirectUrl);
    if (purpose.kind !== "stage") return await goOn(browser, { userId, purpose });
    await sessionOf(userId, purpose.session);
    await uia.pass(purpose.session, "m.login.sso", { userId });
    return shown(browser, donePage());
  }

  async function knownBrowser(request: FastifyRequest): Promise<Browser> {
    const browser = await browsers.of(request);
    if (Object.keys(browser.headers).length === 0) return browser;
    throw errors.forbidden("This was begun in another browser, or cookies are off: begin again");
  }

  return [
    // GET /_weft/account/sso/begin
    route("beginSsoOnPage", async ({ query, request }) => {
      const browser = await browsers.of(request);
      if (query.act !== undefined) return await beginAct(browser, query.provider, query.act);
      const { cookie, headers } = browser;
      const next = browsers.pageAfter(query.next);
      if (next.length > MAX_NEXT) throw errors.invalidParam("That address is too long");
      const purpose = { kind: "page", next } as const;
      const how = { again: isSignInAgain(next) };
      return goTo(await sso.begin(query.provider, cookie, purpose, how), headers);
    }),

    // GET /_weft/account/sso/callback/{idpId}
    route("finishSso", async ({ params, request }) => {
      const browser = await knownBrowser(request);
      const { search } = new URL(request.url, "http://page.invalid");
      const { identity, purpose, userId } = await sso.arrive(params.idpId, browser.cookie, search);
      if (userId !== undefined) return await goOn(browser, { userId, purpose });
      const isProof = purpose.kind === "stage" || purpose.kind === "act";
      if (isProof || !sso.opensAccounts(identity.provider)) {
        throw errors.forbidden("No account on this server belongs to that one");
      }
      const { localpart } = identity;
      const asks = registration.policies.length > 0;
      if (asks || localpart === undefined || !(await sso.isFree(localpart))) {
        // Another replica may have opened the account since; then its name is not free, and not to be asked for.
        const meanwhile = await sso.accountOf(identity);
        if (meanwhile !== undefined) return await goOn(browser, { userId: meanwhile, purpose });
        return askName(request, browser, { identity, purpose });
      }
      return await goOn(browser, { userId: await sso.open(identity, localpart, false), purpose });
    }),

    // POST /_weft/account/sso/continue
    route("continueSso", async ({ body, request }) => {
      browsers.checkForm(request, body.csrf);
      const browser = await browsers.of(request);
      if (body.decision === undefined) return await takeName(request, browser, body);
      if (body.decision === "allow") return await leave(browser, body.ticket);
      const text = say`Nothing has happened. You can close this page.`;
      return shown(browser, noticePage(say`You said no`, text, 200));
    }),
  ];
}
