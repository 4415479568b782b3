import type { Reply } from "../http/reply/reply.ts";
import { binary } from "../http/reply/reply.ts";
import { matrixErrorReply } from "../http/reply/errors.ts";
import { route, type Route } from "../http/route.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { Named } from "../users/accounts/identifier.ts";
import type { UiaFacts } from "../users/accounts/uia-request.ts";
import { canonicalEmail } from "../users/contacts/email.ts";
import type { PageDeps } from "./authorization.ts";
import { agreementIn, solutionIn } from "./newcomer-facts.ts";
import { type Browser, isSignInAgain } from "./pages/browser.ts";
import { type BegunByMail, registrationPage, signInPage } from "./pages/entry-pages.ts";
import { newcomerFields } from "./pages/newcomer-fields.ts";
import { goTo, type Page, pageReply, PATHS, STYLE } from "./pages/page.ts";
import { told } from "./words/html.ts";

/** What was typed, and what is wrong with it. */
interface Attempt {
  readonly next?: string | undefined;
  readonly username?: string | undefined;
  readonly error?: MatrixError;
  readonly begun?: BegunByMail | undefined;
}

export function entryRoutes({ users, oauth, browsers }: PageDeps): Route[] {
  const { registration, passwords, accounts, confirmations } = users;
  const { base } = browsers;

  function shown(browser: Browser, { next, username, error }: Attempt) {
    const page = browsers.pageAfter(next);
    return {
      ...{ base, field: browser.field(), next: page, serverName: accounts.serverName },
      ...{ username: username ?? expectedIn(page), problem: told(error?.message) },
    };
  }

  /** The page again, with what went wrong. */
  function reply(page: Page, browser: Browser, error: MatrixError | undefined): Reply {
    const retry = error && matrixErrorReply(error).headers["retry-after"];
    const headers = { ...browser.headers, ...(retry !== undefined && { "retry-after": retry }) };
    return pageReply(base, { ...page, headers, status: error?.status });
  }

  function signIn(browser: Browser, attempt: Attempt): Reply {
    const canRegister = registration.mode !== "closed";
    const { providers } = users.sso;
    const canRecover = confirmations.isOffered;
    const page = signInPage({ ...shown(browser, attempt), canRegister, canRecover, providers });
    return reply(page, browser, attempt.error);
  }

  function register(browser: Browser, attempt: Attempt, languages: string | undefined): Reply {
    if (registration.mode === "closed") {
      throw errors.forbidden("Registration is closed on this server");
    }
    const needsToken = registration.mode === "token";
    const { needsEmail } = registration;
    const { begun } = attempt;
    const newcomer = newcomerFields(registration, languages);
    const asked = { needsToken, needsEmail, newcomer, begun };
    const page = registrationPage({ ...shown(browser, attempt), ...asked });
    return reply(page, browser, attempt.error);
  }

  /** The address that a new account has. @throws MatrixError M_FORBIDDEN 403 */
  async function confirmed(begun: BegunByMail): Promise<UiaFacts> {
    const email = await confirmations.confirmed("register", begun);
    if (email === undefined) throw errors.forbidden("Follow the link in the mail first");
    return { email };
  }

  return [
    // GET /_weft/account/sign-in
    route("getSignInPage", async ({ query, request }) => {
      const browser = await browsers.of(request);
      const isDone = browser.userId !== undefined && !isSignInAgain(query.next);
      if (isDone) return goTo(base + browsers.pageAfter(query.next));
      return signIn(browser, query);
    }),

    // POST /_weft/account/sign-in
    route("signInOnPage", async ({ body, request, ip }) => {
      const before = browsers.checkForm(request, body.csrf);
      const { username = "", password = "", next } = body;
      try {
        const cookie = await oauth.browsers.signIn(typedName(username), password, { ip });
        await oauth.browsers.end(before);
        return goTo(base + browsers.pageAfter(next), browsers.keep(cookie));
      } catch (error) {
        if (!(error instanceof MatrixError) || error.status >= 500) throw error;
        return signIn(await browsers.of(request), { next, username, error });
      }
    }),

    // GET /_weft/account/register
    route("getRegistrationPage", async ({ query, request }) =>
      register(await browsers.of(request), query, request.headers["accept-language"]),
    ),

    // POST /_weft/account/register
    route("registerOnPage", async ({ body, request, ip }) => {
      const before = browsers.checkForm(request, body.csrf);
      const { username = "", password = "", password_again: again, token, next } = body;
      const { email = "", sid, client_secret: clientSecret } = body;
      const isBegun = sid !== undefined && clientSecret !== undefined;
      const begun = isBegun ? { sid, clientSecret } : undefined;
      const languages = request.headers["accept-language"];
      try {
        const userId = await registration.check(username.trim());
        if (password !== again) throw errors.invalidParam("The two passwords differ");
        passwords.ensureStrong(password);
        const agreed = agreementIn(registration, body);
        // A solution is good once, and a mail costs one, too.
        const solved = await solutionIn(registration, body, ip);
        if (registration.needsEmail && begun === undefined) {
          const sent = await confirmations.beginHere("register", email.trim(), languages);
          return register(await browsers.of(request), { next, username, begun: sent }, languages);
        }
        await registration.register(userId, password, {
          ...{ ...agreed, ...solved },
          ...(begun && (await confirmed(begun))),
          ...(token !== undefined && { registrationToken: token.trim() }),
        });
        const cookie = await oauth.browsers.begin(userId);
        await oauth.browsers.end(before);
        return goTo(base + browsers.pageAfter(next), browsers.keep(cookie));
      } catch (error) {
        if (!(error instanceof MatrixError) || error.status >= 500) throw error;
        const attempt = { next, username, error, begun };
        return register(await browsers.of(request), attempt, languages);
      }
    }),

    // POST /_weft/account/sign-out
    route("signOutOnPage", async ({ body, request }) => {
      await oauth.browsers.end(browsers.checkForm(request, body.csrf));
      const next = browsers.pageAfter(body.next);
      const signInAt = `${base}${PATHS.signIn}?${new URLSearchParams({ next }).toString()}`;
      return goTo(signInAt, browsers.keep(oauth.browsers.newVisitor()));
    }),

    // GET /_weft/account/style.css
    route("getPageStyle", () =>
      binary(STYLE, {
        headers: {
          "content-type": "text/css; charset=utf-8",
          "cache-control": "public, max-age=86400",
        },
      }),
    ),
  ];
}

/** Whom the client expects to sign in: `login_hint` is a user id. (MSC4198.) */
function expectedIn(page: string): string | undefined {
  const hint = new URL(page, "http://page.invalid").searchParams.get("login_hint");
  return /^mxid:(@[\x21-\x7e]{1,254})$/.exec(hint ?? "")?.[1];
}

/** What somebody has typed as their name may be their e-mail address. */
function typedName(typed: string): Named {
  const name = typed.trim();
  const address = name.startsWith("@") ? undefined : canonicalEmail(name);
  return address === undefined ? name : { medium: "email", address };
}
