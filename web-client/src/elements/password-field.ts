import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { base, buttons, forms } from "../styles/shared.ts";
import { icon } from "./icon.ts";

/** A password with an eye to look at it. */
@customElement("weft-password-field")
export class WeftPasswordField extends LitElement {
  @property() label = "";
  @property() hint = "";
  @property() autocomplete: "current-password" | "new-password" = "current-password";
  @query("input") private input!: HTMLInputElement;
  @state() private shown = false;

  static override styles = [
    base,
    buttons,
    forms,
    css`
      :host {
        display: block;
        margin-bottom: var(--space-4);
      }
      .row {
        position: relative;
      }
      input {
        padding-right: 44px !important;
      }
      .icon-button {
        position: absolute;
        top: 2px;
        right: 2px;
      }
    `,
  ];

  get value(): string {
    return this.input.value;
  }

  clear(): void {
    this.input.value = "";
  }

  override focus(): void {
    void this.updateComplete.then(() => this.input.focus());
  }

  override render() {
    return html`<label for="password">${this.label}</label>
      <div class="row">
        <input
          id="password"
          type=${this.shown ? "text" : "password"}
          autocomplete=${this.autocomplete}
          aria-describedby="hint"
          required
          @keydown=${(event: KeyboardEvent) => {
            if (event.key === "Enter") this.dispatchEvent(new CustomEvent("enter"));
          }}
        />
        <button
          type="button"
          class="icon-button"
          aria-pressed=${this.shown}
          aria-label=${msg("Show password")}
          @click=${() => (this.shown = !this.shown)}
        >
          ${icon(this.shown ? "eyeOff" : "eye")}
        </button>
      </div>
      <p class="hint" id="hint">${this.hint}</p>`;
  }
}
