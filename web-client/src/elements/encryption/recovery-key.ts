import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { attempt, toast } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon } from "../icon.ts";
import { saveBlob } from "../save-file.ts";
import { printSheet } from "./print-sheet.ts";

/** A recovery key with the ways to keep it. `kept` tells that one of them was taken. */
@customElement("weft-recovery-key")
export class WeftRecoveryKey extends LitElement {
  @property({ attribute: false }) value = "";
  /** Whose it is, for the file and the sheet of paper. */
  @property() userId = "";

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
        margin-bottom: var(--space-4);
      }
      .key {
        display: block;
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--sunken);
        font: 600 1.05em/1.7 var(--mono);
        letter-spacing: 0.02em;
        text-align: center;
        word-spacing: 0.2em;
        overflow-wrap: anywhere;
        user-select: all;
      }
      .ways {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(108px, 1fr));
        gap: var(--space-2);
        margin-top: var(--space-2);
      }
      .button {
        padding: 0 var(--space-2);
      }
    `,
  ];

  #kept(): void {
    this.dispatchEvent(new CustomEvent("kept"));
  }

  readonly #copy = (): void =>
    void attempt(async () => {
      await navigator.clipboard.writeText(this.value);
      toast(msg("Recovery key copied."));
      this.#kept();
    });

  /** What stands in the file and on the paper, so that it is known again in years. */
  #lines(): string[] {
    return [msg("Recovery key for encrypted messages"), this.userId, this.value];
  }

  readonly #save = (): void => {
    const name = this.userId.replace(/[^\w.-]+/g, "-").replace(/^-+/, "");
    const file = new Blob([`${this.#lines().join("\n")}\n`], { type: "text/plain" });
    saveBlob(file, `recovery-key-${name}.txt`);
    this.#kept();
  };

  readonly #print = (): void => {
    printSheet(this.#lines());
    this.#kept();
  };

  override render() {
    return html`<code
        class="key"
        tabindex="0"
        role="textbox"
        aria-readonly="true"
        aria-label=${msg("Recovery key")}
        >${this.value}</code
      >
      <div class="ways">
        <button type="button" class="button" @click=${this.#copy}>
          ${icon("copy")} ${msg("Copy")}
        </button>
        <button type="button" class="button" @click=${this.#save}>
          ${icon("download")} ${msg("Save")}
        </button>
        <button type="button" class="button" @click=${this.#print}>
          ${icon("printer")} ${msg("Print")}
        </button>
      </div>`;
  }
}
