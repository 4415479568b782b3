import { msg } from "@lit/localize";
import { html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { toast } from "../store/toasts.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** Tells whoever runs the server of a message that should not be. */
@customElement("weft-report")
export class WeftReport extends FormDialog {
  @property({ attribute: false }) roomId = "";
  @property({ attribute: false }) eventId = "";

  protected override async submit(data: FormData): Promise<boolean> {
    await this.client.api.rooms.report(this.roomId, this.eventId, field(data, "reason"));
    toast(msg("Thank you. Your report was sent to whoever runs the server."));
    return true;
  }

  override render() {
    return this.form(
      msg("Report this message"),
      msg("Report"),
      html`<p>
          ${msg("The report goes to the people who run your server. The sender is not told.")}
        </p>
        <div class="field">
          <label for="reason">${msg("What is wrong with it?")}</label>
          <textarea id="reason" name="reason" rows="3" required autofocus></textarea>
        </div>`,
    );
  }
}
