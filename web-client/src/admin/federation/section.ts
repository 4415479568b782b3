import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { icon } from "../../elements/icon.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { type AdminRoute, hrefTo } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { tabs } from "../parts/facts.ts";
import { adminStyles } from "../parts/styles.ts";
import { blockAny } from "./acts.ts";
import "./blocked.ts";
import type { WeftAdminBlocked } from "./blocked.ts";
import "./server.ts";
import "./servers.ts";

/** Federation: the other servers, one of them, or those that are blocked. */
@customElement("weft-admin-federation")
export class WeftAdminFederation extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @query("weft-admin-blocked") private blocked!: WeftAdminBlocked | null;

  static override styles = [base, buttons, adminStyles];

  readonly #onBlock = (): void =>
    openDialog({
      kind: "act",
      act: blockAny(this.client, () => void this.blocked?.reload()),
    });

  override render() {
    const [, tab, server] = this.place.path;
    if (tab === "server" && server !== undefined)
      return keyed(
        server,
        html`<weft-admin-server
          .client=${this.client}
          .place=${this.place}
          server=${server}
        ></weft-admin-server>`,
      );
    const isBlocked = tab === "blocked";
    const all = [
      [["federation"], msg("Other servers")],
      [["federation", "blocked"], msg("Blocked")],
    ] as const;
    const current = hrefTo({
      page: "admin",
      path: isBlocked ? ["federation", "blocked"] : ["federation"],
    });
    return html`<div class="bar">
        <h2>${msg("Federation")}</h2>
        ${
          isBlocked
            ? html`<button type="button" class="button" @click=${this.#onBlock}>
                ${icon("ban")} ${msg("Block a server")}
              </button>`
            : nothing
        }
      </div>
      ${tabs(msg("Federation"), all, current)}
      ${
        isBlocked
          ? html`<weft-admin-blocked
              .client=${this.client}
              .place=${this.place}
            ></weft-admin-blocked>`
          : html`<weft-admin-servers
              .client=${this.client}
              .place=${this.place}
            ></weft-admin-servers>`
      }`;
  }
}
