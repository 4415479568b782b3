import { msg, str } from "@lit/localize";
import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createFederationAdmin, type Destination } from "../../api/admin/federation.ts";
import type { Client } from "../../store/client.ts";
import type { AdminRoute } from "../../store/router.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import {
  actButtons,
  backTo,
  count,
  due,
  facts,
  hrefToAdminRoom,
  moment,
  tags,
} from "../parts/facts.ts";
import "../parts/list.ts";
import { byPlace, type Listing } from "../parts/listing.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import { serverActs } from "./acts.ts";
import { stateOf } from "./servers.ts";

interface SharedRoom {
  readonly room_id: string;
  readonly stream_ordering: number;
}

/** Another server: whether it answers, what it waits for, and the rooms that it is in. */
@customElement("weft-admin-server")
export class WeftAdminServer extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @property() server = "";
  readonly #known = new Loaded<Destination>(this, (signal) =>
    createFederationAdmin(this.client.api.http).get(this.server, signal),
  );

  static override styles = [base, buttons, forms, adminStyles];

  override firstUpdated(): void {
    void this.#known.load();
  }

  #rooms(): Listing<SharedRoom> {
    return {
      label: msg("Rooms that it is in"),
      empty: msg("It is in no room of this server."),
      columns: [
        {
          label: msg("Room"),
          cell: ({ room_id: id }) => html`<a class="name" href=${hrefToAdminRoom(id)}>${id}</a>`,
        },
      ],
      keyOf: ({ room_id: id }) => id,
      nameOf: ({ room_id: id }) => id,
      load: async (wish, signal) => {
        const { rooms, total } = await createFederationAdmin(this.client.api.http).rooms(
          this.server,
          { from: Number(wish.from ?? 0), limit: wish.limit },
          signal,
        );
        return byPlace(wish, rooms, total);
      },
    };
  }

  #facts(known: Destination) {
    const behind =
      (known.last_wanted_stream_ordering ?? 0) - (known.last_successful_stream_ordering ?? 0);
    const hasAnswered = known.last_successful_stream_ordering !== null;
    const { last_success_ts: taken } = known;
    return facts([
      [msg("Last delivery"), taken === null ? msg("not known") : moment(taken)],
      [msg("No answer since"), known.failure_ts === null ? undefined : moment(known.failure_ts)],
      [msg("Last tried"), known.retry_last_ts === 0 ? undefined : moment(known.retry_last_ts)],
      [msg("Next try"), known.retry_after_ts === undefined ? undefined : due(known.retry_after_ts)],
      [
        msg("What it is owed"),
        behind > 0
          ? msg(str`It lacks what happened in the last ${count(behind)} steps of the log.`)
          : hasAnswered
            ? msg("It has everything.")
            : msg("Nothing was sent to it yet."),
      ],
    ]);
  }

  override render() {
    return html`<div class="bar">
        ${backTo("federation", msg("All servers"))}
        <h2>${plainName(this.server)}</h2>
        ${this.#known.value === undefined ? "" : tags([stateOf(this.#known.value)])}
      </div>
      ${this.#known.show((known: Destination) => {
        const acts = serverActs(this.client, known, () => void this.#known.load());
        return html`${actButtons(acts)} ${this.#facts(known)}
          <h3>${msg("Rooms that it is in")}</h3>
          <weft-admin-list .listing=${this.#rooms()} .place=${this.place}></weft-admin-list>`;
      })}`;
  }
}
