import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Client } from "../../store/client.ts";
import type { AdminRoute } from "../../store/router.ts";
import { report } from "../../store/toasts.ts";
import "./reports.ts";

/** Reports: the queue, or one of them. */
@customElement("weft-admin-reports-section")
export class WeftAdminReportsSection extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;

  override render() {
    const [, id] = this.place.path;
    if (id === undefined)
      return html`<weft-admin-reports
        .client=${this.client}
        .place=${this.place}
      ></weft-admin-reports>`;
    import("./report.ts").catch(report);
    return html`<weft-admin-report
      .client=${this.client}
      .reportId=${Number(id)}
    ></weft-admin-report>`;
  }
}
