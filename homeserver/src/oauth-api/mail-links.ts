import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { PageDeps } from "./authorization.ts";
import { confirmedPage, confirmPage } from "./pages/mail-pages.ts";
import { goTo, pageReply } from "./pages/page.ts";

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
  ];
}
