import type { WaitingDevice } from "../../users/oauth/device-grants.ts";
import { decision, nameOf, otherAccount, placeOf, whatItMay } from "./consent-page.ts";
import { hidden } from "./fields.ts";
import { type Html, html, say, type Text } from "../words/html.ts";
import { brand, noticePage, type Page, PATHS, problem } from "./page.ts";

/** Where somebody types the code that a device shows. */
export function codePage(base: string, wrong?: Text): Page {
  return {
    title: say`Let a device in`,
    body: html`<form class="card" method="get" action="${base}${PATHS.link}">
      ${brand(say`Let a device in`, say`Type the code that it shows.`)}${problem(wrong)}
      <div class="field">
        <label for="user_code">${say`Code`}</label>
        <input
          class="code"
          id="user_code"
          name="user_code"
          maxlength="12"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          required
          autofocus
        />
      </div>
      <div class="actions"><button class="primary" type="submit">${say`Continue`}</button></div>
    </form>`,
  };
}

/** Whether a device may be let in. */
export function devicePage(asked: {
  readonly base: string;
  readonly field: Html;
  readonly userId: string;
  readonly device: WaitingDevice;
  /** The name of the user's device that it would take the place of. */
  readonly replaces: string | undefined;
}): Page {
  const { base, field, userId, device } = asked;
  const { metadata } = device.client;
  const name = nameOf(metadata);
  const code = `${device.userCode.slice(0, 4)}-${device.userCode.slice(4)}`;
  const next = `${PATHS.link}?${new URLSearchParams({ user_code: code }).toString()}`;
  return {
    title: say`Let ${name} in`,
    body: html`<div class="card">
      <form method="post" action="${base}${PATHS.link}">
        ${brand(say`Let ${name} in?`, placeOf(metadata.client_uri))}
        <p>
          ${say`Go on only if your other device shows this code, and you have started it yourself. Nobody who helps you needs it.`}
        </p>
        <p>
          <strong><code>${code}</code></strong>
        </p>
        ${whatItMay(name, userId, asked.replaces)}
        <dl>
          <dt>${say`Session`}</dt>
          <dd><code>${device.deviceId}</code></dd>
        </dl>
        ${field}${hidden("user_code", device.userCode)}${decision()}
      </form>
      ${otherAccount(base, field, next)}
    </div>`,
  };
}

/** What became of it. */
export function decidedPage(isAllowed: boolean): Page {
  return isAllowed
    ? noticePage(say`The device is let in`, say`Go on there. You can close this page.`, 200)
    : noticePage(say`The device is not let in`, say`You can close this page.`, 200);
}
