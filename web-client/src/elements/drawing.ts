import { html, type TemplateResult } from "lit";
import { unsafeHTML } from "lit/directives/unsafe-html.js";

/** A drawing that is brought along by what shows it. */
export function drawing(svg: string): TemplateResult {
  return html`<span class="icon" aria-hidden="true">${unsafeHTML(svg)}</span>`;
}
