import type { FastifyRequest } from "fastify";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { BrowserSessions } from "../../users/oauth/browser-sessions.ts";
import { hidden } from "./fields.ts";
import type { Html } from "../words/html.ts";
import { PATHS } from "./page.ts";

/** The browser that asks for a page. */
export interface Browser {
  /** The cookie by which it is known from now on. */
  readonly cookie: string;
  /** Who is signed in. */
  readonly userId: UserId | undefined;
  /** Headers by which a new browser is known from now on. */
  readonly headers: Readonly<Record<string, string>>;
  /** The hidden field that each form needs. */
  field(): Html;
}

/** Browsers by their cookies. */
export interface Browsers {
  /** The path under which this server is reached, without a slash at its end. */
  readonly base: string;
  of(request: FastifyRequest): Promise<Browser>;
  /**
   * The cookie of a browser whose form came from one of our pages.
   * @throws MatrixError M_FORBIDDEN 403
   */
  checkForm(request: FastifyRequest, key: string | undefined): string;
  /** Headers with which a browser keeps a cookie. */
  keep(cookie: string): Readonly<Record<string, string>>;
  /** A page of ours that may come next, as path and query; the account's page for all others. */
  pageAfter(next: string | undefined): string;
}

/** Where one may go on to after signing in. */
const NEXT: ReadonlySet<string> = new Set([PATHS.authorize, PATHS.link, PATHS.account]);
const MAX_NEXT = 16_384;

/** Part of the query of where one goes on to, if one has to sign in before, whoever one is. */
export const SIGN_IN_AGAIN = ["sign_in_again", "true"] as const;

/** Whether that is so of a path and query. */
export function isSignInAgain(next: string | undefined): boolean {
  const [name, value] = SIGN_IN_AGAIN;
  return new URLSearchParams(next?.split("?")[1]).get(name) === value;
}

export function createBrowsers(sessions: BrowserSessions, publicBaseUrl: string): Browsers {
  const url = new URL(publicBaseUrl);
  const base = url.pathname.replace(/(?<!\/)\/+$/, "");
  const isSecure = url.protocol === "https:";
  // The prefix keeps other hosts of the same domain from setting it.
  const name = isSecure ? "__Host-weft" : "weft";

  function cookieOf({ headers: { cookie = "" } }: FastifyRequest): string | undefined {
    const all = cookie.split(";").map((each) => each.trim());
    const found = all.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    return found !== undefined && /^[\w-]{20,100}$/.test(found) ? found : undefined;
  }

  function keep(cookie: string): Readonly<Record<string, string>> {
    const seconds = sessions.lifeMs / 1000;
    const secure = isSecure ? "; Secure" : "";
    return {
      "set-cookie": `${name}=${cookie}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`,
    };
  }

  return {
    base,
    keep,
    async of(request) {
      const known = cookieOf(request);
      const cookie = known ?? sessions.newVisitor();
      return {
        cookie,
        userId: await sessions.find(known),
        headers: known === undefined ? keep(cookie) : {},
        field: () => hidden("csrf", sessions.formKey(cookie)),
      };
    },
    checkForm(request, key) {
      const cookie = cookieOf(request);
      const site = request.headers["sec-fetch-site"];
      const isFromHere = site === undefined || site === "same-origin" || site === "none";
      if (cookie === undefined || !isFromHere || !sessions.isFormKey(cookie, key)) {
        throw errors.forbidden("This form is too old, or cookies are off: go back and try again");
      }
      return cookie;
    },
    pageAfter(next) {
      const known = next !== undefined && next.length <= MAX_NEXT ? next : "";
      const found = known.startsWith("/") ? URL.parse(known, "http://page.invalid") : null;
      if (found?.origin !== "http://page.invalid" || !NEXT.has(found.pathname))
        return PATHS.account;
      return found.pathname + found.search;
    },
  };
}
