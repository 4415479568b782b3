import { msg, str } from "@lit/localize";
import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { exportRoom, type ExportFormat } from "../../store/export.ts";
import { toast } from "../../store/toasts.ts";
import { saveBlob } from "../../elements/save-file.ts";
import { field, FormDialog } from "../form-dialog.ts";

/** Saves a conversation as a file. */
@customElement("weft-export")
export class WeftExport extends FormDialog {
  @property({ attribute: false }) roomId = "";
  @state() private read: number | undefined;
  @state() private most = 1000;
  #stopped = new AbortController();

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stopped = new AbortController();
  }

  override disconnectedCallback(): void {
    this.#stopped.abort();
    super.disconnectedCallback();
  }

  protected override async submit(data: FormData): Promise<boolean> {
    const room = this.client.store.room(this.roomId);
    if (room === undefined) return true;
    this.most = Number(field(data, "most"));
    this.read = 0;
    const { signal } = this.#stopped;
    try {
      const { blob, name, count } = await exportRoom(this.client, room, {
        format: field(data, "format") as ExportFormat,
        most: this.most,
        signal,
        onProgress: (read) => (this.read = read),
      });
      if (signal.aborted) return false;
      saveBlob(blob, name);
      toast(count === 1 ? msg("One message was saved.") : msg(str`${count} messages were saved.`));
      return true;
    } finally {
      this.read = undefined;
    }
  }

  #progress() {
    if (this.read === undefined) return nothing;
    return html`<p role="status">${msg(str`${this.read} read so far…`)}</p>
      <progress
        style="width:100%"
        aria-label=${msg("Reading the conversation")}
        max=${this.most}
        .value=${this.read}
      ></progress>`;
  }

  override render() {
    const isEncrypted = this.client.store.room(this.roomId)?.encryption !== undefined;
    return this.form(
      msg("Export the conversation"),
      msg("Save"),
      html`<p>
          ${msg("What you may see of this conversation is saved in a file on this device. Pictures and files are named in it, and not saved along.")}
          ${isEncrypted ? msg("The file is not encrypted: whoever has it can read it.") : nothing}
        </p>
        <div class="field">
          <label for="format">${msg("As")}</label>
          <select id="format" name="format" autofocus>
            <option value="html">${msg("A page to read (HTML)")}</option>
            <option value="text">${msg("Plain text")}</option>
            <option value="json">${msg("Data for programs (JSON)")}</option>
          </select>
        </div>
        <div class="field">
          <label for="most">${msg("How much")}</label>
          <select id="most" name="most">
            <option value="1000">${msg("The last 1,000 messages")}</option>
            <option value="10000">${msg("The last 10,000 messages")}</option>
            <option value="50000">${msg("As much as possible: 50,000 messages")}</option>
          </select>
        </div>
        ${this.#progress()}`,
    );
  }
}
