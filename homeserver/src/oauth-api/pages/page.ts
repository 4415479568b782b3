import type { FastifyRequest } from "fastify";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Reply, type ReplyHeaders } from "../../http/reply/reply.ts";
import { Html, html, LANGUAGE, type Text } from "../words/html.ts";
import { type Language, languageFor } from "../../users/common/languages.ts";

/** The style of all pages. */
export const STYLE = readFileSync(new URL("./style.css", import.meta.url), "utf8");
const VERSION = createHash("sha256").update(STYLE).digest("hex").slice(0, 12);

export interface Page {
  readonly title: Text;
  readonly body: Html;
  readonly status?: number | undefined;
  readonly headers?: ReplyHeaders | undefined;
  /** Whether the page has more than one card. */
  readonly isWide?: boolean;
  /** The only script of its own that it runs. */
  readonly script?: string;
  /** From where it loads a service's scripts, and shows frames. */
  readonly sources?: readonly string[];
}

/** The paths of pages. */
export const PATHS = {
  authorize: "/_weft/oauth/authorize",
  link: "/_weft/oauth/link",
  account: "/_weft/account",
  signIn: "/_weft/account/sign-in",
  register: "/_weft/account/register",
  signOut: "/_weft/account/sign-out",
  forgot: "/_weft/account/forgot",
  newPassword: "/_weft/account/new-password",
  confirm: "/_weft/mail/confirm",
  unsubscribe: "/_weft/mail/unsubscribe",
  style: "/_weft/account/style.css",
  ssoBegin: "/_weft/account/sso/begin",
  ssoContinue: "/_weft/account/sso/continue",
} as const;

/** A page that is sent in the language of whoever reads it; in English where nobody says which. */
class PageReply extends Reply {
  readonly #document: Html;

  constructor(status: number, headers: ReplyHeaders, document: Html, language: Language = "en") {
    super(status, { ...headers, "content-language": language }, document.in(language));
    this.#document = document;
  }

  in(language: Language): PageReply {
    return new PageReply(this.status, this.headers, this.#document, language);
  }
}

/** An answer in the language that the browser likes best among those of the pages. */
export function inLanguageOf<T>({ headers }: FastifyRequest, answer: T): T | Reply {
  if (!(answer instanceof PageReply)) return answer;
  const language = languageFor(headers["accept-language"]);
  return language === "en" ? answer : answer.in(language);
}

/**
 * A page without any script but its own, which no other site may show in a frame, and whose forms go
 * to this server. `goesTo`: where a form may lead besides, as a CSP source.
 */
export function pageReply(base: string, page: Page, goesTo?: string): Reply {
  const { title, body, status = 200, headers, isWide, script, sources = [] } = page;
  const document = html`<!doctype html>
    <html lang="${LANGUAGE}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="${base}${PATHS.style}?v=${VERSION}" />
      </head>
      <body>
        <main class="${isWide === true ? "wide" : "narrow"}">${body}</main>
        ${script !== undefined && new Html([`<script>${script}</script>`])}
      </body>
    </html> `;
  const policy = [
    "default-src 'none'",
    ...scriptPolicy(script, sources),
    `style-src 'self'${sources.length > 0 ? " 'unsafe-inline'" : ""}`,
    "img-src 'self'",
    `form-action 'self'${goesTo === undefined ? "" : ` ${goesTo}`}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  const all = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    // The origin goes with forms to this server, and nothing to others.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    ...headers,
  };
  return new PageReply(status, all, document);
}

function scriptPolicy(script: string | undefined, sources: readonly string[]): string[] {
  const own = script === undefined ? [] : [`'sha256-${sha256(script)}'`];
  const all = [...own, ...sources];
  if (all.length === 0) return [];
  const places = sources.join(" ");
  const frames = sources.length === 0 ? [] : [`frame-src ${places}`, `connect-src ${places}`];
  return [`script-src ${all.join(" ")}`, ...frames];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

/** The browser goes on to another page, whatever the method was. */
export function goTo(location: string, headers: ReplyHeaders = {}, status = 303): Reply {
  const all = { location, "cache-control": "no-store", "referrer-policy": "no-referrer" };
  return new Reply(status, { ...all, ...headers }, "");
}

/** Weft's sign, and what the page is about. */
export function brand(title: Text, below: Text | Html): Html {
  return html`<div class="brand">
    ${LOGO}
    <div>
      <h1>${title}</h1>
      <p>${below}</p>
    </div>
  </div>`;
}

const LOGO = html`<svg
  width="44"
  height="44"
  viewBox="0 0 32 32"
  fill="none"
  aria-hidden="true"
  stroke-width="3.4"
  stroke-linecap="round"
>
  <path
    d="M9 4v5M9 15v13M16 4v12M16 22v6M23 4v5M23 15v13"
    stroke="currentColor"
    opacity=".45"
  ></path>
  <path class="accent" d="M4 12h24"></path>
  <path class="accent" d="M4 19h8.6M19.4 19H28"></path>
</svg>`;

/** What went wrong, above a form. */
export function problem(text: Text | undefined): Html | undefined {
  return text === undefined ? undefined : html`<p class="problem" role="alert">${text}</p>`;
}

/** A page that says only that. */
export function noticePage(title: Text, text: Text | Html, status: number): Page {
  return {
    title,
    status,
    body: html`<div class="card">
      ${brand(title, "")}
      <p>${text}</p>
    </div>`,
  };
}

/** The place of an address as a CSP source: browsers apply `form-action` to redirects, too. */
export function sourceOf(address: string): string {
  const { protocol, host } = new URL(address);
  const isNamed = /^https?:$/.test(protocol) && !host.startsWith("[");
  return isNamed ? `${protocol}//${host}` : protocol;
}
