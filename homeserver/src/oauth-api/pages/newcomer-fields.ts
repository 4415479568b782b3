import { CAPTCHA_KINDS, type Captcha } from "../../users/common/captcha.ts";
import { type Policy, textFor } from "../../users/common/terms.ts";
import { hidden } from "./fields.ts";
import { Html, html, say, type Text } from "../words/html.ts";
import { brand, type Page, problem } from "./page.ts";

/** What new users are asked for besides name and password. */
export interface NewcomerFields {
  readonly fields: Html;
  /** From where the page loads what it shows. */
  readonly sources: readonly string[];
}

/** `languages` is the browser's Accept-Language. */
export function newcomerFields(
  { policies, captcha }: { policies: readonly Policy[]; captcha: Captcha | undefined },
  languages: string | undefined,
): NewcomerFields {
  return {
    fields: html`${termsField(policies, languages)}${captcha && puzzle(captcha)}`,
    sources: captcha === undefined ? [] : CAPTCHA_KINDS[captcha.settings.kind].sources,
  };
}

/** A box to tick, with links to the documents; nothing where there are none. */
export function termsField(
  policies: readonly Policy[],
  languages: string | undefined,
): Html | undefined {
  if (policies.length === 0) return undefined;
  const links = policies.map((policy, i) => {
    const { name, url } = textFor(policy, languages);
    const link = html`<a href="${url}" target="_blank" rel="noreferrer">${name}</a>`;
    return html`${i > 0 && ", "}${link}`;
  });
  return html`<div class="field">
    <label class="choice">
      <input type="checkbox" name="agreed" value="yes" required />
      <span>${say`I agree to: ${links}`}</span>
    </label>
  </div>`;
}

function puzzle({ settings }: Captcha): Html {
  const { element, script } = CAPTCHA_KINDS[settings.kind];
  return html`<div class="field">
    <div class="${element}" data-sitekey="${settings.siteKey}"></div>
    ${new Html([`<script src="${script}" async defer></script>`])}
  </div>`;
}

/** The page of a stage of user-interactive authentication that new users pass. */
export function stagePage(asked: {
  readonly title: Text;
  readonly serverName: string;
  /** Where the form goes. */
  readonly action: string;
  readonly field: Html;
  readonly session: string;
  readonly fields: NewcomerFields;
  readonly problem: Text | undefined;
}): Page {
  return {
    title: asked.title,
    body: html`<form class="card" method="post" action="${asked.action}">
      ${brand(asked.title, asked.serverName)}${problem(asked.problem)}
      ${asked.field}${hidden("session", asked.session)}${asked.fields.fields}
      <div class="actions"><button class="primary" type="submit">${say`Continue`}</button></div>
    </form>`,
    sources: asked.fields.sources,
  };
}
