import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import alert from "lucide-static/icons/circle-alert.svg?raw";
import ok from "lucide-static/icons/circle-check.svg?raw";
import close from "lucide-static/icons/x.svg?raw";
import { Watch } from "../controllers/watch.ts";
import { $toasts, dismiss, type Toast } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { drawing } from "./drawing.ts";

/** Milliseconds that a note stays; errors stay longer, so that they can be read in peace. */
const STAY = { info: 5000, error: 12_000 };

/** Notes at the edge of the window, read out by screen readers. */
@customElement("weft-toasts")
export class WeftToasts extends LitElement {
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  constructor() {
    super();
    new Watch(this, () => [$toasts]);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        position: fixed;
        inset: calc(var(--bar) + var(--space-2)) var(--space-4) auto auto;
        width: auto;
        margin: 0;
        padding: 0;
        border: 0;
        background: none;
        color: inherit;
        overflow: visible;
      }
      :host(:popover-open) {
        display: grid;
        justify-items: end;
        gap: var(--space-2);
        pointer-events: none;
      }
      .toast {
        display: flex;
        align-items: flex-start;
        gap: var(--space-3);
        width: min(400px, calc(100vw - 2 * var(--space-4)));
        padding: var(--space-3);
        border: 1px solid var(--line);
        border-left: 4px solid var(--accent);
        border-radius: var(--radius);
        background: var(--raised);
        box-shadow: var(--shadow);
        pointer-events: auto;
        animation: rise 0.18s ease-out;
      }
      .error {
        border-left-color: var(--danger);
      }
      .error > .icon {
        color: var(--danger);
      }
      p {
        flex: 1;
        margin: 0;
        overflow-wrap: anywhere;
      }
      .icon-button {
        width: 26px;
        height: 26px;
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(-8px);
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.popover = "manual";
  }

  override updated(): void {
    // In the top layer, and again above any window that was opened meanwhile.
    if (this.matches(":popover-open")) this.hidePopover();
    if ($toasts.get().length > 0) this.showPopover();
    for (const { id, kind, action } of $toasts.get()) {
      // What one can do something about waits until that is done or refused.
      if (this.#timers.has(id) || action !== undefined) continue;
      this.#timers.set(
        id,
        setTimeout(() => dismiss(id), STAY[kind]),
      );
    }
  }

  #action({ id, action }: Toast) {
    if (action === undefined) return nothing;
    const run = (): void => {
      dismiss(id);
      action.run();
    };
    return html`<button class="button small" type="button" @click=${run}>${action.label}</button>`;
  }

  #one(toast: Toast) {
    return html`<div
      class="toast ${toast.kind}"
      role=${toast.kind === "error" ? "alert" : "status"}
    >
      ${drawing(toast.kind === "error" ? alert : ok)}
      <p>${toast.text}</p>
      ${this.#action(toast)}
      <button
        class="icon-button"
        type="button"
        aria-label=${msg("Dismiss")}
        @click=${() => dismiss(toast.id)}
      >
        ${drawing(close)}
      </button>
    </div>`;
  }

  override render() {
    return repeat(
      $toasts.get(),
      (toast) => toast.id,
      (toast) => this.#one(toast),
    );
  }
}
