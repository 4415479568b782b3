import { msg } from "@lit/localize";
import { css, html } from "lit";
import { customElement } from "lit/decorators.js";
import type { PresenceState } from "../api/sync.ts";
import { MAX_STATUS, setOwnPresence } from "../store/own-presence.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** Whether one shows that one is there, and a few words on it. */
@customElement("weft-status")
export class WeftStatus extends FormDialog {
  static override styles = [
    ...FormDialog.styles,
    css`
      .choice {
        align-items: baseline;
      }
      small {
        display: block;
      }
    `,
  ];

  protected override async submit(data: FormData): Promise<boolean> {
    const state = field(data, "state") as PresenceState;
    await setOwnPresence(this.client, { state, status: field(data, "status") });
    return true;
  }

  #state(state: PresenceState, label: string, hint: string) {
    const { $own } = this.client.store.presence;
    return html`<label class="choice">
      <input type="radio" name="state" value=${state} ?checked=${$own.get().state === state} />
      <span>${label}<small class="hint">${hint}</small></span>
    </label>`;
  }

  override render() {
    const { presence } = this.client.store;
    // What was said with another app counts as well.
    const said = presence.of(this.client.session.userId)?.status ?? presence.$own.get().status;
    return this.form(
      msg("Status"),
      msg("Save"),
      html`<div class="field">
          <label for="status">${msg("What are you up to?")}</label>
          <input
            id="status"
            name="status"
            autofocus
            maxlength=${MAX_STATUS}
            .value=${said}
            aria-describedby="status-hint"
          />
          <p class="hint" id="status-hint">
            ${msg("Everyone who shares a room with you can read it. Leave it empty to say nothing.")}
          </p>
        </div>
        <div class="field" role="radiogroup" aria-label=${msg("What others see")}>
          ${this.#state("online", msg("Online"), msg("Away while you do not look at Weft."))}
          ${this.#state("unavailable", msg("Away"), msg("Until you change it."))}
          ${this.#state("offline", msg("Invisible"), msg("Others see you as not there."))}
        </div>`,
    );
  }
}
