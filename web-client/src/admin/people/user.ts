import { msg } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { createUsersAdmin, type AdminUser } from "../../api/admin/users.ts";
import type { Client } from "../../store/client.ts";
import { type AdminRoute, hrefTo } from "../../store/router.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { actButtons, backTo, facts, moment, tabs, tags } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import "../background/under-way.ts";
import type { WeftAdminUnderWay } from "../background/under-way.ts";
import { userActs } from "./acts.ts";
import "./devices.ts";
import "./memberships.ts";
import { nameOf, rateText } from "./moderating.ts";
import "./storage.ts";
import "./uploads.ts";
import { marksOf } from "./users.ts";

interface Known {
  readonly user: AdminUser;
  readonly rate: Parameters<typeof rateText>[0];
}

/** One user: who they are, where they are signed in, and what can be done. */
@customElement("weft-admin-user")
export class WeftAdminUser extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @property() userId = "";
  @query("weft-admin-under-way") private underWay!: WeftAdminUnderWay | null;
  readonly #user = new Loaded<Known>(this, async (signal) => {
    const users = createUsersAdmin(this.client.api.http);
    const [user, rate] = await Promise.all([
      users.get(this.userId, signal),
      users.rate(this.userId, signal),
    ]);
    return { user, rate };
  });

  static override styles = [base, buttons, forms, adminStyles];

  override firstUpdated(): void {
    void this.#user.load();
  }

  /** Something was done: how it is now, and how far what goes on is. */
  #after(): void {
    void this.#user.load();
    void this.underWay?.look();
  }

  #account({ user, rate }: Known) {
    const acts = userActs(this.client, user, () => this.#after());
    return html`${actButtons(acts)}
      ${facts([
        [msg("Last seen"), moment(user.last_seen_ts)],
        // Of one user it comes in seconds.
        [msg("Since"), moment(user.creation_ts * 1000)],
        [msg("Addresses"), user.threepids.map(({ address }) => address).join(", ") || undefined],
        [
          msg("Signs in by"),
          user.external_ids
            .map(({ auth_provider: provider, external_id: id }) => `${provider}: ${id}`)
            .join(", ") || undefined,
        ],
        [msg("Application service"), user.appservice_id ?? undefined],
        [msg("Limit of requests"), rateText(rate)],
        [msg("Has agreed to"), user.consent_version ?? undefined],
      ])}
      <weft-admin-user-storage
        .client=${this.client}
        userId=${this.userId}
      ></weft-admin-user-storage>`;
  }

  #tab(name: string, known: Known) {
    switch (name) {
      case "devices":
        return html`<weft-admin-devices
          .client=${this.client}
          userId=${this.userId}
        ></weft-admin-devices>`;
      case "rooms":
        return html`<weft-admin-memberships
          .client=${this.client}
          userId=${this.userId}
        ></weft-admin-memberships>`;
      case "files":
        return html`<weft-admin-uploads
          .client=${this.client}
          userId=${this.userId}
        ></weft-admin-uploads>`;
      default:
        return this.#account(known);
    }
  }

  override render() {
    const path = ["users", this.userId];
    const [, , tab = ""] = this.place.path;
    const current = hrefTo({ page: "admin", path: tab === "" ? path : [...path, tab] });
    const all = [
      [path, msg("Account")],
      [[...path, "devices"], msg("Devices")],
      [[...path, "rooms"], msg("Rooms")],
      [[...path, "files"], msg("Files")],
    ] as const;
    return this.#user.show((known: Known) => {
      const { user } = known;
      const name = nameOf(user);
      return html`<div class="bar">
          ${backTo("users", msg("All users"))}
          <weft-avatar
            seed=${user.name}
            name=${name}
            .mxc=${user.avatar_url ?? undefined}
            size="48"
          ></weft-avatar>
          <div class="who">
            <span>
              <h2 class="ellipsis">${name}</h2>
              <span class="id">${user.name}</span>
            </span>
          </div>
          ${tags(marksOf(user)) || nothing}
        </div>
        <weft-admin-under-way
          .client=${this.client}
          .filter=${{ userId: this.userId }}
        ></weft-admin-under-way>
        ${tabs(name, all, current)} ${this.#tab(tab, known)}`;
    });
  }
}
