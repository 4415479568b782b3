import type { Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import {
  type AuthorizationQuery,
  type AuthorizationRequest,
  RefusedAuthorization,
} from "../users/oauth/authorization.ts";
import type { OAuth } from "../users/oauth/oauth.ts";
import type { Users } from "../users/users.ts";
import { type Browsers, SIGN_IN_AGAIN } from "./pages/browser.ts";
import { consentPage } from "./pages/consent-page.ts";
import { goTo, pageReply, PATHS, sourceOf } from "./pages/page.ts";
import { replacedDevice } from "./replaced-device.ts";

export interface PageDeps {
  readonly users: Users;
  readonly oauth: OAuth;
  readonly browsers: Browsers;
}

export function authorizationRoutes({ users, oauth, browsers }: PageDeps): Route[] {
  const { authorization } = oauth;

  /** What is wrong is told to the client, where that is possible. */
  async function withRequest(
    query: AuthorizationQuery,
    work: (request: AuthorizationRequest) => Promise<Reply> | Reply,
  ): Promise<Reply> {
    try {
      return await work(await authorization.check(query));
    } catch (error) {
      if (error instanceof RefusedAuthorization) return goTo(error.location);
      throw error;
    }
  }

  /** Nobody is led to a client who has not signed in: this is no way to anywhere. (RFC 9700, section 4.11.2.) */
  async function checkWhoAsks(query: AuthorizationQuery): Promise<void> {
    await authorization.check(query).catch((error: unknown) => {
      if (!(error instanceof RefusedAuthorization)) throw error;
    });
  }

  return [
    // GET /_weft/oauth/authorize
    route("getOAuthAuthorization", async ({ query, request: { url }, request }) => {
      const { userId, headers, field } = await browsers.of(request);
      const text = new URL(url, "http://page.invalid").search.slice(1);
      const { base } = browsers;
      const { entry, rest } = wayIn(query.prompt, text);
      if (userId === undefined || entry !== undefined) {
        await checkWhoAsks(query);
        const next = `${PATHS.authorize}?${rest}`;
        const page = entry ?? PATHS.signIn;
        return goTo(`${base}${page}?${new URLSearchParams({ next }).toString()}`);
      }
      return await withRequest(query, async (asked) => {
        const { client, redirectUri, deviceId } = asked;
        const replaces = await replacedDevice(users.devices, userId, deviceId);
        const who = { base, field: field(), userId, client: client.metadata };
        const consent = { ...who, deviceId, replaces };
        const page = consentPage({ ...consent, redirectUri, request: text });
        return pageReply(base, { ...page, headers }, sourceOf(redirectUri));
      });
    }),

    // POST /_weft/oauth/authorize
    route("decideOAuthAuthorization", async ({ body, request }) => {
      const cookie = browsers.checkForm(request, body.csrf);
      const userId = await oauth.browsers.find(cookie);
      if (userId === undefined) throw errors.forbidden("You are not signed in any more");
      const query = Object.fromEntries(new URLSearchParams(body.request)) as AuthorizationQuery;
      return await withRequest(query, async (asked) =>
        goTo(
          body.decision === "allow"
            ? await authorization.allow(asked, userId)
            : authorization.deny(asked),
        ),
      );
    }),
  ];
}

/**
 * Which page an app wants somebody to see first, whoever is signed in: for `login` and
 * `select_account` that for signing in, for `create` that for registering. `rest` is what is left
 * of the query then, since they have seen it when they come back. (OpenID Connect Core, section
 * 3.1.2.1; Initiating User Registration.)
 */
function wayIn(
  prompt: string | undefined,
  query: string,
): { readonly entry: string | undefined; readonly rest: string } {
  const asked = new Set(prompt?.split(" "));
  const isAgain = asked.has("login") || asked.has("select_account");
  const isNew = asked.has("create");
  if (asked.has("none") || (!isAgain && !isNew)) return { entry: undefined, rest: query };
  const rest = new URLSearchParams(query);
  rest.delete("prompt");
  // Consent is asked for anyway.
  if (isAgain) rest.set(...SIGN_IN_AGAIN);
  return { entry: isNew ? PATHS.register : PATHS.signIn, rest: rest.toString() };
}
