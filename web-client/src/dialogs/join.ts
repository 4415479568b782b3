import { msg } from "@lit/localize";
import { html } from "lit";
import { customElement } from "lit/decorators.js";
import { navigate } from "../store/router.ts";
import { parseMatrixLink } from "../text/links.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** Goes into a room whose address one knows. */
@customElement("weft-join")
export class WeftJoin extends FormDialog {
  protected override async submit(data: FormData): Promise<boolean> {
    const typed = field(data, "address");
    const link = parseMatrixLink(typed);
    const address = link?.kind === "room" ? link.room : typed;
    if (!/^[#!]./.test(address)) {
      this.problem = msg(
        "A room’s address begins with # or !, as in #weaving:example.org. A link to it does as well.",
      );
      return false;
    }
    const servers = field(data, "via")
      .split(/[\s,]+/)
      .filter((server) => server !== "");
    const via = [...(link?.kind === "room" ? link.via : []), ...servers];
    const roomId = await this.client.api.rooms.join(address, via);
    navigate({ page: "room", room: roomId, via: [] });
    return true;
  }

  override render() {
    return this.form(
      msg("Join by address"),
      msg("Join"),
      html`<div class="field">
          <label for="address">${msg("Address or link")}</label>
          <input
            id="address"
            name="address"
            required
            autofocus
            spellcheck="false"
            placeholder="#room:example.org"
          />
        </div>
        <div class="field">
          <label for="via">${msg("Servers that know it")}</label>
          <input
            id="via"
            name="via"
            spellcheck="false"
            placeholder="example.org"
            aria-describedby="via-hint"
          />
          <p class="hint" id="via-hint">${msg("Only needed for addresses that begin with !")}</p>
        </div>`,
    );
  }
}
