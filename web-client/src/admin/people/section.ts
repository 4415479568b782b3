import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Client } from "../../store/client.ts";
import type { AdminRoute } from "../../store/router.ts";
import { report } from "../../store/toasts.ts";
import "./users.ts";

/** Users: all of them, one of them, or many to create. */
@customElement("weft-admin-people")
export class WeftAdminPeople extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;

  override render() {
    const [, userId] = this.place.path;
    if (userId === undefined)
      return html`<weft-admin-users
        .client=${this.client}
        .place=${this.place}
      ></weft-admin-users>`;
    if (userId === "import") {
      import("./import.ts").catch(report);
      return html`<weft-admin-import .client=${this.client}></weft-admin-import>`;
    }
    import("./user.ts").catch(report);
    return html`<weft-admin-user
      .client=${this.client}
      .place=${this.place}
      userId=${userId}
    ></weft-admin-user>`;
  }
}
