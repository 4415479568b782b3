import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { PageDeps } from "./authorization.ts";
import { inWords } from "./operations-in-words.ts";
import { goTo, pageReply } from "./pages/page.ts";
import { choicePage } from "./pages/sso-pages.ts";
import { HEARD } from "./sso.ts";

/** Stages of user-interactive authentication, on pages. (Client-server API, "Fallback".) */
export function authFallbackRoutes({ users, browsers }: PageDeps): Route[] {
  const { base } = browsers;
  const { sso, uia } = users;

  return [
    // GET /_matrix/client/v3/auth/{authType}/fallback/web
    route("getAuthFallback", async ({ params, query, request }) => {
      const { authType } = params;
      const { session, provider: named } = query;
      if (authType !== "m.login.sso") throw errors.notFound("There is no page for that stage");
      const found = await uia.find(session);
      const linked = found?.userId === undefined ? [] : await sso.providersOf(found.userId);
      if (found === undefined || linked.length === 0) {
        throw errors.forbidden("This authentication session is over, or asks for something else");
      }
      const { cookie, headers } = await browsers.of(request);
      const provider = named ?? (linked.length === 1 ? linked[0]! : undefined);
      if (provider !== undefined) {
        // Being signed in there already proves nothing.
        const purpose = { kind: "stage", session } as const;
        const address = await sso.begin(provider, cookie, purpose, { again: true });
        return goTo(address, { ...headers, ...HEARD }, 302);
      }
      const page = choicePage({
        title: "Confirm it is you",
        below: `An app wants to ${inWords(found.operation)}.`,
        providers: sso.providers.filter(({ id }) => linked.includes(id)),
        address: (id) =>
          `${base}/_matrix/client/v3/auth/m.login.sso/fallback/web?${new URLSearchParams({ session, provider: id }).toString()}`,
      });
      return pageReply(base, { ...page, headers: { ...headers, ...HEARD } });
    }),
  ];
}
