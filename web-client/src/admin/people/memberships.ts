import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createUsersAdmin } from "../../api/admin/users.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons } from "../../styles/shared.ts";
import { hrefToAdminRoom } from "../parts/facts.ts";
import "../parts/list.ts";
import { ofWhole, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";

interface Place {
  readonly roomId: string;
  readonly membership: string;
}

/** What somebody is to a room, in a word. */
export function membershipName(membership: string): string {
  const names: Record<string, string> = {
    join: msg("In it"),
    invite: msg("Invited"),
    knock: msg("Asks to come in"),
    leave: msg("Gone"),
    ban: msg("Banned"),
  };
  return names[membership] ?? membership;
}

/** The rooms that a user is, or was, in. */
@customElement("weft-admin-memberships")
export class WeftAdminMemberships extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property() userId = "";

  static override styles = [base, buttons, adminStyles];

  async #load(wish: Wish, signal: AbortSignal) {
    const users = createUsersAdmin(this.client.api.http);
    const { memberships } = await users.rooms(this.userId, signal);
    const wanted = wish.filters["membership"];
    const all = Object.entries(memberships)
      .map(([roomId, membership]) => ({ roomId, membership }))
      .filter(({ membership }) => wanted === "" || membership === wanted);
    return ofWhole(wish, all);
  }

  /** Rooms that the administrator is in as well have names here. */
  #nameOf({ roomId }: Place): string {
    return this.client.store.summary(roomId)?.name ?? roomId;
  }

  #listing(): Listing<Place> {
    return {
      label: msg("Rooms"),
      empty: msg("They are in no such room."),
      filters: [
        {
          name: "membership",
          label: msg("Show"),
          options: ["join", "invite", "knock", "leave", "ban", ""].map(
            (one) => [one, one === "" ? msg("All") : membershipName(one)] as const,
          ),
        },
      ],
      columns: [
        {
          label: msg("Room"),
          cell: (place) =>
            html`<a class="name" href=${hrefToAdminRoom(place.roomId)}>${this.#nameOf(place)}</a>
              ${this.#nameOf(place) === place.roomId ? nothing : html`<br /><span class="id">${place.roomId}</span>`}`,
        },
        { label: msg("State"), cell: ({ membership }) => membershipName(membership) },
      ],
      keyOf: ({ roomId }) => roomId,
      nameOf: (place) => this.#nameOf(place),
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<weft-admin-list .listing=${this.#listing()}></weft-admin-list>`;
  }
}
