import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import bold from "lucide-static/icons/bold.svg?raw";
import italic from "lucide-static/icons/italic.svg?raw";
import strike from "lucide-static/icons/strikethrough.svg?raw";
import code from "lucide-static/icons/code.svg?raw";
import codeBlock from "lucide-static/icons/square-code.svg?raw";
import quote from "lucide-static/icons/text-quote.svg?raw";
import list from "lucide-static/icons/list.svg?raw";
import numbers from "lucide-static/icons/list-ordered.svg?raw";
import link from "lucide-static/icons/link.svg?raw";
import eyeOff from "lucide-static/icons/eye-off.svg?raw";
import { base, buttons } from "../../styles/shared.ts";
import { drawing } from "../drawing.ts";
import type { Mark } from "./text-field.ts";

/** What can be done to the selected words; arrows move between the buttons. Tells of "mark". */
@customElement("weft-format-bar")
export class WeftFormatBar extends LitElement {
  #at = 0;

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
        gap: 2px;
        padding: 4px 5px 0;
        overflow-x: auto;
        scrollbar-width: none;
      }
      .icon-button {
        width: 32px;
        height: 32px;
        font-size: 0.9em;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.ariaLabel = msg("Formatting");
  }

  #marks(): [Mark, string, string, string?][] {
    return [
      ["bold", bold, msg("Bold"), "Control+B"],
      ["italic", italic, msg("Italic"), "Control+I"],
      ["strike", strike, msg("Struck through"), "Control+Shift+X"],
      ["code", code, msg("Code"), "Control+E"],
      ["code-block", codeBlock, msg("Code block"), "Control+Shift+E"],
      ["quote", quote, msg("Quotation")],
      ["list", list, msg("List")],
      ["numbers", numbers, msg("Numbered list")],
      ["link", link, msg("Link")],
      ["spoiler", eyeOff, msg("Spoiler")],
    ];
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const all = [...this.renderRoot.querySelectorAll("button")];
    const moves: Record<string, number> = {
      ArrowRight: this.#at + 1,
      ArrowLeft: this.#at - 1,
      Home: 0,
      End: -1,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#at = ((to % all.length) + all.length) % all.length;
    this.requestUpdate();
    all[this.#at]?.focus();
  };

  override render() {
    return html`${this.#marks().map(
      ([mark, svg, label, keys], at) =>
        html`<button
          type="button"
          class="icon-button"
          tabindex=${at === this.#at ? 0 : -1}
          aria-label=${label}
          title=${keys === undefined ? label : `${label} (${keys.replace("Control", msg("Ctrl"))})`}
          aria-keyshortcuts=${keys ?? ""}
          @keydown=${this.#onKey}
          @mousedown=${(event: Event) => event.preventDefault()}
          @click=${() => this.dispatchEvent(new CustomEvent("mark", { detail: mark }))}
        >
          ${drawing(svg)}
        </button>`,
    )}`;
  }
}
