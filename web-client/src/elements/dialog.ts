import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { base, buttons } from "../styles/shared.ts";
import { icon } from "./icon.ts";

/** The element that has the keyboard, through all shadow roots. */
function activeElement(): HTMLElement | undefined {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at instanceof HTMLElement && at !== document.body ? at : undefined;
}

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

  /** Where the keyboard was. */
  #before: HTMLElement | undefined;

  override firstUpdated(): void {
    this.#before = activeElement();
    this.dialog.showModal();
    // What is slotted does not count when the browser looks for the first field.
    this.querySelector<HTMLElement>("[autofocus]")?.focus();
  }

  override disconnectedCallback(): void {
    this.dialog.close();
    super.disconnectedCallback();
    if (this.#before?.isConnected === true) this.#before.focus();
  }

  readonly #leave = (event: Event): void => {
    event.preventDefault();
    if (this.locked) return;
    this.dispatchEvent(new CustomEvent("dismiss", { bubbles: true, composed: true }));
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
        <h2 id="heading" class="ellipsis">${this.heading}</h2>
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
