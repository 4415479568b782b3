import type { Device } from "../../users/sessions/devices.ts";
import type { Act, PublicProvider } from "../../users/sso/types.ts";
import { hidden, passwordField } from "./fields.ts";
import { type Html, html, say, type Text } from "../words/html.ts";
import { strong } from "./consent-page.ts";
import { providerButtons } from "./sso-pages.ts";
import { brand, type Page, PATHS, problem } from "./page.ts";

/** What an app, or a link of ours, can lead to. */
export const ACTIONS = {
  profile: "org.matrix.profile",
  devices: "org.matrix.devices_list",
  device: "org.matrix.device_view",
  endDevice: "org.matrix.device_delete",
  deactivate: "org.matrix.account_deactivate",
  crossSigning: "org.matrix.cross_signing_reset",
} as const;

/** What all these pages know. */
export interface AccountView {
  readonly base: string;
  readonly field: Html;
  readonly userId: string;
  /** What was done just before. */
  readonly done?: Text | undefined;
  readonly problem?: Text | undefined;
}

/** How somebody shows that it is really them, before what matters. */
interface Proving extends AccountView {
  readonly hasPassword: boolean;
  /** Where they may sign in once more, instead of the password. */
  readonly providers: readonly PublicProvider[];
  /** They have just done so: what the form says instead. */
  readonly proof?: string | undefined;
}

/** The path of a page about the account. */
export function accountPath(action?: string, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ ...(action !== undefined && { action }), ...more });
  return query.size === 0 ? PATHS.account : `${PATHS.account}?${query.toString()}`;
}

/** Everything that can be done here. */
export function overviewPage(view: AccountView): Page {
  const { base, field } = view;
  const link = (action: string, text: Text, hint: Text) =>
    html`<li>
      <div>
        <a href="${base}${accountPath(action)}">${text}</a>
        <p class="hint">${hint}</p>
      </div>
    </li>`;
  return framed(view, YOURS, [
    html`<ul class="rows">
      ${link(ACTIONS.profile, say`Profile and password`, say`Your name, and how you sign in`)}
      ${link(ACTIONS.devices, say`Sessions`, say`Where you are signed in`)}
      ${link(ACTIONS.crossSigning, say`Encryption identity`, say`Reset it when all else fails`)}
      ${link(ACTIONS.deactivate, say`Close the account`, say`For good`)}
    </ul>`,
    html`<form method="post" action="${base}${PATHS.signOut}">
      ${field}<button type="submit">${say`Sign out in this browser`}</button>
    </form>`,
  ]);
}

export function profilePage(view: Proving & { readonly displayname: string }): Page {
  const { base, field } = view;
  return framed(view, say`Profile and password`, [
    html`<h2>${say`Profile`}</h2>
      <form method="post" action="${base}${PATHS.account}/profile">
        ${field}
        <div class="field">
          <label for="displayname">${say`Display name`}</label>
          <input
            id="displayname"
            name="displayname"
            value="${view.displayname}"
            autocomplete="name"
          />
          <p class="hint">${say`Others see it beside your messages.`}</p>
        </div>
        <div class="actions"><button class="primary" type="submit">${say`Save`}</button></div>
      </form>`,
    html`<h2>${say`Password`}</h2>
      ${passwordForm(view)}`,
  ]);
}

/** Where somebody who has just signed in once more sets a password. */
export function passwordPage(view: Proving): Page {
  return framed(view, say`Password`, [passwordForm(view)]);
}

function passwordForm(view: Proving): Html {
  const kind = "new-password";
  const { hasPassword } = view;
  const fields = html`${passwordField("new_password", say`New password`, { kind })}
    ${passwordField("new_password_again", say`New password once more`, { kind })}
    <label class="choice">
      <input type="checkbox" name="end_sessions" value="yes" ${hasPassword && html`checked`} />
      ${say`Sign out everywhere`}
    </label>`;
  const button = html`<button class="primary" type="submit">
    ${hasPassword ? say`Change the password` : say`Set the password`}
  </button>`;
  const label = say`Password until now`;
  const none = html`<p>
    ${say`You have none. With one, you can also sign in without a provider.`}
  </p>`;
  const form = provenForm(view, "password", { label, fields, button });
  return html`${!hasPassword && none}${form}`;
}

/** A form that takes a password or a proof, and the ways to get a proof. */
function provenForm(
  view: Proving,
  act: Act,
  { label = say`Password`, fields, button }: { label?: Text; fields?: Html; button: Html },
): Html {
  const { base, field, hasPassword, providers, proof } = view;
  const proven = proof === undefined ? passwordField("password", label) : hidden("proof", proof);
  const form = html`<form method="post" action="${base}${PATHS.account}/${act}">
    ${field} ${proven} ${fields}
    <div class="actions">${button}</div>
  </form>`;
  if (proof !== undefined || providers.length === 0) return form;
  const address = (provider: string) =>
    `${base}${PATHS.ssoBegin}?${new URLSearchParams({ provider, act }).toString()}`;
  const first = hasPassword
    ? html`${form}
        <p>${say`Or sign in once more, instead of the password:`}</p>`
    : html`<p>${say`First sign in once more, to show that it is you.`}</p>`;
  return html`${first}${providerButtons(providers, address)}`;
}

