import { msg } from "@lit/localize";
import type { ResponseBody } from "@weft/spec/types";
import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createRoomsAdmin } from "../../api/admin/rooms.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName, plainText } from "../../text/names.ts";
import { moment } from "../parts/facts.ts";
import "../parts/list.ts";
import { ofWhole, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";

type StateEvent = ResponseBody<"adminGetRoomState">["state"][number];

/** A room's current state. It comes whole, and is shown in pages. */
@customElement("weft-admin-state")
export class WeftAdminState extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() roomId = "";
  #state: readonly StateEvent[] | undefined;

  static override styles = [base, buttons, adminStyles];

  async #load(wish: Wish, signal: AbortSignal) {
    this.#state ??= (await createRoomsAdmin(this.client.api.http).state(this.roomId, signal)).state;
    const term = wish.search.toLowerCase();
    const found = this.#state.filter(
      ({ type, state_key: key = "" }) =>
        type.toLowerCase().includes(term) || key.toLowerCase().includes(term),
    );
    return ofWhole(wish, found);
  }

  #listing(): Listing<StateEvent> {
    return {
      label: msg("State"),
      searchLabel: msg("Type or key"),
      empty: msg("No event matches."),
      columns: [
        {
          label: msg("Type"),
          cell: ({ type, state_key: key }) =>
            html`<code class="name">${plainName(type) ?? "–"}</code><br />
              <span class="id">${plainName(key) ?? ""}</span>`,
        },
        {
          label: msg("Content"),
          cell: ({ content }) =>
            html`<code>${plainText(JSON.stringify(content, null, 1)).slice(0, 2000)}</code>`,
        },
        { label: msg("By"), cell: ({ sender }) => sender },
        { label: msg("When"), isNumber: true, cell: (event) => moment(event.origin_server_ts) },
      ],
      keyOf: ({ event_id: id }) => id,
      nameOf: ({ type }) => type,
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<weft-admin-list .listing=${this.#listing()}></weft-admin-list>`;
  }
}
