import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { isUserId } from "../protocol/identifiers.ts";
import { EMAIL_APP } from "../users/contacts/addresses.ts";
import type { PageDeps } from "./authorization.ts";
import { confirmedPage, confirmPage, unsubscribePage } from "./pages/mail-pages.ts";
import { goTo, noticePage, pageReply } from "./pages/page.ts";
import { say } from "./words/html.ts";

interface UnsubscribeQuery {
  readonly user?: string | undefined;
  readonly address?: string | undefined;
  readonly code?: string | undefined;
}

/** Pages that links in mails lead to. Showing one does nothing: what is to happen is its button's. */
export function mailLinksRoutes({
  users,
  browsers: { base },
  publicBaseUrl,
}: PageDeps & { readonly publicBaseUrl: string }): Route[] {
  const { confirmations, accounts } = users;
  const here = new URL(publicBaseUrl).origin;

  function found<T>(linked: T | undefined): T {
    if (linked !== undefined) return linked;
    throw errors.forbidden("This link is too old, or was used already: ask for a new mail");
  }

  /** Strangers choose where that leads, so only this server is gone to without a word. */
  function confirmed({ nextLink }: { readonly nextLink: string | undefined }): Reply {
    if (nextLink !== undefined && new URL(nextLink).origin === here) return goTo(nextLink);
    return pageReply(base, confirmedPage(nextLink));
  }

  /** @throws MatrixError M_FORBIDDEN 403 */
  function mailing({ user = "", address = "", code = "" }: UnsubscribeQuery) {
    if (isUserId(user) && users.unsubscribing?.isRight(user, address, code) === true) {
      return { user, address, code };
    }
    throw errors.forbidden("This link is none of ours");
  }

  return [
    // GET /_weft/mail/confirm
    route("getConfirmPage", async ({ query: { sid = "", token = "" } }) => {
      const { purpose, address } = found(await confirmations.look(sid, token));
      const { serverName } = accounts;
      return pageReply(base, confirmPage({ base, sid, token, purpose, address, serverName }));
    }),

    // POST /_weft/mail/confirm
    route("confirmOnPage", async ({ body: { sid = "", token = "" } }) =>
      confirmed(found(await confirmations.confirm(sid, token))),
    ),

    // GET /_weft/mail/unsubscribe
    route("getUnsubscribePage", ({ query }) =>
      pageReply(base, unsubscribePage({ base, ...mailing(query) })),
    ),

    // POST /_weft/mail/unsubscribe
    route("unsubscribeOnPage", async ({ query }) => {
      const { user, address } = mailing(query);
      await users.pushers.remove(user, EMAIL_APP, address);
      return pageReply(
        base,
        noticePage(say`Done`, say`No more of these mails go to ${address}.`, 200),
      );
    }),
  ];
}
