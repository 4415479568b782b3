import type { PublicProvider } from "../../users/sso/types.ts";
import { decision, placeOf, strong } from "./consent-page.ts";
import { hidden, plainField } from "./fields.ts";
import { type Html, html, say, type Text } from "../words/html.ts";
import { brand, noticePage, type Page, PATHS, problem } from "./page.ts";

/** Links to the providers, on the page for signing in; nothing where there are none. */
export function providerLinks(
  base: string,
  providers: readonly PublicProvider[],
  next: string,
): Html | undefined {
  if (providers.length === 0) return undefined;
  const address = (provider: string) =>
    `${base}${PATHS.ssoBegin}?${new URLSearchParams({ provider, next }).toString()}`;
  return providerButtons(providers, address);
}

/** The same, to wherever `address` says. */
export function providerButtons(
  providers: readonly PublicProvider[],
  address: (id: string) => string,
): Html {
  return html`<div class="providers">
    ${providers.map(
      ({ id, name }) =>
        html`<a class="button" href="${address(id)}">${say`Continue with ${name}`}</a>`,
    )}
  </div>`;
}

/** Where somebody chooses among several providers. */
export function choicePage(asked: {
  readonly title: Text;
  readonly below: Text;
  readonly providers: readonly PublicProvider[];
  address(id: string): string;
}): Page {
  const { title, below, providers, address } = asked;
  return {
    title,
    body: html`<div class="card">
      ${brand(title, below)}${providerButtons(providers, address)}
    </div>`,
  };
}

/** What the forms after single sign-on have in common. */
interface Form {
  readonly base: string;
  /** The hidden field of forms. */
  readonly field: Html;
  readonly ticket: string;
}

/** Whether an app gets into an account: the browser goes back to it then. */
export function leavePage(
  form: Form & { readonly userId: string; readonly redirectUrl: string },
): Page {
  const { base, field, ticket, userId, redirectUrl } = form;
  const place = placeOf(redirectUrl);
  return {
    title: say`Sign in to an app`,
    body: html`<form class="card" method="post" action="${base}${PATHS.ssoContinue}">
      ${brand(say`Go on to the app?`, place)}
      <p>
        ${say`${strong(place)} will be able to read and send messages as ${strong(userId)}, and to change your account.`}
      </p>
      <p>${say`Go on only if you have just started this there.`}</p>
      ${field}${hidden("ticket", ticket)}${decision()}
    </form>`,
  };
}

/** Whether an app may do what it asks for. */
export function confirmPage(
  form: Form & { readonly userId: string; readonly operation: Text },
): Page {
  const { base, field, ticket, userId, operation } = form;
  return {
    title: say`Confirm it is you`,
    body: html`<form class="card" method="post" action="${base}${PATHS.ssoContinue}">
      ${brand(say`Confirm what an app does?`, userId)}
      <p>${say`An app that is signed in as you wants to ${strong(operation)}.`}</p>
      <p>
        ${say`If you have not just started this yourself, somebody else may be using your account.`}
      </p>
      ${field}${hidden("ticket", ticket)}${decision()}
    </form>`,
  };
}

/** Where somebody who has no account yet chooses its name. */
export function namePage(
  form: Form & {
    readonly serverName: string;
    readonly provider: string;
    readonly username: string;
    readonly problem: Text | undefined;
    /** What new users agree to. */
    readonly terms: Html | undefined;
  },
): Page {
  const { base, field, ticket, serverName, username } = form;
  const hint = say`Others write @name:${serverName}. It cannot be changed later.`;
  return {
    title: say`Create an account`,
    body: html`<form class="card" method="post" action="${base}${PATHS.ssoContinue}">
      ${brand(say`Create an account`, say`${serverName}, with ${form.provider}`)}${problem(form.problem)}
      ${field}${hidden("ticket", ticket)}
      ${plainField("username", say`User name`, { value: username, kind: "username", hint, isFirst: true })}
      ${form.terms}
      <div class="actions">
        <button class="primary" type="submit">${say`Create an account`}</button>
      </div>
    </form>`,
  };
}

/** Tells the app, in the words of the specification. ("User-Interactive Authentication API", "Fallback".) */
const TELL = `
if (window.onAuthDone) window.onAuthDone();
else if (window.opener && window.opener.postMessage) window.opener.postMessage("authDone", "*");
`;

/** A stage of user-interactive authentication is passed. */
export function donePage(): Page {
  const text = say`Go back to the app. You can close this page.`;
  return { ...noticePage(say`Done`, text, 200), script: TELL };
}
