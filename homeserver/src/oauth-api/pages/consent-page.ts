import type { ClientMetadata } from "../../users/oauth/client-metadata.ts";
import { hidden } from "./fields.ts";
import { type Html, html, say, type Text } from "../words/html.ts";
import { brand, type Page, PATHS } from "./page.ts";

/** What somebody is asked to agree to. */
interface Consent {
  readonly base: string;
  readonly field: Html;
  readonly userId: string;
  readonly client: ClientMetadata;
  readonly deviceId: string;
  /** The name of the user's device that the client would take the place of. */
  readonly replaces: string | undefined;
}

/** Whether an app may use the account: the browser goes back to it then. */
export function consentPage(
  consent: Consent & { readonly redirectUri: string; readonly request: string },
): Page {
  const { base, field, userId, client, request } = consent;
  const name = nameOf(client);
  const next = `${PATHS.authorize}?${request}`;
  return {
    title: say`Sign in to ${name}`,
    body: html`<div class="card">
      <form method="post" action="${base}${PATHS.authorize}">
        ${brand(say`Sign in to ${name}?`, placeOf(client.client_uri))}
        ${whatItMay(name, userId, consent.replaces)}
        <dl>
          <dt>${say`Goes back to`}</dt>
          <dd>${placeOf(consent.redirectUri)}</dd>
          <dt>${say`Session`}</dt>
          <dd><code>${consent.deviceId}</code></dd>
        </dl>
        ${links(client)}${field}${hidden("request", request)}${decision()}
      </form>
      ${otherAccount(base, field, next)}
    </div>`,
  };
}

/** What matters in a sentence. */
export function strong(text: Text): Html {
  return html`<strong>${text}</strong>`;
}

/** The buttons by which a form says yes or no, as `decision`. */
export function decision(): Html {
  return html`<div class="actions">
    <button type="submit" name="decision" value="deny">${say`Cancel`}</button>
    <button class="primary" type="submit" name="decision" value="allow">${say`Continue`}</button>
  </div>`;
}

/** The form by which somebody else signs in. */
export function otherAccount(base: string, field: Html, next: string): Html {
  return html`<form class="below" method="post" action="${base}${PATHS.signOut}">
    ${field}${hidden("next", next)}<button class="quiet" type="submit">
      ${say`Use another account`}
    </button>
  </form>`;
}

/** What somebody grants. `replaces`: the name of the device that is signed out for it. */
export function whatItMay(name: Text, userId: string, replaces: string | undefined): Html {
  const warning = html`<p class="problem">
    ${say`It takes the place of your session ${strong(replaces ?? "")}, which is signed out.`}
  </p>`;
  return html`<p>
      ${say`${strong(name)} will be able to read and send messages as ${strong(userId)}, and to change your profile and settings.`}
    </p>
    ${replaces !== undefined && warning}`;
}

/** An app's name for people: what it calls itself, or its host. */
export function nameOf(client: ClientMetadata): Text {
  return client.client_name ?? placeOf(client.client_uri);
}

/** The host of an address, or the scheme by which an app on this device is opened. */
export function placeOf(uri: string): Text {
  const { host, protocol } = new URL(uri);
  return /^https?:$/.test(protocol) ? host : say`an app on this device (${protocol})`;
}

function links({ tos_uri: terms, policy_uri: policy }: ClientMetadata): Html | undefined {
  const all = [
    ...(terms === undefined
      ? []
      : [html`<a href="${terms}" rel="noreferrer">${say`Its terms`}</a>`]),
    ...(policy === undefined
      ? []
      : [html`<a href="${policy}" rel="noreferrer">${say`Its privacy`}</a>`]),
  ];
  return all.length === 0 ? undefined : html`<p class="hint">${all[0]} ${all[1]}</p>`;
}
