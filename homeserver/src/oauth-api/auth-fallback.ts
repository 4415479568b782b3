import type { FastifyRequest } from "fastify";
import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { UiaFacts } from "../users/accounts/uia-request.ts";
import type { PageDeps } from "./authorization.ts";
import { agreementIn, solutionIn } from "./newcomer-facts.ts";
import { inWords } from "./operations-in-words.ts";
import { newcomerFields, stagePage } from "./pages/newcomer-fields.ts";
import { goTo, pageReply } from "./pages/page.ts";
import { choicePage, donePage } from "./pages/sso-pages.ts";
import { HEARD } from "./sso.ts";
import { say, type Text, told } from "./words/html.ts";

/** Stages that new users pass on a page. */
type NewcomerStage = "m.login.terms" | "m.login.recaptcha";

const TITLES: Readonly<Record<NewcomerStage, Text>> = {
  "m.login.terms": say`Agree to the terms`,
  "m.login.recaptcha": say`Show that you are human`,
};

const pathOf = (stage: string) => `/_matrix/client/v3/auth/${stage}/fallback/web`;
const isOver = () =>
  errors.forbidden("This authentication session is over, or asks for something else");

/** Stages of user-interactive authentication, on pages. (Client-server API, "Fallback".) */
export function authFallbackRoutes({ users, browsers }: PageDeps): Route[] {
  const { base } = browsers;
  const { sso, uia, registration, accounts } = users;

  /** @throws MatrixError M_NOT_FOUND 404 where the stage is none that has a page */
  function newcomerStage(named: string): NewcomerStage {
    if (named === "m.login.terms" && registration.policies.length > 0) return named;
    if (named === "m.login.recaptcha" && registration.captcha !== undefined) return named;
    throw errors.notFound("There is no page for that stage");
  }

  async function ensureRegistering(session: string): Promise<void> {
    if ((await uia.find(session))?.operation !== "register") throw isOver();
  }

  async function showStage(
    request: FastifyRequest,
    stage: NewcomerStage,
    session: string,
    error?: MatrixError,
  ): Promise<Reply> {
    const { headers, field } = await browsers.of(request);
    const { policies, captcha } = registration;
    const isTerms = stage === "m.login.terms";
    const asked = isTerms ? { policies, captcha: undefined } : { policies: [], captcha };
    const page = stagePage({
      ...{ title: TITLES[stage], serverName: accounts.serverName, session },
      ...{ action: base + pathOf(stage), field: field(), problem: told(error?.message) },
      fields: newcomerFields(asked, request.headers["accept-language"]),
    });
    return pageReply(base, { ...page, status: error?.status, headers: { ...headers, ...HEARD } });
  }

  async function showSso(request: FastifyRequest, session: string, named: string | undefined) {
    const found = await uia.find(session);
    const linked = found?.userId === undefined ? [] : await sso.providersOf(found.userId);
    if (found === undefined || linked.length === 0) throw isOver();
    const { cookie, headers } = await browsers.of(request);
    const provider = named ?? (linked.length === 1 ? linked[0]! : undefined);
    if (provider !== undefined) {
      // Being signed in there already proves nothing.
      const purpose = { kind: "stage", session } as const;
      const address = await sso.begin(provider, cookie, purpose, { again: true });
      return goTo(address, { ...headers, ...HEARD }, 302);
    }
    const page = choicePage({
      title: say`Confirm it is you`,
      below: say`An app wants to ${inWords(found.operation)}.`,
      providers: sso.providers.filter(({ id }) => linked.includes(id)),
      address: (id) =>
        `${base}${pathOf("m.login.sso")}?${new URLSearchParams({ session, provider: id }).toString()}`,
    });
    return pageReply(base, { ...page, headers: { ...headers, ...HEARD } });
  }

  return [
    // GET /_matrix/client/v3/auth/{authType}/fallback/web
    route("getAuthFallback", async ({ params, query, request }) => {
      const { session, provider } = query;
      if (params.authType === "m.login.sso") return await showSso(request, session, provider);
      const stage = newcomerStage(params.authType);
      await ensureRegistering(session);
      return await showStage(request, stage, session);
    }),

    // POST /_matrix/client/v3/auth/{authType}/fallback/web
    route("submitAuthFallback", async ({ params, body, request, ip }) => {
      browsers.checkForm(request, body.csrf);
      const stage = newcomerStage(params.authType);
      const { session = "" } = body;
      await ensureRegistering(session);
      let facts: UiaFacts;
      try {
        facts =
          stage === "m.login.terms"
            ? agreementIn(registration, body)
            : await solutionIn(registration, body, ip);
      } catch (error) {
        if (!(error instanceof MatrixError) || error.status >= 500) throw error;
        return await showStage(request, stage, session, error);
      }
      await uia.pass(session, stage, facts);
      return pageReply(base, { ...donePage(), headers: HEARD });
    }),
  ];
}
