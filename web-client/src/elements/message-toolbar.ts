import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { base, buttons } from "../styles/shared.ts";
import { icon } from "./icon.ts";
import "./menu.ts";
import type { MessageAction } from "./message-actions.ts";

/** The tools that float over the message in hand. */
@customElement("weft-message-toolbar")
export class WeftMessageToolbar extends LitElement {
  @property({ attribute: false }) actions: readonly MessageAction[] = [];

  constructor() {
    super();
    this.role = "toolbar";
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
        box-shadow: 0 1px 4px rgb(0 0 0 / 10%);
      }
      .icon-button {
        width: 34px;
        height: 32px;
        font-size: 0.9em;
      }
    `,
  ];

  override render() {
    const inBar = this.actions.filter((action) => action.inBar);
    const inMenu = this.actions.filter((action) => !action.inBar);
    const items = inMenu.map((action) => ({ ...action, run: () => action.run(this) }));
    return html`${inBar.map(
        (action) =>
          html`<button
            type="button"
            class="icon-button"
            aria-label=${action.label}
            title=${action.label}
            aria-keyshortcuts=${action.key ?? ""}
            @click=${(event: Event) => action.run(event.currentTarget as Element)}
          >
            ${icon(action.icon)}
          </button>`,
      )} <weft-menu label=${msg("More")} .items=${items}></weft-menu>`;
  }
}
