import { msg } from "@lit/localize";
import { html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { $previews, setPreviews } from "../store/link-previews.ts";
import { choiceGroups } from "../styles/settings.ts";
import { base, forms } from "../styles/shared.ts";

/** Whether links in messages are looked at, and where. */
@customElement("weft-settings-previews")
export class WeftSettingsPreviews extends LitElement {
  constructor() {
    super();
    new Watch(this, () => [$previews]);
  }

  static override styles = [base, forms, choiceGroups];

  #box(which: "open" | "encrypted", label: string) {
    return html`<label class="choice">
      <input
        type="checkbox"
        .checked=${$previews.get()[which]}
        @change=${(event: Event) => setPreviews({ [which]: (event.target as HTMLInputElement).checked })}
      />
      ${label}
    </label>`;
  }

  override render() {
    return html`<fieldset>
      <legend>${msg("Previews of links")}</legend>
      ${this.#box("open", msg("Show what a link leads to, below the message"))}
      ${this.#box("encrypted", msg("Also in encrypted rooms: your server then learns of the links in them"))}
    </fieldset>`;
  }
}
