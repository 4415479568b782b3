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

  /** Arrows go from one tool to the next, as in any toolbar; each is a stop of Tab, too. */
  readonly #onKey = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const menu = this.renderRoot.querySelector("weft-menu");
    const all: HTMLElement[] = [
      ...this.renderRoot.querySelectorAll<HTMLElement>(".icon-button"),
      ...(menu?.shadowRoot?.querySelectorAll<HTMLElement>(".trigger") ?? []),
    ];
    const inner = menu?.shadowRoot?.activeElement ?? this.shadowRoot?.activeElement;
    const at = all.indexOf(inner as HTMLElement);
    if (at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    all[(at + by + all.length) % all.length]?.focus();
  };

  override firstUpdated(): void {
    this.addEventListener("keydown", this.#onKey);
  }

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
