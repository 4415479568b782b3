import type { PublicProvider } from "../../users/sso/types.ts";
import { hidden, passwordField, plainField } from "./fields.ts";
import { type Html, html, say, type Text } from "../words/html.ts";
import type { NewcomerFields } from "./newcomer-fields.ts";
import { brand, type Page, PATHS, problem } from "./page.ts";
import { providerLinks } from "./sso-pages.ts";

/** What the pages for signing in and registering show. */
interface Entry {
  /** The path under which this server is reached. */
  readonly base: string;
  /** The hidden field of forms. */
  readonly field: Html;
  /** Which page comes next, as path and query. */
  readonly next: string;
  readonly serverName: string;
  /** What was typed before, or is expected. */
  readonly username?: string | undefined;
  readonly problem?: Text | undefined;
}

export function signInPage(
  entry: Entry & {
    readonly canRegister: boolean;
    readonly canRecover: boolean;
    readonly providers: readonly PublicProvider[];
  },
): Page {
  const { base, field, next, serverName, username = "" } = entry;
  const register = `${base}${PATHS.register}?${new URLSearchParams({ next }).toString()}`;
  const forgot = `${base}${PATHS.forgot}?${new URLSearchParams({ next }).toString()}`;
  const isKnown = username !== "";
  const name = { value: username, kind: "username", isFirst: !isKnown };
  return {
    title: say`Sign in`,
    body: html`<form class="card" method="post" action="${base}${PATHS.signIn}">
      ${brand(say`Sign in`, serverName)}${problem(entry.problem)} ${field}${hidden("next", next)}
      ${plainField("username", say`User name`, name)}
      ${passwordField("password", say`Password`, { isFirst: isKnown })}
      <div class="actions"><button class="primary" type="submit">${say`Sign in`}</button></div>
      ${providerLinks(base, entry.providers, next)}
      ${entry.canRecover && html`<p class="below"><a href="${forgot}">${say`Forgot password?`}</a></p>`}
      ${entry.canRegister && html`<p class="below">${say`New here?`} <a href="${register}">${say`Create an account`}</a></p>`}
    </form>`,
  };
}

/** A mail that was sent, and that the page waits for. */
export interface BegunByMail {
  readonly sid: string;
  readonly clientSecret: string;
}

export function registrationPage(
  entry: Entry & {
    readonly needsToken: boolean;
    readonly needsEmail: boolean;
    readonly newcomer: NewcomerFields;
    readonly begun?: BegunByMail | undefined;
  },
): Page {
  const { base, field, next, serverName, username = "", begun } = entry;
  const signIn = `${base}${PATHS.signIn}?${new URLSearchParams({ next }).toString()}`;
  const hint = say`Others write @name:${serverName}. It cannot be changed later.`;
  const name = { value: username, kind: "username", hint, isFirst: true };
  const kind = "new-password";
  return {
    title: say`Create an account`,
    body: html`<form class="card" method="post" action="${base}${PATHS.register}">
      ${brand(say`Create an account`, serverName)}${problem(entry.problem)}
      ${begun && html`<p>${say`A mail is on its way. Follow its link, then create the account here.`}</p>`}
      ${begun && [hidden("sid", begun.sid), hidden("client_secret", begun.clientSecret)]}
      ${field}${hidden("next", next)} ${plainField("username", say`User name`, name)}
      ${entry.needsEmail && begun === undefined && plainField("email", say`E-mail address`, { kind: "email" })}
      ${passwordField("password", say`Password`, { kind })}
      ${passwordField("password_again", say`Password once more`, { kind })}
      ${entry.needsToken && plainField("token", say`Registration token`)} ${entry.newcomer.fields}
      <div class="actions">
        <button class="primary" type="submit">${say`Create an account`}</button>
      </div>
      <p class="below">${say`You have one?`} <a href="${signIn}">${say`Sign in`}</a></p>
    </form>`,
    sources: entry.newcomer.sources,
  };
}
