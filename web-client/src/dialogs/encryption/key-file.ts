import { msg, str } from "@lit/localize";
import { html } from "lit";
import { customElement, property, query, queryAll } from "lit/decorators.js";
import type { WeftPasswordField } from "../../elements/password-field.ts";
import "../../elements/password-field.ts";
import { saveBlob } from "../../elements/save-file.ts";
import { toast } from "../../store/toasts.ts";
import { FormDialog } from "../form-dialog.ts";

const SHORTEST = 8;

/** Writes the keys of this device's messages to a file, or takes those of such a file in. */
@customElement("weft-key-file")
export class WeftKeyFile extends FormDialog {
  @property({ attribute: false }) way: "export" | "import" = "export";
  @query("input[type=file]") private file!: HTMLInputElement | null;
  @queryAll("weft-password-field") private fields!: NodeListOf<WeftPasswordField>;

  #passphrases(): string[] {
    return [...this.fields].map((field) => field.value);
  }

  protected override submit(): Promise<boolean> {
    return this.way === "export" ? this.#export() : this.#import();
  }

  async #export(): Promise<boolean> {
    const [first = "", second = ""] = this.#passphrases();
    if (first.length < SHORTEST) {
      this.problem = msg("Choose a passphrase of at least eight characters.");
      return false;
    }
    if (first !== second) {
      this.problem = msg("The two passphrases differ.");
      return false;
    }
    saveBlob(await this.client.encryption.keys.export(first), "weft-keys.txt");
    return true;
  }

  async #import(): Promise<boolean> {
    const file = this.file?.files?.[0];
    if (file === undefined) {
      this.problem = msg("Choose the file first.");
      return false;
    }
    const done = await this.client.encryption.keys.import(file, this.#passphrases()[0] ?? "");
    toast(
      done.imported === 0
        ? msg(str`All ${done.total} keys in this file were here already.`)
        : msg(str`${done.imported} keys were new here. What they open becomes readable now.`),
    );
    return true;
  }

  #exporting() {
    return this.form(
      msg("Export keys"),
      msg("Export"),
      html`<p>
          ${msg("The file holds the keys of all encrypted messages that this device can read. Whoever has it and the passphrase can read them too.")}
        </p>
        <weft-password-field
          label=${msg("Passphrase for the file")}
          hint=${msg("At least eight characters.")}
          autocomplete="new-password"
        ></weft-password-field>
        <weft-password-field
          label=${msg("The passphrase again")}
          autocomplete="new-password"
        ></weft-password-field>`,
    );
  }

  #importing() {
    return this.form(
      msg("Import keys"),
      msg("Import"),
      html`<p>${msg("Takes in the keys that you exported from Weft or another Matrix app.")}</p>
        <div class="field">
          <label for="keys">${msg("File with keys")}</label>
          <input id="keys" type="file" accept=".txt,text/plain" autofocus />
        </div>
        <weft-password-field label=${msg("Passphrase of the file")}></weft-password-field>`,
    );
  }

  override render() {
    return this.way === "export" ? this.#exporting() : this.#importing();
  }
}
