import { msg } from "@lit/localize";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Client } from "../store/client.ts";
import { closeDialog } from "../store/dialogs.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { explain } from "../text/problems.ts";
import "../elements/dialog.ts";

/** A window with a form: it waits while the form's work is done, and says in place what went wrong. */
export abstract class FormDialog extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() protected busy = false;
  @state() protected problem = "";

  static override styles = [base, buttons, forms];

  /** Does what the form is for. When it resolves to true the window closes. */
  protected abstract submit(data: FormData): Promise<boolean>;

  readonly #onSubmit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    this.problem = "";
    try {
      if (await this.submit(new FormData(event.target as HTMLFormElement))) closeDialog();
    } catch (error) {
      this.problem = this.explain(error);
    }
    this.busy = false;
  };

  protected explain(error: unknown): string {
    return explain(error);
  }

  protected form(
    heading: string,
    action: string,
    fields: TemplateResult,
    ready = true,
  ): TemplateResult {
    return html`<weft-dialog heading=${heading}>
      <form @submit=${this.#onSubmit} autocomplete="off">
        ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
        ${fields}
        <div class="actions">
          <button type="button" class="button" @click=${closeDialog}>${msg("Cancel")}</button>
          <button type="submit" class="button primary" ?disabled=${this.busy || !ready}>
            ${this.busy ? msg("One moment…") : action}
          </button>
        </div>
      </form>
    </weft-dialog>`;
  }
}

/** A field of a form as trimmed text. */
export function field(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value.trim() : "";
}
