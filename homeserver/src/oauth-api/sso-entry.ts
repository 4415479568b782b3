import type { FastifyRequest } from "fastify";
import type { Reply } from "../http/reply/reply.ts";
import { errors, type MatrixError } from "../protocol/errors.ts";
import { isPlaceForBrowsers } from "../users/sso/sso.ts";
import type { Users } from "../users/users.ts";
import type { Browsers } from "./pages/browser.ts";
import { goTo, inLanguageOf, pageReply } from "./pages/page.ts";
import { choicePage } from "./pages/sso-pages.ts";
import { say } from "./words/html.ts";

/** The way from an app to a provider. */
export interface SsoEntry {
  /**
   * The browser goes to a provider, or to a page for choosing one.
   * @throws MatrixError M_INVALID_PARAM 400, M_NOT_FOUND 404, M_CONNECTION_FAILED 502
   */
  lead(request: FastifyRequest, redirectUrl: string, provider?: string): Promise<Reply>;
  /** A page about an error. */
  refuse(error: MatrixError, request: FastifyRequest): Reply;
}

export function createSsoEntry({
  users: { sso, accounts },
  browsers,
}: {
  readonly users: Pick<Users, "sso" | "accounts">;
  readonly browsers: Browsers;
}): Omit<SsoEntry, "refuse"> {
  const { base } = browsers;
  return {
    async lead(request, redirectUrl, named) {
      if (sso.providers.length === 0) throw errors.notFound("There is no single sign-on here");
      if (!isPlaceForBrowsers(redirectUrl)) {
        throw errors.invalidParam("redirectUrl is no address that a browser may be led to");
      }
      const { cookie, headers } = await browsers.of(request);
      const provider = named ?? (sso.providers.length === 1 ? sso.providers[0]!.id : undefined);
      if (provider !== undefined) {
        return goTo(await sso.begin(provider, cookie, { kind: "app", redirectUrl }), headers, 302);
      }
      const query = new URLSearchParams({ redirectUrl }).toString();
      const page = choicePage({
        ...{ title: say`Sign in`, below: accounts.serverName, providers: sso.providers },
        address: (id) =>
          `${base}/_matrix/client/v3/login/sso/redirect/${encodeURIComponent(id)}?${query}`,
      });
      return inLanguageOf(request, pageReply(base, { ...page, headers }));
    },
  };
}