export function devicesPage(view: AccountView & { readonly devices: readonly Device[] }): Page {
  const rows = view.devices.map((device) => {
    const more = { device_id: device.deviceId };
    return html`<li>
      <div>
        <strong>${nameOf(device)}</strong>
        <p class="hint">${seen(device)}</p>
      </div>
      <a class="button" href="${view.base}${accountPath(ACTIONS.device, more)}">${say`Show`}</a>
    </li>`;
  });
  const all =
    rows.length === 0
      ? html`<p>${say`No app is signed in.`}</p>`
      : html`<ul class="rows">
          ${rows}
        </ul>`;
  return framed(view, say`Sessions`, [all]);
}

export function devicePage(
  view: AccountView & { readonly device: Device; readonly isEnding: boolean },
): Page {
  const { base, field, device, isEnding } = view;
  const { deviceId, displayName } = device;
  const rename = html`<h2>${say`Name`}</h2>
    <form method="post" action="${base}${PATHS.account}/session">
      ${field}${hidden("device_id", deviceId)}
      <div class="field">
        <label for="display_name">${say`Only people who talk to you encrypted see it`}</label>
        <input
          id="display_name"
          name="display_name"
          value="${displayName ?? ""}"
          autocomplete="off"
        />
      </div>
      <div class="actions">
        <button type="submit" name="decision" value="rename">${say`Rename`}</button>
      </div>
    </form>`;
  const end = html`<h2>${say`Sign it out`}</h2>
    <p>
      ${say`It can read and send nothing afterwards. Messages whose keys are only there are lost.`}
    </p>
    <form method="post" action="${base}${PATHS.account}/session">
      ${field}${hidden("device_id", deviceId)}
      <div class="actions">
        <button class="danger" type="submit" name="decision" value="end">${say`Sign out`}</button>
      </div>
    </form>`;
  const facts = html`<dl>
    <dt>${say`Session`}</dt>
    <dd><code>${deviceId}</code></dd>
    <dt>${say`Seen`}</dt>
    <dd>${seen(device)}</dd>
  </dl>`;
  return framed(view, nameOf(device), isEnding ? [facts, end] : [facts, rename, end]);
}

export function crossSigningPage(view: Proving): Page {
  const button = html`<button class="danger" type="submit">${say`Allow it once`}</button>`;
  return framed(view, say`Encryption identity`, [
    html`<p>
        ${say`Allow an app to replace the keys by which others know you. All of your sessions have to be verified again, and so do you by others. Do this only if you asked an app for it, and have lost every other session and your recovery key.`}
      </p>
      ${provenForm(view, "cross-signing", { button })}`,
  ]);
}

export function deactivationPage(view: Proving): Page {
  const { userId } = view;
  const fields = html`<label class="choice">
    <input type="checkbox" name="erase" value="yes" />
    ${say`Hide my messages from people who come to rooms later`}
  </label>`;
  const button = html`<button class="danger" type="submit">${say`Close it for good`}</button>`;
  return framed(view, say`Close the account`, [
    html`<p>
        ${say`Nobody can use ${strong(userId)} afterwards, not even you. You leave all rooms, and the name is never given again. There is no way back.`}
      </p>
      ${provenForm(view, "deactivate", { fields, button })}`,
  ]);
}

const YOURS = say`Your account`;

/** A page of cards, under a line that says whose it is. */
function framed(view: AccountView, title: Text, cards: readonly Html[]): Page {
  const { base, userId, done } = view;
  const home =
    title === YOURS ? userId : html`${userId} · <a href="${base}${PATHS.account}">${YOURS}</a>`;
  const said = done === undefined ? undefined : html`<p class="notice" role="status">${done}</p>`;
  return {
    title,
    isWide: true,
    body: html`<div class="card">${brand(title, home)}${problem(view.problem)}${said}</div>
      ${cards.map((card) => html`<div class="card">${card}</div>`)}`,
  };
}

const nameOf = ({ displayName, deviceId }: Device) =>
  displayName === null || displayName === "" ? deviceId : displayName;

function seen({ lastSeenTs, lastSeenIp }: Device): Text {
  if (lastSeenTs === null) return say`Not seen yet`;
  const when = new Date(lastSeenTs).toISOString().slice(0, 16).replace("T", " ");
  return lastSeenIp === null ? `${when} UTC` : say`${when} UTC, from ${lastSeenIp}`;
}
