import { msg } from "@lit/localize";
import { css, html, LitElement, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { icon, type IconName } from "../../elements/icon.ts";
import { hrefTo } from "../../store/router.ts";
import { base } from "../../styles/shared.ts";
import { count } from "../parts/facts.ts";

/** Something that wants an administrator's look. */
export interface Concern {
  readonly icon: IconName;
  readonly label: string;
  /** How many there are; undefined: that is no number. */
  readonly many?: number | undefined;
  readonly isBad: boolean;
  /** Where it is looked at; undefined: nowhere here. */
  readonly path?: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
}

/** What wants a look, each with the way there; or that nothing does. */
@customElement("weft-admin-attention")
export class WeftAdminAttention extends LitElement {
  @property({ attribute: false }) concerns: readonly Concern[] = [];

  static override styles = [
    base,
    css`
      :host {
        display: block;
        margin-bottom: var(--space-5);
      }
      ul {
        margin: 0;
        padding: 0;
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--raised);
        list-style: none;
        overflow: hidden;
      }
      li + li {
        border-top: 1px solid var(--line);
      }
      .row {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        min-height: 48px;
        padding: var(--space-2) var(--space-4);
        color: var(--text);
        text-decoration: none;
      }
      a:hover {
        background: var(--hover);
      }
      a:focus-visible {
        outline-offset: -2px;
      }
      .label {
        flex: 1;
        min-width: 0;
      }
      .sign {
        display: inline-flex;
        color: var(--muted);
      }
      .bad .sign {
        color: var(--danger);
      }
      .many {
        min-width: 28px;
        padding: 1px var(--space-2);
        border-radius: 12px;
        background: var(--sunken);
        font-size: 0.92em;
        font-weight: 600;
        font-variant-numeric: tabular-nums;
        text-align: center;
      }
      .bad .many {
        background: var(--danger-soft);
        color: var(--danger);
      }
      .go {
        display: inline-flex;
        color: var(--muted);
      }
      p {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        margin: 0;
        padding: var(--space-3) var(--space-4);
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--raised);
      }
      p .icon {
        color: var(--good);
      }
    `,
  ];

  #one({ icon: sign, label, many, isBad, path, query }: Concern): TemplateResult {
    const inside = html`<span class="sign">${icon(sign)}</span>
      <span class="label">${label}</span>
      ${many === undefined ? "" : html`<span class="many">${count(many)}</span>`}`;
    const kind = isBad ? "row bad" : "row";
    if (path === undefined) return html`<li><div class=${kind}>${inside}</div></li>`;
    const href = hrefTo({ page: "admin", path, ...(query === undefined ? {} : { query }) });
    return html`<li>
      <a href=${href} class=${kind}>${inside}<span class="go">${icon("chevronRight")}</span></a>
    </li>`;
  }

  override render() {
    if (this.concerns.length === 0)
      return html`<p>${icon("ok")} ${msg("All is well: nothing needs you.")}</p>`;
    return html`<ul aria-label=${msg("What needs you")}>
      ${this.concerns.map((concern) => this.#one(concern))}
    </ul>`;
  }
}
