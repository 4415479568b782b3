import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { holdBack } from "../store/way-back.ts";
import { base, buttons } from "../styles/shared.ts";
import { keepFocus } from "./focus-return.ts";
import { icon } from "./icon.ts";

/** What the keyboard may begin at in a window that names nothing itself. */
const FIRST = "input:not([type=hidden], [type=file], :disabled), textarea, select";

/** A modal window around its content. It shows itself when put on the page and fires `dismiss` when it is left. */
@customElement("weft-dialog")
export class WeftDialog extends LitElement {
  @property() heading = "";
  /** Fills the window, for pictures. */
  @property({ type: Boolean, reflect: true }) wide = false;
  /** Cannot be left but by what is in it. */
  @property({ type: Boolean }) locked = false;
  /** Has nothing in it but text, which the keyboard scrolls. */
  @property({ type: Boolean }) reading = false;
  @query("dialog") private dialog!: HTMLDialogElement;

  static override styles = [
    base,
    buttons,
    css`
      dialog {
        display: flex;
        flex-direction: column;
        width: min(460px, calc(100vw - 24px));
        max-height: min(720px, calc(100dvh - 24px));
        padding: 0;
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--paper);
        color: var(--text);
        box-shadow: var(--shadow);
      }
      :host([wide]) dialog {
        width: calc(100vw - 24px);
        height: calc(100dvh - 24px);
        max-width: none;
        max-height: none;
      }
      dialog::backdrop {
        background: rgb(12 14 16 / 45%);
      }
      @media (prefers-reduced-motion: no-preference) {
        dialog[open] {
          animation: rise 0.16s ease-out;
        }
        dialog[open]::backdrop {
          animation: dim 0.16s;
        }
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(8px) scale(0.985);
        }
      }
      @keyframes dim {
        from {
          opacity: 0;
        }
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        min-height: 48px;
        padding: var(--space-3) var(--space-3) 0 var(--space-5);
      }
      h2:focus {
        outline: none;
      }
      h2 {
        flex: 1;
        min-width: 0;
        margin: 0;
        font-size: 1.15em;
      }
      .content {
        flex: 1;
        min-height: 0;
        padding: var(--space-3) var(--space-5) var(--space-5);
      }
      @media (max-width: 500px) {
        dialog {
          margin-bottom: 12px;
        }
      }
    `,
  ];

  /** Gives the keyboard back to where it was. */
  #giveBack: (() => void) | undefined;
  #letBack: (() => void) | undefined;

  override firstUpdated(): void {
    this.#giveBack = keepFocus();
    this.dialog.showModal();
    this.#letBack = holdBack(() => this.#dismiss());
    this.#begin();
  }

  /** What is slotted does not count when the browser looks for what is first: that is never the way out. */
  #begin(): void {
    const own =
      this.querySelector<HTMLElement>("[autofocus]") ?? this.querySelector<HTMLElement>(FIRST);
    const within = this.reading ? this.renderRoot.querySelector<HTMLElement>(".content") : null;
    (own ?? within ?? this.renderRoot.querySelector<HTMLElement>("h2"))?.focus();
  }

  override disconnectedCallback(): void {
    this.#letBack?.();
    this.dialog.close();
    super.disconnectedCallback();
    this.#giveBack?.();
  }

  /** Asks to be closed; answers whether it may be. */
  #dismiss(): boolean {
    if (this.locked) return false;
    this.dispatchEvent(new CustomEvent("dismiss", { bubbles: true, composed: true }));
    return true;
  }

  readonly #leave = (event: Event): void => {
    event.preventDefault();
    this.#dismiss();
  };

  readonly #onClick = (event: MouseEvent): void => {
    if (event.target === this.dialog) this.#leave(event);
  };

  override render() {
    return html`<dialog
      aria-labelledby="heading"
      closedby=${this.locked ? "none" : "closerequest"}
      @cancel=${this.#leave}
      @mousedown=${this.#onClick}
    >
      <header>
        <h2 id="heading" class="ellipsis" tabindex="-1">${this.heading}</h2>
        ${
          this.locked
            ? nothing
            : html`<button
                class="icon-button"
                type="button"
                aria-label=${msg("Close")}
                @click=${this.#leave}
              >
                ${icon("close")}
              </button>`
        }
      </header>
      <div
        class="content scroll"
        tabindex=${this.reading ? 0 : nothing}
        role=${this.reading ? "region" : nothing}
        aria-labelledby=${this.reading ? "heading" : nothing}
      >
        <slot></slot>
      </div>
    </dialog>`;
  }
}
