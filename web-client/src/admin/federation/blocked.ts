import { msg } from "@lit/localize";
import { html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { createFederationAdmin, type BlockedServer } from "../../api/admin/federation.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import type { AdminRoute } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { hrefToUser, moment } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { ofWhole, type Listing } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";
import { unblock } from "./acts.ts";

/** The servers with which this one does not federate. */
@customElement("weft-admin-blocked")
export class WeftAdminBlocked extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  /** Fetches the list anew. */
  reload(): Promise<void> {
    return this.list.reload();
  }

  #listing(): Listing<BlockedServer> {
    return {
      label: msg("Blocked servers"),
      searchLabel: msg("Name of the server"),
      empty: msg("No server is blocked."),
      columns: [
        { label: msg("Server"), cell: ({ server }) => html`<code>${server}</code>` },
        { label: msg("Why"), cell: ({ reason }) => plainName(reason) ?? "–" },
        {
          label: msg("By"),
          cell: ({ blocked_by: by }) => html`<a href=${hrefToUser(by)}>${by}</a>`,
        },
        { label: msg("Since"), isNumber: true, cell: ({ blocked_ts: ts }) => moment(ts) },
      ],
      keyOf: ({ server }) => server,
      nameOf: ({ server }) => server,
      menu: ({ server }) => [
        {
          label: msg("Unblock"),
          icon: "lockOpen",
          run: () =>
            openDialog({
              kind: "act",
              act: unblock(this.client, server, () => void this.list.reload()),
            }),
        },
      ],
      load: async (wish, signal) => {
        const { blocked } = await createFederationAdmin(this.client.api.http).blocked(signal);
        const term = wish.search.toLowerCase();
        return ofWhole(
          wish,
          blocked.filter(({ server }) => server.includes(term)),
        );
      },
    };
  }

  override render() {
    return html`<weft-admin-list
      .listing=${this.#listing()}
      .place=${this.place}
    ></weft-admin-list>`;
  }
}
