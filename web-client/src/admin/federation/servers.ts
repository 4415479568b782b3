import { msg } from "@lit/localize";
import type { QueryParams } from "@weft/spec/types";
import { html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { createFederationAdmin, type Destination } from "../../api/admin/federation.ts";
import type { Client } from "../../store/client.ts";
import { type AdminRoute, hrefTo } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { due, moment, tags, type Tag } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { byPlace, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";
import { serverActs } from "./acts.ts";

/** How it goes with a server, in a word. */
export function stateOf(server: Destination): Tag {
  if (server.blocked) return [msg("Blocked"), "bad"];
  if (server.failure_ts !== null) return [msg("Does not answer"), "bad"];
  const sent = server.last_successful_stream_ordering ?? 0;
  if ((server.last_wanted_stream_ordering ?? 0) > sent) return [msg("Is still sent to"), "quiet"];
  return [msg("Answers")];
}

const hrefToServer = (name: string): string =>
  hrefTo({ page: "admin", path: ["federation", "server", name] });

/** All servers that something is sent to. */
@customElement("weft-admin-servers")
export class WeftAdminServers extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  async #load(wish: Wish, signal: AbortSignal) {
    const { destinations, total } = await createFederationAdmin(this.client.api.http).list(
      {
        from: Number(wish.from ?? 0),
        limit: wish.limit,
        dir: wish.dir,
        order_by: wish.order as NonNullable<QueryParams<"getDestinations">["order_by"]>,
        ...(wish.search === "" ? {} : { destination: wish.search }),
      },
      signal,
    );
    return byPlace(wish, destinations, total);
  }

  #listing(): Listing<Destination> {
    return {
      label: msg("Other servers"),
      searchLabel: msg("Name of the server"),
      empty: msg("Nothing was sent to such a server yet."),
      order: "destination",
      columns: [
        {
          label: msg("Server"),
          order: "destination",
          cell: ({ destination: name }) =>
            html`<a class="name" href=${hrefToServer(name)}>${name}</a>`,
        },
        { label: msg("State"), cell: (server) => tags([stateOf(server)]) },
        {
          label: msg("Last delivery"),
          order: "last_success_ts",
          isNumber: true,
          cell: (server) => moment(server.last_success_ts),
        },
        {
          label: msg("No answer since"),
          order: "failure_ts",
          isNumber: true,
          cell: (server) => moment(server.failure_ts),
        },
        {
          label: msg("Next try"),
          isNumber: true,
          cell: (server) => due(server.retry_after_ts),
        },
      ],
      keyOf: ({ destination }) => destination,
      nameOf: ({ destination }) => destination,
      menu: (server) => serverActs(this.client, server, () => void this.list.reload()),
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<p class="hint">
        ${msg("A server that does not answer is tried again after ever longer pauses, up to a day. What it misses waits for it.")}
      </p>
      <weft-admin-list .listing=${this.#listing()} .place=${this.place}></weft-admin-list>`;
  }
}
