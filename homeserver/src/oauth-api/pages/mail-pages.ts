import type { Purpose } from "../../users/contacts/confirmations.ts";
import { hidden } from "./fields.ts";
import { html, say, type Text } from "../words/html.ts";
import { brand, type Page, PATHS } from "./page.ts";

/** What the button of the page means, by what the confirmation is for. */
const MEANING: Readonly<Record<Purpose, Text>> = {
  add: say`This adds the address to the account of whoever asked for the mail.`,
  register: say`The address then belongs to the account that is being made.`,
  password: say`Whoever asked for the mail may then set a new password for your account.`,
};

/** Asks whoever has followed a link in a mail. */
export function confirmPage(view: {
  readonly base: string;
  readonly sid: string;
  readonly token: string;
  readonly purpose: Purpose;
  readonly address: string;
  readonly serverName: string;
}): Page {
  const { base, sid, token, purpose, address, serverName } = view;
  const title = purpose === "password" ? say`A new password` : say`Confirm your address`;
  return {
    title,
    body: html`<form class="card" method="post" action="${base}${PATHS.confirm}">
      ${brand(title, serverName)}
      <p>${address}</p>
      <p>${MEANING[purpose]} ${say`Go on only if that was you.`}</p>
      ${hidden("sid", sid)}${hidden("token", token)}
      <div class="actions"><button class="primary" type="submit">${say`It was me`}</button></div>
    </form>`,
  };
}

/** It is done. */
export function confirmedPage(nextLink: string | undefined): Page {
  const onward =
    nextLink !== undefined &&
    html`<p><a href="${nextLink}">${say`Go on to ${new URL(nextLink).host}`}</a></p>`;
  return {
    title: say`Confirmed`,
    body: html`<div class="card">
      ${brand(say`Confirmed`, "")}
      <p>${say`Go back to the app. You can close this page.`}</p>
      ${onward}
    </div>`,
  };
}

/** Asks whoever has followed the link at the end of a notification. */
export function unsubscribePage(view: {
  readonly base: string;
  readonly user: string;
  readonly address: string;
  readonly code: string;
}): Page {
  const { base, user, address, code } = view;
  const query = new URLSearchParams({ user, address, code }).toString();
  return {
    title: say`Notifications by e-mail`,
    body: html`<form class="card" method="post" action="${base}${PATHS.unsubscribe}?${query}">
      ${brand(say`Notifications by e-mail`, user)}
      <p>${say`Shall no more of them go to ${address}?`}</p>
      <div class="actions"><button class="primary" type="submit">${say`No more`}</button></div>
    </form>`,
  };
}
