import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { closeDialog, type DialogRequest } from "../store/dialogs.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { explain } from "../text/problems.ts";
import "../elements/dialog.ts";

/** Asks before something is done that cannot be taken back lightly. */
@customElement("weft-confirm")
export class WeftConfirm extends LitElement {
  @property({ attribute: false }) request!: Extract<DialogRequest, { kind: "confirm" }>;
  @state() private busy = false;
  @state() private problem = "";
  @query("#reason") private reason!: HTMLInputElement | null;
  @query("#choice") private choice!: HTMLInputElement | null;

  static override styles = [base, buttons, forms];

  readonly #run = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { request } = this;
    this.busy = true;
    this.problem = "";
    try {
      await request.run(this.reason?.value.trim() ?? "", this.choice?.checked ?? false);
      closeDialog();
    } catch (error) {
      this.problem = explain(error);
      this.busy = false;
    }
  };

  override render() {
    const { request } = this;
    return html`<weft-dialog heading=${request.heading}>
      <form @submit=${this.#run}>
        <p>${request.text}</p>
        ${
          request.reason === undefined
            ? nothing
            : html`<label for="reason">${request.reason}</label
                ><input id="reason" autocomplete="off" autofocus />`
        }
        ${
          request.choice === undefined
            ? nothing
            : html`<label class="choice field"
                ><input id="choice" type="checkbox" />${request.choice}</label
              >`
        }
        ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
        <div class="actions">
          <button
            type="button"
            class="button"
            ?autofocus=${request.danger === true && request.reason === undefined}
            @click=${closeDialog}
          >
            ${msg("Cancel")}
          </button>
          <button
            type="submit"
            class="button ${request.danger ? "danger" : "primary"}"
            ?disabled=${this.busy}
            ?autofocus=${request.danger !== true && request.reason === undefined}
          >
            ${request.action}
          </button>
        </div>
      </form>
    </weft-dialog>`;
  }
}
