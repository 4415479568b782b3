import { hidden, passwordField, plainField } from "./fields.ts";
import { type Html, html, say, type Text } from "../words/html.ts";
import { brand, type Page, PATHS, problem } from "./page.ts";

/** What the pages about lost passwords show. */
interface Recovery {
  readonly base: string;
  /** The hidden field of forms. */
  readonly field: Html;
  /** Which page comes after signing in, as path and query. */
  readonly next: string;
  readonly serverName: string;
  readonly problem?: Text | undefined;
}

const TITLE = say`A new password`;

/** Asks for the address. */
export function forgotPage(view: Recovery & { readonly email?: string | undefined }): Page {
  const { base, field, next, serverName, email = "" } = view;
  const signIn = `${base}${PATHS.signIn}?${new URLSearchParams({ next }).toString()}`;
  const hint = say`The one that belongs to your account: a mail goes there.`;
  const more = { value: email, kind: "email", hint, isFirst: true };
  return {
    title: TITLE,
    body: html`<form class="card" method="post" action="${base}${PATHS.forgot}">
      ${brand(TITLE, serverName)}${problem(view.problem)} ${field}${hidden("next", next)}
      ${plainField("email", say`E-mail address`, more)}
      <div class="actions">
        <button class="primary" type="submit">${say`Send the mail`}</button>
      </div>
      <p class="below"><a href="${signIn}">${say`Back to signing in`}</a></p>
    </form>`,
  };
}

/** Asks for the password; it is taken once the link in the mail was followed. */
export function newPasswordPage(
  view: Recovery & { readonly sid: string; readonly clientSecret: string },
): Page {
  const { base, field, next, serverName, sid, clientSecret } = view;
  const kind = "new-password";
  return {
    title: TITLE,
    body: html`<form class="card" method="post" action="${base}${PATHS.newPassword}">
      ${brand(TITLE, serverName)}${problem(view.problem)}
      <p>
        ${say`A mail is on its way. Follow its link, then choose a new password here. All your sessions end.`}
      </p>
      ${field}${hidden("next", next)}${hidden("sid", sid)}${hidden("client_secret", clientSecret)}
      ${passwordField("new_password", say`New password`, { kind, isFirst: true })}
      ${passwordField("new_password_again", say`New password once more`, { kind })}
      <div class="actions">
        <button class="primary" type="submit">${say`Set the password`}</button>
      </div>
    </form>`,
  };
}
