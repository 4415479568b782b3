import { css, html, LitElement, type TemplateResult } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { base, buttons } from "../styles/shared.ts";
import { icon, type IconName } from "./icon.ts";

export interface MenuItem {
  label: string;
  icon: IconName;
  danger?: boolean;
  run(): void;
}

/** A button that opens a list of actions. Arrows, Home, End and Escape work as in any menu. */
@customElement("weft-menu")
export class WeftMenu extends LitElement {
  @property() label = "";
  @property() icon: IconName = "more";
  @property({ attribute: false }) items: readonly MenuItem[] = [];
  /** Has no button of its own: others open it, at themselves. */
  @property({ type: Boolean }) bare = false;
  @query("[popover]") private panel!: HTMLElement;
  @query(".trigger") private trigger!: HTMLButtonElement;
  #open = false;
  /** What it was opened at, when that is not its own button. */
  #anchor: HTMLElement | undefined;

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: inline-flex;
      }
      [popover] {
        position: fixed;
        inset: auto;
        margin: 0;
        min-width: 200px;
        max-width: calc(100vw - 16px);
        padding: var(--space-1);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
        color: var(--text);
        box-shadow: var(--shadow);
      }
      @media (prefers-reduced-motion: no-preference) {
        [popover]:popover-open {
          animation: unfold 0.12s ease-out;
        }
      }
      @keyframes unfold {
        from {
          opacity: 0;
          transform: translateY(-4px);
        }
      }
      [role="menuitem"] {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        width: 100%;
        min-height: 38px;
        padding: 0 var(--space-3);
        border: 0;
        border-radius: 6px;
        background: none;
        text-align: start;
      }
      [role="menuitem"]:hover {
        background: var(--hover);
      }
      [role="menuitem"]:focus-visible {
        background: var(--marked);
        outline-offset: -2px;
      }
      [role="menuitem"] .icon {
        color: var(--muted);
      }
      .danger,
      .danger .icon {
        color: var(--danger) !important;
      }
      .trigger.custom {
        width: auto;
        height: auto;
        color: inherit;
      }
    `,
  ];

  /** Opens it at another element, to which the keyboard returns. */
  openAt(anchor: HTMLElement): void {
    this.#anchor = anchor;
    this.panel.showPopover();
  }

  #return(): void {
    (this.#anchor ?? this.trigger).focus();
  }

  #place(): void {
    const anchor = (this.#anchor ?? this.trigger).getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.panel;
    const left = Math.max(8, Math.min(anchor.left, innerWidth - width - 8));
    const right = anchor.right - width;
    const below = anchor.bottom + 4;
    const top = below + height > innerHeight - 8 ? Math.max(8, anchor.top - height - 4) : below;
    this.panel.style.left = `${anchor.left + width > innerWidth - 8 ? Math.max(8, right) : left}px`;
    this.panel.style.top = `${top}px`;
  }

  readonly #onToggle = (event: Event): void => {
    this.#open = (event as ToggleEvent).newState === "open";
    this.requestUpdate();
    this.dispatchEvent(
      new CustomEvent("menu-toggle", { detail: this.#open, bubbles: true, composed: true }),
    );
    if (!this.#open) {
      this.#anchor = undefined;
      return;
    }
    void this.updateComplete.then(() => {
      this.#place();
      this.#focusItem(0);
    });
  };

  #buttons(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>("[role=menuitem]")];
  }

  #focusItem(index: number): void {
    const all = this.#buttons();
    all.at(index % all.length)?.focus();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const all = this.#buttons();
    const at = all.indexOf(this.shadowRoot!.activeElement as HTMLElement);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const to = moves[event.key];
    if (event.key === "Tab") this.panel.hidePopover();
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#return();
      this.panel.hidePopover();
    }
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#focusItem(to);
  };

  #run(item: MenuItem): void {
    this.#return();
    this.panel.hidePopover();
    item.run();
  }

  #item(item: MenuItem): TemplateResult {
    return html`<button
      type="button"
      role="menuitem"
      tabindex="-1"
      class=${item.danger ? "danger" : ""}
      @click=${() => this.#run(item)}
    >
      ${icon(item.icon)}<span>${item.label}</span>
    </button>`;
  }

  override render() {
    return html`<button
        type="button"
        class="icon-button trigger ${this.querySelector("*") === null ? "" : "custom"}"
        title=${this.label}
        ?hidden=${this.bare}
        aria-haspopup="menu"
        aria-expanded=${this.#open}
        popovertarget="panel"
      >
        <span class="hidden-label">${this.label}</span>
        <slot>${icon(this.icon)}</slot>
      </button>
      <div
        id="panel"
        popover
        role="menu"
        aria-label=${this.label}
        @toggle=${this.#onToggle}
        @keydown=${this.#onKey}
      >
        ${this.#open ? this.items.map((item) => this.#item(item)) : ""}
      </div>`;
  }
}
