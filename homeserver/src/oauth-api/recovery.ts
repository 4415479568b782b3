import { matrixErrorReply } from "../http/reply/errors.ts";
import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { PageDeps } from "./authorization.ts";
import type { Browser } from "./pages/browser.ts";
import { goTo, noticePage, type Page, pageReply } from "./pages/page.ts";
import { forgotPage, newPasswordPage } from "./pages/recovery-pages.ts";
import { say, told } from "./words/html.ts";

/** Pages for those who have lost their password. */
export function recoveryRoutes({ users, oauth, browsers }: PageDeps): Route[] {
  const { accounts, addresses, confirmations, passwordChange, passwords } = users;
  const { base } = browsers;

  const shown = (browser: Browser, next: string | undefined, error?: MatrixError) => ({
    ...{ base, field: browser.field(), next: browsers.pageAfter(next) },
    ...{ serverName: accounts.serverName, problem: told(error?.message) },
  });

  function reply(browser: Browser, page: Page, error?: MatrixError): Reply {
    const retry = error && matrixErrorReply(error).headers["retry-after"];
    const headers = { ...browser.headers, ...(retry !== undefined && { "retry-after": retry }) };
    return pageReply(base, { ...page, headers, status: error?.status });
  }

  return [
    // GET /_weft/account/forgot
    route("getRecoveryPage", async ({ query, request }) => {
      if (!confirmations.isOffered) {
        const text = say`This server sends no mail. Ask whoever runs it for a new password.`;
        return pageReply(base, noticePage(say`A new password`, text, 200));
      }
      const browser = await browsers.of(request);
      return reply(browser, forgotPage(shown(browser, query.next)));
    }),

    // POST /_weft/account/forgot
    route("requestRecoveryMail", async ({ body, request }) => {
      browsers.checkForm(request, body.csrf);
      const browser = await browsers.of(request);
      const { email = "", next } = body;
      try {
        const languages = request.headers["accept-language"];
        const begun = await confirmations.beginHere("password", email.trim(), languages);
        return reply(browser, newPasswordPage({ ...shown(browser, next), ...begun }));
      } catch (error) {
        if (!(error instanceof MatrixError) || error.status >= 500) throw error;
        return reply(browser, forgotPage({ ...shown(browser, next, error), email }), error);
      }
    }),

    // POST /_weft/account/new-password
    route("setPasswordOnPage", async ({ body, request }) => {
      const before = browsers.checkForm(request, body.csrf);
      const { next, sid = "", client_secret: clientSecret = "" } = body;
      const { new_password: wanted = "", new_password_again: again = "" } = body;
      try {
        if (wanted !== again) throw errors.invalidParam("The two passwords differ");
        passwords.ensureStrong(wanted);
        const confirmed = await confirmations.confirmed("password", { sid, clientSecret });
        const userId = confirmed && (await addresses.ownerOf(confirmed.address));
        if (userId === undefined) throw errors.forbidden("Follow the link in the mail first");
        const how = { keepDevices: false, deviceId: undefined, confirmation: sid };
        await passwordChange.change(userId, wanted, how);
        const cookie = await oauth.browsers.begin(userId);
        await oauth.browsers.end(before);
        return goTo(base + browsers.pageAfter(next), browsers.keep(cookie));
      } catch (error) {
        if (!(error instanceof MatrixError) || error.status >= 500) throw error;
        const browser = await browsers.of(request);
        const page = newPasswordPage({ ...shown(browser, next, error), sid, clientSecret });
        return reply(browser, page, error);
      }
    }),
  ];
}
