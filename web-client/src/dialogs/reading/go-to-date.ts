import { msg } from "@lit/localize";
import { html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { ApiError } from "../../api/errors.ts";
import { navigate } from "../../store/router.ts";
import { field, FormDialog } from "../form-dialog.ts";

/** Leads to what was said on a day, or first after it. */
@customElement("weft-go-to-date")
export class WeftGoToDate extends FormDialog {
  @property({ attribute: false }) roomId = "";

  protected override async submit(data: FormData): Promise<boolean> {
    const [year, month, day] = field(data, "day").split("-").map(Number);
    const ts = new Date(year!, month! - 1, day).getTime();
    if (Number.isNaN(ts)) throw new Error("no date");
    const { reading } = this.client.api;
    const found = await reading.at(this.roomId, ts, "f").catch((error: unknown) => {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      // Nothing was said since: the last before it.
      return reading.at(this.roomId, ts, "b");
    });
    navigate({ page: "room", room: this.roomId, eventId: found.event_id, via: [] });
    return true;
  }

  protected override explain(error: unknown): string {
    const isNone = error instanceof ApiError && error.status === 404;
    return isNone
      ? msg("There is nothing around that day that you may see.")
      : super.explain(error);
  }

  override render() {
    const today = new Date();
    const two = (part: number): string => String(part).padStart(2, "0");
    const max = `${today.getFullYear()}-${two(today.getMonth() + 1)}-${two(today.getDate())}`;
    return this.form(
      msg("Go to a date"),
      msg("Go there"),
      html`<div class="field">
        <label for="day">${msg("Day")}</label>
        <input type="date" id="day" name="day" required max=${max} value=${max} autofocus />
      </div>`,
    );
  }
}
